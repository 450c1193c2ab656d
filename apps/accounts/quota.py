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
    for level in _levels(account):
        if not all(_standing(level, name, value).fits for name, value in wanted.items()):
            _refuse(level.pk, wanted)


def _standing(row: Quota | None, name: str, wanted: int) -> Standing:
    used, limit = (getattr(row, f"used_{name}"), getattr(row, f"max_{name}")) if row else (0, None)
    return Standing(name, used, wanted, limit)


def _levels(account: Account) -> list[Quota]:
    """The quota rows that count this account, root domain first."""
    domains = account.domain.ancestor_ids()
    rows = list(Quota.objects.filter(Q(domain_id__in=domains) | Q(account=account)))
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
    for level in _levels(account):
        room = Q(pk=level.pk)
        for name, value in wanted.items():
            if value > 0:
                room &= Q(**{f"max_{name}": None}) | Q(**{f"used_{name}__lte": F(f"max_{name}") - value})
        changed = Quota.objects.filter(room).update(
            **{f"used_{name}": F(f"used_{name}") + value for name, value in wanted.items()}
        )
        if not changed:
            _refuse(level.pk, wanted)


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
