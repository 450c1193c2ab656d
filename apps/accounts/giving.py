"""Nobody gives more than they hold: for every permission that a role allows, the giver's own reach of it has
to hold all of the place where the role is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from django.db.models import Model

from apps.accounts.actor import Actor
from apps.accounts.held import Held, held_by
from apps.accounts.models import Account, Domain, Grant, Membership, Role, User
from apps.accounts.reach import Reach
from apps.accounts.roles.ready import READY
from apps.accounts.roles.rules import Rules
from apps.accounts.scopes import nouns_of_no_tenant, place_models, scope_of
from apps.core.errors import InvalidInput, PermissionDenied
from apps.core.trees import is_within
from apps.core.words.permissions import INFRASTRUCTURE

GLOBAL = Grant.Scope.GLOBAL.value
SHOWN = 5
ReachOf = Callable[[str], Reach]
Given = Grant | Membership


@dataclass(frozen=True)
class Place:
    """A scope and its row; no row is the whole cloud."""

    scope: str
    row: Model | None

    @classmethod
    def of(cls, row: Model | None) -> Self:
        if row is None:
            return cls(GLOBAL, None)
        names = {model: name for name, model in place_models().items()}
        return cls(names[type(row)], row)

    @classmethod
    def of_given(cls, given: Given) -> Self | None:
        """Where a role was given; None if that place is there no more."""
        if isinstance(given, Membership):
            return cls("account", given.account)
        if given.scope == GLOBAL:
            return cls(GLOBAL, None)
        row = place_models()[given.scope]._default_manager.filter(pk=given.place_id).first()
        return cls(given.scope, row) if row else None

    @classmethod
    def of_held(cls, held: Held) -> Self | None:
        """Where somebody holds a role; None if that place is there no more."""
        if held.scope == GLOBAL:
            return cls(GLOBAL, None)
        row = place_models()[held.scope]._default_manager.filter(pk=held.key).first()
        return cls(held.scope, row) if row else None

    @property
    def path(self) -> str | None:
        """Of the domain that it is, or lies in."""
        if isinstance(self.row, Domain):
            return self.row.path
        return self.row.domain.path if isinstance(self.row, Account) else None

    def lies_in(self, reach: Reach) -> bool:
        if reach.everything:
            return True
        return self.row is not None and scope_of(type(self.row)).holds(reach, self.row)


def lacks(reach_of: ReachOf, rules: Rules, place: Place, *, has_everything: bool = False) -> list[str]:
    """What the rules allow that the giver does not hold in all of the place. "*" is given only by who has
    everything, whatever permissions there are."""
    if has_everything:
        return []
    if rules.are_everything:
        return ["*"]
    inside: dict[Reach, bool] = {}
    found = []
    for permission in sorted(rules.permissions()):
        if shows_nothing(permission, place.scope):
            continue
        reach = reach_of(permission)
        if reach not in inside:
            inside[reach] = place.lies_in(reach)
        if not inside[reach]:
            found.append(permission)
    return found


def shows_nothing(permission: str, scope: str) -> bool:
    """Whether it is about seeing what never lies in a domain or an account, and the scope is one. So an
    auditor, who sees all there is in a domain, is not more than its admin."""
    if scope not in {"domain", "account"}:
        return False
    noun, _dot, verb = permission.partition(".")
    if permission == "audit.verify":
        return True
    return verb == "read" and (permission in INFRASTRUCTURE or noun in nouns_of_no_tenant())


def actor_lacks(actor: Actor, rules: Rules, place: Place) -> list[str]:
    return lacks(actor.reach, rules, place, has_everything=actor.is_operator)


def held_lacks(held: Iterable[Held], rules: Rules, place: Place) -> list[str]:
    """The same of what somebody holds, apart from any session or token."""
    rows = tuple(held)
    known: dict[tuple[str, ...], list[int]] = {}

    def reach_of(permission: str) -> Reach:
        return Reach.of((each for each in rows if each.rules.allows(permission)), known)

    return lacks(reach_of, rules, place, has_everything=any(each.is_everything for each in rows))


def misfit(role: Role, place: Place) -> str:
    """Why the role cannot be given there, as a reason; empty if it can. A role of a domain is given only in
    it and below."""
    if role.key is not None:
        return "" if place.scope in READY[role.key].scopes else "role_not_for_scope"
    if role.domain is not None and not is_within(place.path, role.domain.path):
        return "role_of_another_domain"
    return ""


def require_gives(actor: Actor, role: Role, place: Place) -> None:
    """InvalidInput or PermissionDenied unless the role may be given there, and by this actor."""
    if reason := misfit(role, place):
        scope = str(Grant.Scope(place.scope).label)
        raise InvalidInput(reason, place="role", role=role.shown_name, scope=scope)
    if missing := actor_lacks(actor, role.allowed, place):
        raise PermissionDenied(
            place="role",
            reason="more_than_you_hold",
            permissions=short(missing),
        )


def require_holds_all_of(actor: Actor, user: User) -> None:
    """PermissionDenied where the user holds anything that the actor does not: who makes a way to come in as
    somebody holds what they hold."""
    for held in held_by(user, even_inactive=True):
        place = Place.of_held(held)
        if place is not None and (missing := actor_lacks(actor, held.rules, place)):
            raise PermissionDenied(place="user", reason="user_is_more_than_you", permissions=short(missing))


def short(names: list[str]) -> str:
    """The first of them, as a message tells them."""
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def fresh_actor(actor: Actor) -> Actor:
    """The actor with what they hold now: asked again once nobody else can change it."""
    if actor.user is None:
        return actor
    return Actor(User.objects.get(pk=actor.user.pk), actor.reason, actor.limits, actor.behalf)
