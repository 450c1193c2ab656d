"""The frame around every page: where one can go, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

THEMES = ("system", "light", "dark")
THEME_COOKIE, CONTRAST_COOKIE, KEYS_COOKIE = "theme", "contrast", "keys"


@dataclass(frozen=True)
class Entry:
    """A line of the navigation. It is the current one on every page below its address."""

    name: str
    label: str | Promise
    icon: str
    operator: bool = False


ENTRIES = (
    Entry("home", _("Home"), "house"),
    Entry("machines", _("Virtual machines"), "display"),
    Entry("templates", _("Images"), "images"),
    Entry("ssh-keys", _("SSH keys"), "key"),
    Entry("jobs", _("Jobs"), "activity"),
    Entry("trash", _("Trash"), "trash3"),
    Entry("infrastructure", _("Infrastructure"), "diagram-3", operator=True),
    Entry("launch", _("Launch a zone"), "rocket-takeoff", operator=True),
    Entry("offerings", _("Sizes"), "sliders", operator=True),
    Entry("invite", _("Invite a user"), "people", operator=True),
    Entry("events", _("Events"), "clock-history", operator=True),
)
_OPERATOR_PATHS = ("/infrastructure/", "/launch/", "/offerings/", "/people/", "/events/")


@dataclass(frozen=True)
class Link:
    label: str | Promise
    icon: str
    href: str
    current: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: nothing here asks the database but for the user that the session names."""
    theme = request.COOKIES.get(THEME_COOKIE, "system")
    return {
        "theme": theme if theme in THEMES else "system",
        "contrast": "more" if request.COOKIES.get(CONTRAST_COOKIE) == "more" else "",
        "keys_off": request.COOKIES.get(KEYS_COOKIE) == "off",
        "live_since": int(getattr(request, "begun", 0) * 1000),
        "operator_area": request.path.startswith(_OPERATOR_PATHS),
        "own_links": lambda: list(_links(request, operator=False)),
        "operator_links": lambda: list(_links(request, operator=True)) if _is_operator(request) else [],
    }


def _is_operator(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return bool(getattr(user, "is_super_admin", False) and getattr(user, "is_active", False))


def _links(request: HttpRequest, *, operator: bool) -> Iterator[Link]:
    for entry in ENTRIES:
        if entry.operator != operator:
            continue
        href = reverse(f"portal:{entry.name}")
        current = request.path == href if href == "/" else request.path.startswith(href)
        yield Link(entry.label, entry.icon, href, current)
