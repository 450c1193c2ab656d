"""Where people, roles, groups and grants lie: not in one account, but where others of theirs do."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from apps.accounts.actor import Actor
from apps.accounts.giving import Place, held_lacks
from apps.accounts.held import Held, held_by, held_by_each
from apps.accounts.models import Account, Domain, Grant, Membership, Quota, Role, User
from apps.accounts.reach import Reach
from apps.accounts.roles.ready import READY, USER
from apps.accounts.roles.rules import Rules
from apps.accounts.scopes import Rows, place_models, scope_of
from apps.core.trees import keys_of


class People:
    """A user is seen by who sees one of their accounts, and by themselves; and is governed by who governs
    all of their accounts and all that they hold, so that nobody acts on somebody who is more: nor on who
    will be more again once they are let in."""

    noun = "user"

    def where(self, reach: Reach) -> Q:
        if reach.everything:
            return Q()
        accounts = Account.objects.filter(reach.account_rows())
        return Q(pk__in=Membership.objects.filter(account__in=accounts).values("user"))

    def holds(self, reach: Reach, row: User) -> bool:
        return reach.everything or row.accounts.filter(reach.account_rows()).exists()

    def governs(self, reach: Reach, row: User) -> bool:
        if reach.everything:
            return True
        if row.is_super_admin or not self.holds(reach, row):
            return False
        inside = row.accounts.filter(reach.account_rows()).count()
        grants = [held for held in held_by(row, even_inactive=True) if held.via.startswith("grant")]
        return inside == row.memberships.count() and all(within(reach, held) for held in grants)

    def above(self, actor: Actor, permission: str, row: User) -> list[str]:
        """What was granted to the user, or to a group of theirs, in more than an account, that the actor
        does not hold. What they are in an account is no office: who governs the account governs that."""
        if _only_reads(permission) or actor.user is None or actor.user.pk == row.pk:
            return []
        for held in held_by(row, even_inactive=True):
            place = Place.of_held(held) if held.scope != Grant.Scope.ACCOUNT else None
            if place is not None and (missing := _more(actor, held.rules, place)):
                return missing
        return []

    def open_to(self, actor: Actor) -> Q | None:
        return Q(pk=actor.user.pk) if actor.user else None

    def is_open_to(self, actor: Actor, row: User) -> bool:
        return actor.user is not None and actor.user.pk == row.pk


def _only_reads(permission: str) -> bool:
    return permission.endswith(".read")


def _more(actor: Actor, rules: Rules, place: Place) -> list[str]:
    """What the rules give there that the actor does not hold, apart from what keeps their token; nothing of
    what is no more than any member's."""
    any_members = not rules.are_everything and rules.permissions() <= READY[USER].rules.permissions()
    return [] if any_members else held_lacks(actor.held, rules, place)


def governed(reach: Reach, rows: list[User]) -> set[int]:
    """The keys of those whom `People.governs` says yes to, for a whole page of a list."""
    if reach.everything:
        return {row.pk for row in rows}
    pairs = list(Membership.objects.filter(user__in=rows).values_list("user", "account"))
    accounts = Account.objects.filter(pk__in={account for _user, account in pairs})
    inside = set(accounts.filter(reach.account_rows()).values_list("pk", flat=True))
    theirs = {row.pk for row in rows if not row.is_super_admin} & {user for user, _account in pairs}
    theirs -= {user for user, account in pairs if account not in inside}
    judged = [row for row in rows if row.pk in theirs]
    for user, held in held_by_each(judged, even_inactive=True).items():
        if not all(within(reach, each) for each in held if each.via.startswith("grant")):
            theirs.discard(user)
    return theirs


def within(reach: Reach, held: Held) -> bool:
    """Whether all of the scope of what somebody holds lies in the reach."""
    return scope_within(reach, held.scope, held.key)


def scope_within(reach: Reach, scope: str, key: int | None) -> bool:
    """Whether the row of this key in a scope, with all below it, lies in the reach."""
    if reach.everything:
        return True
    model = place_models().get(scope)
    row = model._default_manager.filter(pk=key).first() if model else None
    return row is not None and scope_of(type(row)).holds(reach, row)


class Roles:
    """Ready roles and those of the whole cloud are everybody's to know of; those of a domain are known
    there, below it, and to who reads roles above it."""

    noun = "role"

    def where(self, reach: Reach) -> Q:
        if reach.everything:
            return Q()
        above = {key for path in self._paths(reach) for key in keys_of(path)}
        return Q(domain__in=above) | reach.below("domain__path")

    def _paths(self, reach: Reach) -> list[str]:
        owned = Domain.objects.filter(accounts__in=reach.accounts).values_list("path", flat=True)
        return [*reach.paths, *(path for path in owned if path)]

    def holds(self, reach: Reach, row: Role) -> bool:
        if reach.everything:
            return True
        if row.domain is None:
            return False
        above = {key for path in self._paths(reach) for key in keys_of(path)}
        return row.domain_id in above or reach.has_path(row.domain.path)

    def governs(self, reach: Reach, row: Role) -> bool:
        """A role is changed by who may so in all of its domain; a ready role by nobody."""
        if row.key is not None:
            return False
        return reach.everything or (row.domain is not None and reach.has_path(row.domain.path))

    def above(self, actor: Actor, permission: str, row: Role) -> list[str]:
        """A role that is more than the actor is not changed under those who hold it."""
        if actor.user is None or permission != "role.change":
            return []
        return _more(actor, row.allowed, Place.of(row.domain))

    def open_to(self, actor: Actor) -> Q | None:
        return Q(domain=None)

    def is_open_to(self, actor: Actor, row: Role) -> bool:
        return row.domain_id is None


class Grants:
    """A grant lies where its scope does; who holds it knows of it too."""

    noun = "grant"

    def where(self, reach: Reach) -> Q:
        if reach.everything:
            return Q()
        condition = Q(pk__in=[])
        for name, model in place_models().items():
            column = name if name in {"domain", "account"} else "place"
            inside = model._default_manager.filter(scope_of(model).where(reach)).values("pk")
            condition |= Q(scope=name, **{f"{column}__in": inside})
        return condition

    def holds(self, reach: Reach, row: Grant) -> bool:
        return scope_within(reach, row.scope, row.place_id)

    def governs(self, reach: Reach, row: Grant) -> bool:
        return self.holds(reach, row)

    def above(self, actor: Actor, permission: str, row: Grant) -> list[str]:
        """Nobody takes away what they could not give."""
        if _only_reads(permission) or actor.user is None:
            return []
        place = Place.of_given(row)
        return _more(actor, row.role.allowed, place) if place else []

    def open_to(self, actor: Actor) -> Q | None:
        return Q(user=actor.user) | Q(group__members=actor.user) if actor.user else None

    def is_open_to(self, actor: Actor, row: Grant) -> bool:
        if actor.user is None:
            return False
        if row.group is not None:
            return row.group.people.filter(user=actor.user).exists()
        return row.user_id == actor.user.pk


class Groups(Rows):
    """A group is in no place: who may grant roles anywhere sees it, to grant them to it."""

    def __init__(self) -> None:
        super().__init__("group")

    def open_to(self, actor: Actor) -> Q | None:
        return None if actor.reach("grant.create").is_nowhere else Q()

    def is_open_to(self, actor: Actor, row: Any) -> bool:
        return self.open_to(actor) is not None


class Quotas(Rows):
    """A quota lies where its account or domain does. A member's is seen by the member, and by who may set
    it: not by everybody who sees the account's."""

    def __init__(self) -> None:
        super().__init__("quota", account="account_id", domain="domain__path")
        self._members = Rows("quota", account="within_id")

    def parts(self, reach: Reach) -> list[Q]:
        return []

    def joined(self, reach: Reach) -> Q:
        return Q()

    def open_to(self, actor: Actor) -> Q | None:
        reach = actor.reach("quota.limit_member")
        inside = Q(within__isnull=False) if reach.everything else self._members.where(reach)
        return inside if actor.user is None else Q(user=actor.user) | inside

    def is_open_to(self, actor: Actor, row: Quota) -> bool:
        if row.within_id is None:
            return False
        mine = actor.user is not None and row.user_id == actor.user.pk
        return mine or self._members.holds(actor.reach("quota.limit_member"), row)
