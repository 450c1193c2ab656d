"""What the command palette offers beside what the search finds: acts on what the page is about, places,
documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine
from apps.core.names import fold
from apps.portal.machines.buttons import buttons_of
from apps.portal.search.finders import Asked, Text, find_all
from apps.portal.shell import frame

OBJECTS = 4
DOCUMENTS = 5


@dataclass(frozen=True)
class Choice:
    """A line of the palette: it leads to `href`, or sends `verb` there."""

    label: Text
    detail: Text
    icon: str
    href: str
    verb: str = ""


@dataclass(frozen=True)
class Section:
    label: Text
    choices: list[Choice]


def sections_of(request: HttpRequest, actor: Actor, asked: Asked, here: str) -> list[Section]:
    """`here` is the address of the page that the palette was opened on."""
    sections = [
        Section(_("On this page"), [choice for choice in _acts(actor, here) if _fits(choice, asked)]),
        *(
            Section(
                group.label,
                [Choice(hit.name, hit.detail, hit.icon, hit.href) for hit in group.hits if hit.href],
            )
            for group in find_all(actor, asked, OBJECTS)
        ),
        Section(_("Go to"), [choice for choice in _places(request) if _fits(choice, asked)]),
        Section(_("Documentation"), list(_documents(asked))[:DOCUMENTS]),
    ]
    return [section for section in sections if section.choices]


def _fits(choice: Choice, asked: Asked) -> bool:
    return asked.key in fold(str(choice.label))


def _places(request: HttpRequest) -> Iterator[Choice]:
    yield Choice(_("Create VM"), "", "plus-lg", reverse("portal:machine-create"))
    links: dict[str, Any] = frame(request)
    for link in [*links["own_links"](), *links["operator_links"]()]:
        yield Choice(link.label, "", link.icon, link.href)


def _acts(actor: Actor, here: str) -> Iterator[Choice]:
    """What can be done now to the machine whose page this is, on any of its tabs. What destroys is led
    to by a page that asks first."""
    try:
        match = resolve(here)
    except Resolver404:
        return
    if not match.view_name.startswith("portal:machine") or "uuid" not in match.kwargs:
        return
    vm = policy.visible(actor, VirtualMachine.objects.filter(uuid=match.kwargs["uuid"])).first()
    if vm is None:
        return
    act = reverse("portal:machine-act", args=[vm.uuid])
    for button in buttons_of(actor, vm):
        if button.why_not:
            continue
        if button.href:
            yield Choice(button.label, vm.name, button.icon, button.href)
        else:
            yield Choice(button.label, vm.name, button.icon, act, button.value)


def _documents(asked: Asked) -> Iterator[Choice]:
    """Pages of the documentation in the reader's language whose title holds what was typed."""
    if not asked.key:
        return
    path = settings.VAR / "docs" / "current" / "index.json"
    if not path.exists():
        return
    for title, address, language in _index(path, path.stat().st_mtime_ns):
        if language == get_language() and asked.key in fold(title):
            yield Choice(title, "", "book", address)


@lru_cache(maxsize=2)
def _index(path: Path, _changed: int) -> list[tuple[str, str, str]]:
    entries = json.loads(path.read_text())
    return [(entry["title"], entry["address"], entry["language"]) for entry in entries]
