"""What users hold: every role of theirs that is in force, and where. From memberships, from grants, from
grants of their groups, and from the flag of a local super admin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.accounts.models import Grant, Membership, User
from apps.accounts.roles.ready import READY, SUPER_ADMIN
from apps.accounts.roles.rules import Rules


@dataclass(frozen=True, slots=True)
class Held:
    """A role in a scope. `key` is that of the scope's row, `path` of a domain its path in the tree; `via`
    says which row gave it: "membership:7", "grant:3", or "flag"."""

    rules: Rules
    role: int | None
    scope: str
    key: int | None
    path: str
    via: str

    @property
    def is_everything(self) -> bool:
        return self.scope == Grant.Scope.GLOBAL and self.rules.are_everything


FLAG = Held(READY[SUPER_ADMIN].rules, None, Grant.Scope.GLOBAL.value, None, "", "flag")


def held_by(user: User, *, even_inactive: bool = False) -> tuple[Held, ...]:
    """What an active user holds; nothing, of any other, unless it is asked what they will hold once they
    are let in again."""
    return held_by_each([user], even_inactive=even_inactive).get(user.pk, ())


def held_by_each(users: Iterable[User], *, even_inactive: bool = False) -> dict[int, tuple[Held, ...]]:
    """By user's key, in two queries however many users there are. Inactive users are left out."""
    active = {user.pk: user for user in users if user.is_active or even_inactive}
    found: dict[int, list[Held]] = defaultdict(list)
    for user in active.values():
        if user.is_super_admin:
            found[user.pk].append(FLAG)
    now = timezone.now()
    in_force = Q(ends_at=None) | Q(ends_at__gt=now)
    memberships = Membership.objects.filter(in_force, user__in=active).select_related("role")
    for row in memberships.order_by("pk"):
        held = Held(row.role.allowed, row.role_id, "account", row.account_id, "", f"membership:{row.pk}")
        found[row.user_id].append(held)
    for grant in _grants(active, in_force):
        path = (grant.domain.path or "") if grant.domain else ""
        key = grant.place_id
        held = Held(grant.role.allowed, grant.role_id, grant.scope, key, path, f"grant:{grant.pk}")
        found[grant.holder].append(held)  # type: ignore[attr-defined]
    return {pk: tuple(rows) for pk, rows in found.items()}


def _grants(users: Iterable[int], in_force: Q) -> Iterable[Grant]:
    """Grants of the users, of their groups too: one row for each that holds it, in `holder`."""
    keys = list(users)
    rows = Grant.objects.select_related("role", "domain").annotate(
        holder=Coalesce("user_id", "group__people__user_id")
    )
    mine = Q(user__in=keys) | Q(user=None, group__people__user__in=keys)
    return rows.filter(in_force, mine).order_by("pk")
