"""Who does something. Every service takes an actor; background work has one with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from apps.accounts.models import Membership, User


@dataclass(frozen=True)
class Actor:
    """A user, or the system itself with the reason why it acts."""

    user: User | None
    reason: str = ""

    @classmethod
    def system(cls, reason: str) -> Self:
        return cls(None, reason)

    @property
    def is_system(self) -> bool:
        return self.user is None

    @property
    def is_operator(self) -> bool:
        """May do everything to the infrastructure and to every tenant."""
        return self.user is None or (self.user.is_super_admin and self.user.is_active)

    @property
    def label(self) -> str:
        """How events name the actor."""
        return self.user.username if self.user else f"system: {self.reason}"

    @cached_property
    def account_ids(self) -> frozenset[int]:
        if self.user is None or not self.user.is_active:
            return frozenset()
        return frozenset(Membership.objects.filter(user=self.user).values_list("account_id", flat=True))
