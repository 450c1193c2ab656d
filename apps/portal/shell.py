"""The frame around every page: where one can go, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.portal.pages import actor_of
from apps.portal.working import may_choose, working_account

THEMES = ("system", "light", "dark")
THEME_COOKIE, CONTRAST_COOKIE, KEYS_COOKIE = "theme", "contrast", "keys"


@dataclass(frozen=True)
class Entry:
    """A line of the navigation. It is the current one on every page below its address."""

    name: str
    label: str | Promise
    icon: str
    in_menu: bool = field(default=True, kw_only=True)  # else only the search leads there
    needs: str = ""  # all, of “a|b” either, that its reader may do somewhere; these stand in the admin area
    group: str | Promise = field(default="", kw_only=True)  # the heading that it stands under there


_BUILT, _TENANTS = _("Infrastructure"), _("Tenants")
_ACCESS, _RECORDS = _("Access"), _("Records")
ALL_OPEN = 5
"""As many entries of the admin area stand open, whatever groups they are in."""

ENTRIES = (
    Entry("home", _("Home"), "house"),
    Entry("machines", _("Virtual machines"), "display"),
    Entry("templates", _("Images"), "images"),
    Entry("ssh-keys", _("SSH keys"), "key"),
    Entry("jobs", _("Jobs"), "activity"),
    Entry("projects", _("Projects"), "layers"),
    Entry("working-account", _("Account to work in"), "layers", in_menu=False),
    Entry("trash", _("Trash"), "trash3", in_menu=False),
    Entry("infrastructure", _("Infrastructure"), "diagram-3", "capacity.read", group=_BUILT),
    Entry("launch", _("Launch a zone"), "rocket-takeoff", "zone.apply", group=_BUILT),
    Entry("offerings", _("Sizes"), "sliders", "service_offering.change", group=_BUILT),
    Entry("domains", _("Domains"), "building", "domain.read", group=_TENANTS),
    Entry("accounts", _("Accounts"), "layers", "account.create", group=_TENANTS),
    Entry("quotas", _("Quotas"), "bar-chart", "quota.set", group=_TENANTS),
    Entry("leavers", _("Left behind"), "box-arrow-right", "leaver.read domain.read", group=_TENANTS),
    Entry("people", _("People"), "person-circle", "user.create", group=_ACCESS),
    Entry("roles", _("Roles"), "shield-lock", "role.create", group=_ACCESS),
    Entry("grants", _("Grants"), "key", "grant.create", group=_ACCESS),
    Entry("directories", _("Directories"), "people", "directory.read", group=_ACCESS),
    Entry("events", _("Events"), "clock-history", "event.read capacity.read|domain.read", group=_RECORDS),
)
_OPERATOR_PATHS = (
    "/infrastructure/",
    "/launch/",
    "/offerings/",
    "/people/",
    "/events/",
    "/directories/",
    "/leavers/",
    "/domains/",
    "/roles/",
    "/grants/",
)


@dataclass(frozen=True)
class Link:
    label: str | Promise
    icon: str
    href: str
    current: bool
    group: str | Promise = ""


@dataclass(frozen=True)
class Group:
    """A heading of the admin area with what stands under it."""

    label: str | Promise
    links: list[Link]
    is_open: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of every page. Of the database only the user is asked, and once what they hold."""
    theme = request.COOKIES.get(THEME_COOKIE, "system")
    return {
        "theme": theme if theme in THEMES else "system",
        "contrast": "more" if request.COOKIES.get(CONTRAST_COOKIE) == "more" else "",
        "keys_off": request.COOKIES.get(KEYS_COOKIE) == "off",
        "live_since": int(getattr(request, "begun", 0) * 1000),
        "operator_area": request.path.startswith(_OPERATOR_PATHS),
        "own_links": lambda: list(_links(request, admin=False)),
        "hidden_links": lambda: list(_links(request, admin=False, hidden=True)),
        "operator_links": lambda: list(_links(request, admin=True)),
        "operator_groups": lambda: _groups(request),
        "working_shown": lambda: _is_user(request) and may_choose(actor_of(request)),
        "working_account": lambda: working_account(request),
        "viewed_by": getattr(request, "viewer", None),
        "is_operator": lambda: _is_operator(request),
    }


def _is_user(request: HttpRequest) -> bool:
    return isinstance(getattr(request, "user", None), User)


def _is_operator(request: HttpRequest) -> bool:
    return _is_user(request) and actor_of(request).is_operator


def _groups(request: HttpRequest) -> list[Group]:
    """Folded but for the one that the reader is in, unless all of it is short."""
    links = list(_links(request, admin=True))
    by_label: dict[str, list[Link]] = {}
    for link in links:
        by_label.setdefault(str(link.group), []).append(link)
    short = len(links) <= ALL_OPEN
    return [
        Group(label, inside, short or any(link.current for link in inside))
        for label, inside in by_label.items()
    ]


def _may_all(actor: Actor, needs: str) -> bool:
    return all(any(policy.somewhere(actor, one) for one in need.split("|")) for need in needs.split())


def _links(request: HttpRequest, *, admin: bool, hidden: bool = False) -> Iterator[Link]:
    actor = actor_of(request) if _is_user(request) else None
    for entry in ENTRIES:
        if bool(entry.needs) != admin or entry.in_menu == hidden:
            continue
        if admin and (actor is None or not _may_all(actor, entry.needs)):
            continue
        href = reverse(f"portal:{entry.name}")
        current = request.path == href if href == "/" else request.path.startswith(href)
        yield Link(entry.label, entry.icon, href, current, entry.group)
