"""Quota: reserved with the change that uses it, from the root domain down; released the same way.

One conditional UPDATE a level, so that two requests never pass one limit together on any database. A
limit has a soft side (docs/adr/0013): it may be passed by the grace percent for the grace days, counted
from the first moment that some use of the level is above its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.accounts import audit, metering
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.counters import counted
from apps.accounts.models import Account, Counting, Domain, Quota
from apps.accounts.why import who_may
from apps.core.errors import DomainQuotaExceeded, QuotaExceeded
from apps.core.trees import keys_of

Change = Callable[[Counting], Amount]
"""What a change adds (of any sign) where an account's counts follow this policy."""

_ATTEMPTS = 5
_SYSTEM = Actor.system("a quota is nearly used up")


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account, or its `member`, stands with a resource of which `wanted` more is asked for. A
    limit of None is none; `ceiling` is what may be used at this moment: the limit, or more in the days
    of grace."""

    resource: str
    used: int
    wanted: int
    limit: int | None
    ceiling: int | None = None
    member: bool = False

    @property
    def left(self) -> int | None:
        """What would be left of the limit afterwards; below 0 beyond it."""
        return None if self.limit is None else self.limit - self.used - self.wanted

    @property
    def missing(self) -> int:
        """How much there is too little of."""
        if self.ceiling is None or self.wanted <= 0:
            return 0
        return max(0, self.used + self.wanted - self.ceiling)

    @property
    def fits(self) -> bool:
        return not self.missing


def grace_percent(row: Quota) -> int:
    """By how much of a limit the row's use may pass it; 0 where no day of grace is given."""
    if grace_days(row) == 0:
        return 0
    return settings.QUOTA_GRACE_PERCENT if row.grace_percent is None else row.grace_percent


def grace_days(row: Quota) -> int:
    return settings.QUOTA_GRACE_DAYS if row.grace_days is None else row.grace_days


def ceiling(row: Quota, resource: str, at: datetime | None = None) -> int | None:
    """How much of the resource may be used at this moment."""
    limit = row.limit(resource)
    if limit is None or (row.grace_until is not None and row.grace_until <= (at or timezone.now())):
        return limit
    return limit * (100 + grace_percent(row)) // 100


def standing(account: Account, amount: Amount, *, member_id: int | None = None) -> list[Standing]:
    """The account's own numbers beside `amount`, or the member's where these are the nearer limit.
    Only reads."""
    rows = [row for row in _levels(account.domain.path, account, member_id) if row.domain_id is None]
    found = []
    asked = asdict(amount)
    for name in counted():
        wanted = asked[name]
        all_levels = [_standing(row, name, wanted) for row in rows] or [_standing(None, name, wanted)]
        limited = [one for one in all_levels if one.left is not None]
        found.append(min(limited, key=lambda one: one.left or 0) if limited else all_levels[0])
    return found


def check(account: Account, amount: Amount, *, member_id: int | None = None) -> None:
    """Refuse what `reserve` would refuse now; counts nothing."""
    wanted = amount.parts()
    for level in _levels(account.domain.path, account, member_id):
        if not all(_standing(level, name, value).fits for name, value in wanted.items()):
            _refuse(level.pk, wanted)


def counting_of(account: Account) -> Counting:
    """When the vCPUs and memory of the account's machines count."""
    row = Quota.objects.filter(account=account).values_list("counting", flat=True).first()
    return Counting(row or Counting.ALLOCATED)


def _standing(row: Quota | None, name: str, wanted: int) -> Standing:
    if row is None:
        return Standing(name, 0, wanted, None)
    return Standing(
        name, row.used(name), wanted, row.limit(name), ceiling(row, name), member=row.user_id is not None
    )


def _levels(path: str | None, account: Account | None = None, member_id: int | None = None) -> list[Quota]:
    """The quota rows that count an account of the domain at this path, and a member of it: root domain
    first, the member last."""
    domains = keys_of(path)
    which = Q(domain_id__in=domains)
    if account is not None:
        which |= Q(account=account)
    if account is not None and member_id is not None:
        which |= Q(within=account, user=member_id)
    order = {key: index for index, key in enumerate(domains)}
    account_at, member_at = len(order), len(order) + 1
    return sorted(
        Quota.objects.filter(which),
        key=lambda row: member_at if row.user_id else order.get(row.domain_id or 0, account_at),
    )


def reserve(account: Account, amount: Amount, *, member_id: int | None = None, beyond: bool = False) -> None:
    """Count `amount` (of any sign) at every level; a refusal names the level and resource. `member_id` is
    the user whom the change is counted for within the account; `beyond` counts what is there already,
    whatever the limits say.

    A domain's numbers are not its tenants' to see.
    Call it inside the transaction of the change, before any capacity is claimed.
    """
    if not amount:
        return
    with transaction.atomic():
        _apply(_locked_levels(account, member_id), amount.parts(), beyond=beyond)


def lock_root() -> None:
    """Nobody else counts anything, moves a domain or an account, or changes how an account's machines
    count, until the transaction ends. Whoever locks any quota row above an account locks this one first."""
    Quota.objects.select_for_update().filter(domain__in=Domain.objects.filter(parent=None)).first()


def _locked_levels(account: Account, member_id: int | None) -> list[Quota]:
    """As they are until the transaction ends, wherever the account was moved to meanwhile."""
    lock_root()
    path = Domain.objects.values_list("path", flat=True).get(accounts=account)
    return _levels(path, account, member_id)


def release(account: Account, amount: Amount, *, member_id: int | None = None) -> None:
    """Give `amount` back at every level."""
    reserve(account, Amount() - amount, member_id=member_id)


def follow(account: Account, change: Change, *, member_id: int | None = None, beyond: bool = False) -> None:
    """Count what `change` says for the policy that the account's counts follow at this moment. Where that
    is nothing, the account's row is written all the same, and only if the policy is as it was read: a
    recount for another policy either sees the change or makes this one look again."""
    if not any(change(counting) for counting in Counting):
        return
    for _attempt in range(_ATTEMPTS):
        own = Quota.objects.filter(account=account).values_list("counting", flat=True).first()
        if own is None or change(Counting(own or Counting.ALLOCATED)):
            break
        if Quota.objects.filter(account=account, counting=own).update(counting=own):
            return
    with transaction.atomic():
        levels = _locked_levels(account, member_id)
        own = next((row.counting for row in levels if row.account_id), "")
        _apply(levels, change(Counting(own or Counting.ALLOCATED)).parts(), beyond=beyond)


def carry(owner: Account | Domain, line: list[int]) -> None:
    """Let what an account, or a domain with all below it, uses count below other domains from now on:
    `line` is their keys from ROOT down. It has to fit at each level that it comes to; where both lines
    run together nothing changes. Call it before the row moves, in its transaction."""
    lock_root()
    mine = Q(account=owner) if isinstance(owner, Account) else Q(domain=owner)
    counted = Quota.objects.filter(mine).first()
    old = owner.domain.ancestor_ids() if isinstance(owner, Account) else owner.ancestor_ids()[:-1]
    used = {name: counted.used(name) for name in Quota.RESOURCES} if counted else {}
    moved = {name: value for name, value in used.items() if value}
    left = [key for key in old if key not in line]
    reached = [key for key in line if key not in old]
    if moved:
        _apply(_of_domains(left), {name: -value for name, value in moved.items()})
        _apply(_of_domains(reached), moved)


def _of_domains(keys: list[int]) -> list[Quota]:
    rows = Quota.objects.filter(domain_id__in=keys)
    return sorted(rows, key=lambda row: keys.index(row.domain_id or 0))


def _apply(levels: list[Quota], wanted: Mapping[str, int], *, beyond: bool = False) -> None:
    if not wanted:
        return
    at = timezone.now()
    for level in levels:
        rows = Quota.objects.filter(pk=level.pk)
        if not beyond:
            rows = rows.filter(_room(level, wanted, at))
        if level.account_id is not None and metering.has_hours(level, int(at.timestamp())):
            metering.close_hours(level.pk, int(at.timestamp()))
        if not rows.update(**_changes(level, wanted, at)):
            _refuse(level.pk, wanted)
    if not beyond:
        _warn(levels, wanted)


def _room(level: Quota, wanted: Mapping[str, int], at: datetime) -> Q:
    """Whether the row, as it is when it is written, has room for what is wanted."""
    room = Q()
    in_time = Q(grace_until=None) | Q(grace_until__gt=at)
    percent = Coalesce(F("grace_percent"), Value(settings.QUOTA_GRACE_PERCENT))
    for name, value in wanted.items():
        if value <= 0:
            continue
        within = Q(**{f"max_{name}": None}) | Q(**{f"used_{name}__lte": F(f"max_{name}") - value})
        if grace_percent(level):
            most = F(f"max_{name}") * (percent + 100) / 100
            within |= Q(**{f"used_{name}__lte": most - value}) & in_time
        room &= within
    return room


def _changes(level: Quota, wanted: Mapping[str, int], at: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {f"used_{name}": F(f"used_{name}") + value for name, value in wanted.items()}
    if level.account_id is not None:
        changes |= metering.changes(int(at.timestamp()))
    if any(level.limit(name) is not None for name in Quota.RESOURCES):
        changes["grace_until"] = grace_from(level, at, wanted)
    return changes


def grace_from(level: Quota, at: datetime, added: Mapping[str, int] | None = None) -> Case:
    """`grace_until` for what is used and what is `added`: empty while nothing is above its limit."""
    over = Q()
    for name in Quota.RESOURCES:
        over |= Q(**{f"used_{name}__gt": F(f"max_{name}") - (added or {}).get(name, 0)})
    until = at + timedelta(days=grace_days(level))
    return Case(When(over, then=Coalesce(F("grace_until"), Value(until))), default=None)


def _refuse(pk: int, wanted: Mapping[str, int]) -> None:
    level = Quota.objects.select_related("domain", "account", "within", "user").get(pk=pk)
    name, value = next(
        ((name, value) for name, value in wanted.items() if not _standing(level, name, value).fits),
        next(iter(wanted.items())),  # somebody gave some back meanwhile
    )
    who = ", ".join(who_may_raise(level))
    if level.domain is not None:
        raise DomainQuotaExceeded(resource=name, wanted=value, domain=level.domain.name, who=who)
    numbers: dict[str, Any] = {"limit": level.limit(name) or 0, "used": level.used(name), "wanted": value}
    reason = {"reason": "member_limit"} if level.user is not None else {}
    raise QuotaExceeded(resource=name, **numbers, owner=level.owner.name, who=who, **reason)


WHO_SHOWN = 3


def who_may_raise(row: Quota) -> list[str]:
    """Names of some people who may raise the limits of this row, the nearest first."""
    if row.user_id is not None:
        people = who_may("quota.limit_member", row.within)
    else:
        owner = row.owner
        above = owner.parent or owner if isinstance(owner, Domain) else owner
        people = who_may("quota.set", above)
    return [person.full_name or person.username for person in people[:WHO_SHOWN]]


def _warn(levels: list[Quota], wanted: Mapping[str, int]) -> None:
    """An event each time that a use comes to the warning share of its limit, and that it passes it. The
    rows are this transaction's by now, so what they were before is known exactly."""
    rising = {name: value for name, value in wanted.items() if value > 0}
    keys = [level.pk for level in levels if any(level.limit(name) is not None for name in rising)]
    if not keys:
        return
    for row in Quota.objects.filter(pk__in=keys).select_related("domain", "account", "within", "user"):
        for name, value in rising.items():
            _tell_crossing(row, name, row.used(name) - value)


def _tell_crossing(row: Quota, name: str, before: int) -> None:
    limit, after = row.limit(name), row.used(name)
    if limit is None or not limit:
        return
    warned, passed = settings.QUOTA_WARN_PERCENT * limit, limit
    if before <= passed < after:
        kind = "quota.pass"
    elif before * 100 < warned <= after * 100:
        kind = "quota.near"
    else:
        return
    member = {"member": row.user} if row.user is not None else {}
    audit.record(_SYSTEM, kind, row.owner, resource=name, used=after, limit=limit, **member)
