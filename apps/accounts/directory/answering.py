"""Who answers for a rule of a mapping: whoever wrote or changed it last, as long as they hold what it gives.

A rule is the directory's, not a person's: what it gives stays when that person holds it no longer. But then
nobody answers for it, which is told to those who may change it, until one of them who holds what it gives
says that it stands. What is not in force yet does not come into force meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.giving import Place, ReachOf, fresh_actor, lacks, short
from apps.accounts.held import Held, held_by_each
from apps.accounts.locks import lock_tree
from apps.accounts.models import MappingRule, User
from apps.accounts.reach import Reach
from apps.core.errors import InvalidInput, PermissionDenied

LOST = Actor.system("who answered for it no longer has it")


def place_of(row: MappingRule) -> Place:
    """Where the rule gives its role."""
    if row.gives == MappingRule.Gives.ACCOUNT:
        return Place.of(row.account)
    if row.gives == MappingRule.Gives.TEMPLATE:
        return Place.of(row.domain)
    return Place.of(place_row(row))


def place_row(row: MappingRule) -> Model | None:
    """The row that a role is given in; None for the whole cloud. InvalidInput if it is there no more."""
    if row.scope in {"", "global"}:
        return None
    model = policy.place_models()[row.scope]
    found = model._default_manager.filter(pk=row.place).first()
    if found is None:
        raise InvalidInput("place_is_gone", place="place")
    return found


def needed(row: MappingRule) -> list[str]:
    """What it does besides giving the role, as the permissions for doing that by hand."""
    by_hand = {
        MappingRule.Gives.ACCOUNT.value: "account.add_member",
        MappingRule.Gives.TEMPLATE.value: "account.create",
        MappingRule.Gives.GRANT.value: "grant.create",
    }
    return [by_hand[row.gives], *(["quota.limit_member"] if row.limits else [])]


def require_answers(actor: Actor, row: MappingRule) -> None:
    """PermissionDenied unless the actor holds all that the rule gives, and may do by hand what it does. What
    gives a role in a place that is gone gives nothing."""
    try:
        missing = _missing(actor.reach, row, has_everything=actor.is_operator)
    except InvalidInput:
        missing = []
    if missing:
        raise PermissionDenied(place="role", reason="more_than_you_hold", permissions=short(missing))


def _missing(reach_of: ReachOf, row: MappingRule, *, has_everything: bool) -> list[str]:
    place = place_of(row)
    if has_everything:
        return []
    acts = [each for each in needed(row) if not place.lies_in(reach_of(each))]
    return [*acts, *lacks(reach_of, row.role.allowed, place)]


def _holds(held: Iterable[Held], row: MappingRule) -> bool:
    rows = tuple(held)
    known: dict[tuple[str, ...], list[int]] = {}

    def reach_of(permission: str) -> Reach:
        return Reach.of((each for each in rows if each.rules.allows(permission)), known)

    try:
        return not _missing(reach_of, row, has_everything=any(each.is_everything for each in rows))
    except InvalidInput:  # its place is gone: it gives nothing
        return True


def answered_by(users: Collection[int]) -> list[MappingRule]:
    rows = MappingRule.objects.filter(changed_by__in=users, unanswered_at=None)
    return list(rows.select_related("role__domain", "account__domain", "domain", "changed_by").order_by("pk"))


def review(users: Collection[int]) -> None:
    """These users may hold less than they did: mark the rules for which none of them answers any more.
    Called under the lock of the tree, once all that they lost is gone."""
    rules = answered_by(users)
    held = held_by_each(User.objects.filter(pk__in={row.changed_by_id for row in rules})) if rules else {}
    for row in rules:
        if not _holds(held.get(row.changed_by_id or 0, ()), row):
            mark(row)


def mark(row: MappingRule) -> None:
    if MappingRule.objects.filter(pk=row.pk, unanswered_at=None).update(unanswered_at=timezone.now()):
        audit.record(LOST, "mapping.unanswered", row, user=row.changed_by)


def pass_on(actor: Actor, user: User) -> None:
    """Somebody goes: whoever sees to that answers from now on for the rules whose gifts they hold, and the
    system for all; the others have nobody."""
    for row in answered_by([user.pk]):
        if actor.user is None or _holds(actor.held, row):
            MappingRule.objects.filter(pk=row.pk).update(changed_by=actor.user)
        else:
            mark(row)


@transaction.atomic
def answer_for(actor: Actor, rule: MappingRule) -> MappingRule:
    """Say that a rule stands as it is: whoever says so holds what it gives, and answers for it now."""
    policy.require(actor, "mapping.change", rule)
    lock_tree()
    actor = fresh_actor(actor)
    policy.require(actor, "mapping.change", rule)
    row = MappingRule.objects.select_related("role__domain", "account__domain", "domain").get(pk=rule.pk)
    require_answers(actor, row)
    rows = MappingRule.objects.filter(pk=row.pk)
    changed = row.unanswered_at is not None or row.changed_by_id != actor.user_id
    if changed:
        rows.update(changed_by=actor.user, unanswered_at=None)
        audit.record(actor, "mapping.answer_for", row)
    row.refresh_from_db()
    return row
