"""What narrows an actor beneath what its user may: a token's verbs and accounts."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.roles.rules import matches


@dataclass(frozen=True)
class Limits:
    """Patterns of permissions, and keys of accounts; None is no limit."""

    patterns: tuple[str, ...] | None = None
    account_ids: frozenset[int] | None = None

    def allow(self, permission: str) -> bool:
        return self.patterns is None or any(matches(each, permission) for each in self.patterns)
