"""Where a verb may be done: the union of the scopes in which a role of the actor's allows it.

One answer serves both questions: as a filter it gives the rows that are seen, and of one row it says
whether it lies within.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from django.db.models import Q

from apps.accounts.held import Held
from apps.accounts.models import Account

PLACES = ("region", "zone", "cluster", "host")
FEW_ACCOUNTS, NAMED_ACCOUNTS = 30, 1000


@dataclass(frozen=True)
class Reach:
    """`accounts` by key; `paths` of domains, with all below each; `places` by kind, as (kind, key)."""

    everything: bool = False
    accounts: frozenset[int] = frozenset()
    paths: tuple[str, ...] = ()
    places: frozenset[tuple[str, int]] = frozenset()
    known: dict[tuple[str, ...], list[int]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, held: Iterable[Held], known: dict[tuple[str, ...], list[int]]) -> Self:
        """`known` remembers the accounts below paths for all reaches of one actor."""
        everything, accounts, paths, places = False, set(), set(), set()
        for each in held:
            if each.scope == "global":
                everything = True
            elif each.scope == "account" and each.key:
                accounts.add(each.key)
            elif each.scope == "domain" and each.path:
                paths.add(each.path)
            elif each.key:
                places.add((each.scope, each.key))
        return cls(everything, frozenset(accounts), _without_nested(paths), frozenset(places), known)

    def within(self, accounts: frozenset[int]) -> Reach:
        """What is left of it in these accounts alone."""
        if self.everything:
            return Reach(accounts=accounts)
        below = Account.objects.filter(pk__in=accounts - self.accounts).select_related("domain")
        more = {row.pk for row in below if self.has_path(row.domain.path)} if self.paths else set()
        return Reach(accounts=(self.accounts & accounts) | more)

    @property
    def is_nowhere(self) -> bool:
        return not (self.everything or self.accounts or self.paths or self.places)

    def has_path(self, path: str | None) -> bool:
        return bool(path) and any(str(path).startswith(each) for each in self.paths)

    def few_accounts(self) -> list[int] | None:
        """Keys of all accounts within, where they are few; None where they are many. With keys a database
        knows which index to use, and how often."""
        keys = self.known_accounts()
        return keys if keys is not None and len(keys) <= FEW_ACCOUNTS else None

    def known_accounts(self) -> list[int] | None:
        """Keys of all accounts within, where they are not too many to be named; None otherwise."""
        if len(self.accounts) > NAMED_ACCOUNTS:
            return None
        if self.paths not in self.known:
            below = Account.objects.filter(self.below("domain__path")).order_by()
            self.known[self.paths] = (
                list(below.values_list("pk", flat=True)[: NAMED_ACCOUNTS + 1]) if self.paths else []
            )
        keys = self.accounts | set(self.known[self.paths])
        return sorted(keys) if len(keys) <= NAMED_ACCOUNTS else None

    def below(self, path: str) -> Q:
        """Rows whose domain's path, found at `path`, is one of these or below; none without any."""
        condition = Q(pk__in=[])
        for each in self.paths:
            condition |= Q(**{f"{path}__within": each})
        return condition

    def account_rows(self) -> Q:
        """Of accounts: those within, however many."""
        return Q(pk__in=self.accounts) | self.below("domain__path")

    def keys_of(self, place: str) -> list[int]:
        return sorted(key for kind, key in self.places if kind == place)


def _without_nested(paths: set[str]) -> tuple[str, ...]:
    """Those that lie below no other of them, in order."""
    found: list[str] = []
    for path in sorted(paths):
        if not found or not path.startswith(found[-1]):
            found.append(path)
    return tuple(found)


EVERYWHERE = Reach(everything=True)
NOWHERE = Reach()
