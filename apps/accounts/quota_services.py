"""What may be used: limits of domains, accounts and members, and how use is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts import audit, background, policy, recount
from apps.accounts.actor import Actor
from apps.accounts.counters import counted
from apps.accounts.models import Account, Counting, Domain, Membership, Quota, User
from apps.core.errors import InvalidInput

MAX_LIMIT = 10**12
MAX_GRACE_PERCENT = 100
MAX_GRACE_DAYS = 366
KEEP: Any = object()
"""Stands for what is to stay as it is, where None means that the settings decide."""

LOCK = "quota:recount"


def open_quota(owner: Account | Domain) -> Quota:
    """The quota row of a domain or an account; a new one counts from the start, as its domain says."""
    if isinstance(owner, Domain):
        return Quota.objects.get_or_create(domain=owner)[0]
    counting = recount.counting_in_force(owner.domain)
    return Quota.objects.get_or_create(account=owner, defaults={"counting": counting})[0]


@transaction.atomic
def set_quota(
    actor: Actor,
    owner: Account | Domain,
    *,
    limits: Mapping[str, int | None],
    grace_percent: int | None = KEEP,
    grace_days: int | None = KEEP,
) -> Quota:
    """Set limits by resource; null is no limit, and one below what is used only stops growth. What
    is used is counted again."""
    require_above(actor, "quota.set", owner)
    changes = {**clean_limits(limits), **_clean_grace(grace_percent, grace_days)}
    row = open_quota(owner)
    told = audit.changed(row, **changes)
    row = _change(row, changes)
    audit.record(actor, "quota.set", owner, changes=told, limits=dict(limits))
    return row


@transaction.atomic
def set_member_quota(
    actor: Actor,
    account: Account,
    *,
    user: User,
    limits: Mapping[str, int | None],
    grace_percent: int | None = KEEP,
    grace_days: int | None = KEEP,
) -> Quota:
    """Set what one member may use of what the account may. Without any limit the row goes. Whose limit it is
    changes it only where they may change the account's."""
    policy.require(actor, "quota.limit_member", account)
    if actor.user is not None and actor.user.pk == user.pk:
        policy.require(actor, "quota.set", account)
    changes = {**clean_limits(limits), **_clean_grace(grace_percent, grace_days)}
    row = Quota.objects.filter(within=account, user=user).first()
    if row is None:
        if not Membership.objects.filter(account=account, user=user).exists():
            raise InvalidInput("not_a_member", place="user")
        row = Quota.objects.create(within=account, user=user)
    told = audit.changed(row, **changes)
    row = _change(row, changes)
    if all(row.limit(name) is None for name in Quota.RESOURCES):
        Quota.objects.filter(pk=row.pk).delete()
    audit.record(actor, "quota.limit_member", account, changes=told, user=user, limits=dict(limits))
    return row


def require_above(actor: Actor, permission: str, owner: Account | Domain) -> None:
    """What a domain may use is said by those who hold the right in the domain above it: nobody raises the
    limit that they stand below themselves."""
    if isinstance(owner, Account) or owner.parent is None:
        policy.require(actor, permission, owner)
    elif not policy.may(actor, permission, owner.parent):
        policy.require(actor, "quota.read", owner)
        raise policy.Refused(actor, permission, owner.parent)


def _change(row: Quota, changes: Mapping[str, Any]) -> Quota:
    Quota.objects.filter(pk=row.pk).update(**changes) if changes else None
    return recount.recount_row(row)


def clean_limits(limits: Mapping[str, int | None]) -> dict[str, int | None]:
    for name, limit in limits.items():
        if name not in counted():
            raise InvalidInput("unknown_field", place=str(name)[:100], known=", ".join(counted()))
        _clean_whole(name, limit, MAX_LIMIT)
    return {f"max_{name}": limit for name, limit in limits.items()}


def _clean_grace(percent: int | None, days: int | None) -> dict[str, int | None]:
    changes = {}
    if percent is not KEEP:
        changes["grace_percent"] = _clean_whole("grace_percent", percent, MAX_GRACE_PERCENT)
    if days is not KEEP:
        changes["grace_days"] = _clean_whole("grace_days", days, MAX_GRACE_DAYS)
    return changes


def _clean_whole(place: str, value: int | None, high: int) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (whole and 0 <= value <= high):
        raise InvalidInput("out_of_range", place=place, low=0, high=high)
    return value


@transaction.atomic
def set_counting(actor: Actor, domain: Domain, *, counting: str) -> Any:
    """Say when the vCPUs and memory of machines in the domain, and in all below it that say nothing
    themselves, count; empty is what the domain above says. The job that counts anew is returned."""
    require_above(actor, "quota.set_counting", domain)
    if counting not in {"", *Counting.values}:
        raise InvalidInput("unknown_counting", place="counting")
    row = open_quota(domain)
    told = audit.changed(row, counting=counting)
    Quota.objects.filter(pk=row.pk).update(counting=counting)
    audit.record(actor, "quota.set_counting", domain, changes=told)
    return background.submit(actor, "quota.recount", domain, lock_keys=[LOCK], on_busy="wait")


def follow_place(actor: Actor, domain: Domain, *, before: Domain) -> None:
    """The domain hangs elsewhere than below `before`: where that counts vCPUs and memory otherwise, a job
    counts what is below it anew."""
    was, now = recount.counting_in_force(before), recount.counting_in_force(domain)
    if was != now:
        background.submit(actor, "quota.recount", domain, lock_keys=[LOCK], on_busy="wait")


def recount_quotas(
    actor: Actor, scope: Domain | Account | None = None, *, fix: bool = False
) -> list[recount.Drift]:
    """Where quotas in the scope, or anywhere, say something else than the rows add up to. `fix` writes
    what the rows say. Each quota is locked for itself alone, so the cloud goes on meanwhile."""
    policy.require(actor, "quota.recount", scope)
    drifts = recount.recount(scope, fix=fix)
    with transaction.atomic():
        audit.record(actor, "quota.count", scope, drifted=len(drifts), fixed=fix and bool(drifts))
    return drifts
