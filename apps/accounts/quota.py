"""Quota: reserved with the change that uses it, from the root domain down; released the same way.

One conditional UPDATE a level, so that two requests never pass one limit together on any database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Self

from django.db.models import F, Q

from apps.accounts.models import Account, Domain, Quota
from apps.core.errors import DomainQuotaExceeded, QuotaExceeded
from apps.core.trees import keys_of


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of each resource. Storage in GiB, memory in MiB."""

    machines: int = 0
    vcpus: int = 0
    memory_mib: int = 0
    storage_gib: int = 0
    addresses: int = 0

    def __sub__(self, other: Self) -> Amount:
        mine, theirs = asdict(self), asdict(other)
        return Amount(**{name: mine[name] - theirs[name] for name in mine})

    def __add__(self, other: Self) -> Amount:
        mine, theirs = asdict(self), asdict(other)
        return Amount(**{name: mine[name] + theirs[name] for name in mine})

    def __mul__(self, count: int) -> Amount:
        return Amount(**{name: value * count for name, value in asdict(self).items()})


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands with a resource of which `wanted` more is asked for. A limit of None is none."""

    resource: str
    used: int
    wanted: int
    limit: int | None

    @property
    def left(self) -> int | None:
        """What would be left afterwards; below 0 where it does not fit."""
        return None if self.limit is None else self.limit - self.used - self.wanted

    @property
    def fits(self) -> bool:
        return self.wanted <= 0 or self.left is None or self.left >= 0


def standing(account: Account, amount: Amount) -> list[Standing]:
    """The account's own numbers beside `amount`. Only reads."""
    row = Quota.objects.filter(account=account).first()
    return [_standing(row, name, wanted) for name, wanted in asdict(amount).items()]


def check(account: Account, amount: Amount) -> None:
    """Refuse what `reserve` would refuse now; counts nothing."""
    wanted = {name: value for name, value in asdict(amount).items() if value}
    for level in _levels(account.domain.ancestor_ids(), account):
        if not all(_standing(level, name, value).fits for name, value in wanted.items()):
            _refuse(level.pk, wanted)


def _standing(row: Quota | None, name: str, wanted: int) -> Standing:
    used, limit = (getattr(row, f"used_{name}"), getattr(row, f"max_{name}")) if row else (0, None)
    return Standing(name, used, wanted, limit)


def _levels(domains: list[int], account: Account | None = None) -> list[Quota]:
    """The quota rows that count an account of the last of these domains, root domain first."""
    rows = list(Quota.objects.filter(Q(domain_id__in=domains) | Q(account=account, account__isnull=False)))
    order = {key: index for index, key in enumerate(domains)}
    return sorted(rows, key=lambda row: order.get(row.domain_id or 0, len(order)))


def reserve(account: Account, amount: Amount) -> None:
    """Count `amount` (of any sign) at every level; QuotaExceeded names the level and resource.

    A domain's numbers are not its tenants' to see.
    Call it inside the transaction of the change, before any capacity is claimed.
    """
    wanted = {name: value for name, value in asdict(amount).items() if value}
    if not wanted:
        return
    path = account.domain.path
    while True:
        _count(_levels(keys_of(path), account), wanted)
        # From the first level on that is counted, ROOT, no domain moves until the transaction ends.
        now = Domain.objects.values_list("path", flat=True).get(accounts=account)
        if now == path:
            return
        _count(_levels(keys_of(path), account), {name: -value for name, value in wanted.items()})
        path = now


def _count(levels: list[Quota], wanted: dict[str, int]) -> None:
    for level in levels:
        room = Q(pk=level.pk)
        for name, value in wanted.items():
            if value > 0:
                room &= Q(**{f"max_{name}": None}) | Q(**{f"used_{name}__lte": F(f"max_{name}") - value})
        changed = Quota.objects.filter(room).update(
            **{f"used_{name}": F(f"used_{name}") + value for name, value in wanted.items()}
        )
        if not changed:
            _refuse(level.pk, wanted)


def carry(owner: Account | Domain, line: list[int]) -> None:
    """Let what an account, or a domain with all below it, uses count below other domains from now on:
    `line` is their keys from ROOT down. It has to fit at each level that it comes to; where both lines
    run together nothing changes. Call it before the row moves, in its transaction.

    ROOT's row is locked first, as whoever reserves does: neither is counted along a line that the
    other is changing."""
    Quota.objects.select_for_update().filter(domain__in=Domain.objects.filter(parent=None)).first()
    mine = Q(account=owner) if isinstance(owner, Account) else Q(domain=owner)
    counted = Quota.objects.filter(mine).first()
    old = owner.domain.ancestor_ids() if isinstance(owner, Account) else owner.ancestor_ids()[:-1]
    used = {name: getattr(counted, f"used_{name}") for name in Quota.RESOURCES} if counted else {}
    moved = {name: value for name, value in used.items() if value}
    if not moved:
        return
    _count(_levels([key for key in old if key not in line]), {name: -value for name, value in moved.items()})
    _count(_levels([key for key in line if key not in old]), moved)


def release(account: Account, amount: Amount) -> None:
    """Give `amount` back at every level."""
    reserve(account, Amount() - amount)


def _refuse(pk: int, wanted: dict[str, int]) -> None:
    level = Quota.objects.select_related("domain", "account").get(pk=pk)
    for name, value in wanted.items():
        limit, used = getattr(level, f"max_{name}"), getattr(level, f"used_{name}")
        if limit is not None and value > 0 and used + value > limit:
            if level.account is None:
                break
            raise QuotaExceeded(resource=name, limit=limit, used=used, wanted=value, owner=level.account.name)
    raise DomainQuotaExceeded(resource=name, wanted=value)


Counter = Callable[[Account | Domain], Amount]
_counters: list[Counter] = []


def count_with(counter: Counter) -> None:
    """Say how to count what an account, or a domain with all below it, uses of something. Called
    once, by the app that owns it, when it is ready."""
    _counters.append(counter)


def recount(row: Quota) -> Quota:
    """Set `used_*` to what is counted. The row is locked first: reservations under way elsewhere
    are either counted or added afterwards, never lost."""
    row = Quota.objects.select_for_update().get(pk=row.pk)
    owner = row.account or row.domain
    assert owner is not None  # noqa: S101 - quota_one_owner
    used = sum((counter(owner) for counter in _counters), Amount())
    Quota.objects.filter(pk=row.pk).update(**{f"used_{name}": value for name, value in asdict(used).items()})
    row.refresh_from_db()
    return row
