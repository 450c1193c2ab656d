"""Who counts what: each app says how to count the resources that it owns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from django.db.models import QuerySet

from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Quota

Holder = tuple[int, int | None]
"""Keys of an account and of the user whom it is counted for within it."""

Counter = Callable[[QuerySet[Account] | None], Mapping[Holder, Amount]]
"""What the holders in these accounts (None: in all) use, where each account's counts follow the
`counting` of its quota row."""

_counters: list[Counter] = []
_counted: set[str] = set()


def count_with(counter: Counter, *resources: str) -> None:
    """Say how to count these resources. Called once, by the app that owns them, when it is ready."""
    _counters.append(counter)
    _counted.update(resources)


def counted() -> tuple[str, ...]:
    """The resources that some app counts, in their order: only of these a limit can be reached."""
    return tuple(name for name in Quota.RESOURCES if name in _counted)


def tally(accounts: QuerySet[Account] | None = None) -> dict[Holder, Amount]:
    totals: dict[Holder, Amount] = defaultdict(Amount)
    for counter in _counters:
        for holder, amount in counter(accounts).items():
            totals[holder] += amount
    return totals
