"""Who is here, and one of them: accounts, roles, and what follows from these."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.held import held_by
from apps.accounts.models import Role, User
from apps.accounts.scopes import place_models
from apps.accounts.scopes_people import governed
from apps.portal.events.shown import last_of, views_of
from apps.portal.list_cells import badge
from apps.portal.list_filters import Flag, Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page
from apps.portal.roles.shown import sections

ACTS = ("set_active", "close", "reopen", "erase")


def _find_ways_in(actor: Actor, rows: list[User]) -> None:
    """To whose sessions and tokens the reader may go."""
    open_to = governed(actor.reach("session.read"), rows)
    for row in rows:
        row.may_access = row.pk in open_to  # type: ignore[attr-defined]


def _way_in(row: User) -> str:
    return reverse("portal:user-access", args=[row.uuid]) if row.may_access else ""  # type: ignore[attr-defined]


PEOPLE = ListPage(
    key="people",
    title=_("People"),
    rows=lambda: User.objects.filter(kind=User.Kind.PERSON),
    columns=(
        Column(
            "username",
            _("User name"),
            lambda row: row.username,
            order="username",
            href=lambda row: reverse("portal:person", args=[row.uuid]),
        ),
        Column("full_name", _("Full name"), lambda row: row.full_name),
        Column("email", _("E-mail address"), lambda row: row.email, shown=False),
        Column(
            "state",
            _("State"),
            lambda row: say("Let in") if row.is_active else say("Kept out"),
            html=lambda row: badge("enabled", row.is_active),
        ),
        Column(
            "access",
            _("How they get in"),
            lambda row: say("Sessions and tokens") if row.may_access else "",
            href=_way_in,
        ),
        Column("created", _("Created"), lambda row: row.created_at, order="id"),
    ),
    filters=(
        Search(_("Name or mail"), path="search_key"),
        Flag("active", _("State"), _("Let in"), _("Kept out"), path="is_active"),
    ),
    default_order="username",
    empty=Empty(
        _("Nobody is here yet"), _("Invite somebody to begin with."), "portal:invite", _("Invite a user")
    ),
    template="portal/people/list.html",
    prepare=_find_ways_in,
)


@page
def people_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    policy.require_somewhere(actor, "user.read")
    return PEOPLE.respond(
        request,
        actor,
        may_invite=policy.somewhere(actor, "user.create"),
        may_check=policy.somewhere(actor, "grant.read"),
    )


@page
def person(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """What is shown of somebody's rights is what the reader may know of: all of it to who governs them."""
    user = policy.find(actor, User.objects.filter(kind=User.Kind.PERSON), uuid)
    own = actor.user is not None and actor.user.pk == user.pk
    knows = own or policy.may(actor, "grant.read", user)
    context = {
        "row": user,
        "own": own,
        "knows": knows,
        "memberships": _memberships(actor, user),
        "held": _held(user) if knows else [],
        "may": {
            "view_as": not own and policy.may(actor, "user.view_as", user),
            **{act: not own and policy.may(actor, f"user.{act}", user) for act in ACTS},
            "access": policy.may(actor, "session.read", user),
            "grant": not own and policy.somewhere(actor, "grant.create"),
            "check": policy.somewhere(actor, "grant.read"),
        },
        "views": views_of(user) if knows else [],
        "events": last_of(actor, user) if knows else [],
    }
    return render(request, "portal/people/person.html", context)


def _memberships(actor: Actor, user: User) -> list[Any]:
    rows = user.memberships.select_related("account", "role").order_by("account__name_sort")
    return [row for row in rows if policy.sees(actor, row.account)]


def _held(user: User) -> list[dict[str, Any]]:
    """Each role in force with where it is held and what it allows."""
    found = []
    held = held_by(user)
    roles = Role.objects.in_bulk({each.role for each in held if each.role})
    for each in held:
        role: Role | None = roles.get(each.role or 0)
        model = place_models().get(each.scope)
        row: Any = model._default_manager.filter(pk=each.key).first() if model else None
        found.append(
            {
                "role": role,
                "name": role.shown_name if role else say("Super admin"),
                "scope": each.scope,
                "place": row.name if row else "",
                "via": each.via.partition(":")[0],
                "sections": sections(each.rules, only_allowed=True),
            }
        )
    return found
