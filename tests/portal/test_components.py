"""The design system: few pieces, each shown on the style page in every state."""

from __future__ import annotations

import json
import re

import pytest
from django.conf import settings
from django.test import Client

from apps.portal.badges import badge_of
from apps.portal.style.views import _KINDS
from tests import factories

TEMPLATES = settings.BASE_DIR / "templates"
COMPONENTS = {path.name for path in (TEMPLATES / "components").iterdir()}


@pytest.mark.django_db
def test_the_style_page_shows_every_component_in_the_readers_language() -> None:
    client = Client(headers={"accept-language": "el"})
    client.force_login(factories.make_user(factories.make_account()))
    answer = client.get("/style/")
    assert answer.status_code == 200
    used = {part.removeprefix("components/") for part in _names_of(answer) if part.startswith("components/")}
    assert used >= COMPONENTS - {"dialog_actions.html"}


def _names_of(answer: object) -> set[str]:
    return {template.name for template in answer.templates if template.name}  # type: ignore[attr-defined]


def test_there_are_at_most_fifteen_components() -> None:
    assert len(COMPONENTS) <= 15


@pytest.mark.parametrize("kind", _KINDS)
def test_each_state_has_a_word_a_tone_and_an_icon(kind: str) -> None:
    for value in _KINDS[kind]:
        badge = badge_of(kind, value)
        assert badge.label
        assert badge.tone in {"ok", "busy", "bad", "off", "info"}


def test_each_icon_that_is_used_is_served() -> None:
    """An icon that is not there is an empty box, and nobody notices."""
    served = json.loads((settings.BASE_DIR / "package.json").read_text())["serve"].values()
    known = {name.removeprefix("icons/").removesuffix(".svg") for name in served if name.startswith("icons/")}
    used = set()
    for path in TEMPLATES.rglob("*.html"):
        used |= set(re.findall(r'{% icon "([\w-]+)"', path.read_text()))
        used |= set(re.findall(r'icon_name="([\w-]+)"', path.read_text()))
    for path in (settings.BASE_DIR / "apps" / "portal").rglob("*.py"):
        used |= set(re.findall(r'"icon": "([\w-]+)"', path.read_text()))
    used |= {badge_of(kind, value).icon for kind, values in _KINDS.items() for value in values}
    assert used <= known
