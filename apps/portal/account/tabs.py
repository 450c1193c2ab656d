"""The tabs of a reader's own pages."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_TABS: tuple[tuple[str, str | Promise, str], ...] = (
    ("account", _("Overview"), "person-circle"),
    ("account-password", _("Password"), "key"),
    ("account-sessions", _("Sessions"), "display"),
    ("account-tokens", _("Tokens"), "terminal"),
)


def tabs(current: str) -> list[dict[str, Any]]:
    return [
        {"label": label, "icon": icon, "href": reverse(f"portal:{name}"), "current": name == current}
        for name, label, icon in _TABS
    ]
