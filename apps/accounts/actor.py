"""Who does something. Every service takes an actor; background work has one with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from apps.accounts.held import Held, held_by
from apps.accounts.limits import Limits
from apps.accounts.models import User
from apps.accounts.reach import EVERYWHERE, NOWHERE, Reach


@dataclass(frozen=True)
class Actor:
    """A user, or the system itself with the reason why it acts. `limits` narrow what the user may."""

    user: User | None
    reason: str = ""
    limits: Limits | None = None
    behalf: User | None = None  # as whom they look; the events say so
    _reaches: dict[str, Reach] = field(default_factory=dict, compare=False, repr=False)
    _few: dict[tuple[str, ...], list[int]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def system(cls, reason: str) -> Self:
        return cls(None, reason)

    @property
    def user_id(self) -> int | None:
        return None if self.user is None else self.user.pk

    @property
    def is_system(self) -> bool:
        return self.user is None

    @property
    def is_operator(self) -> bool:
        """May do everything to the infrastructure and to every tenant."""
        if self.user is None:
            return True
        if self.limits is not None or not self.user.is_active:
            return False
        return self.user.is_super_admin or any(each.is_everything for each in self.held)

    @property
    def label(self) -> str:
        """How events name the actor."""
        return self.user.username if self.user else f"system: {self.reason}"

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """The user's roles in force as of the first question; of the system none: it may everything."""
        return held_by(self.user) if self.user else ()

    @cached_property
    def account_ids(self) -> frozenset[int]:
        """The accounts that the user is a member of."""
        mine = frozenset(each.key for each in self.held if each.via.startswith("membership") and each.key)
        limited = self.limits.account_ids if self.limits else None
        return mine if limited is None else mine & limited

    def reach(self, permission: str) -> Reach:
        """Where the actor may do it."""
        if self.is_operator:
            return EVERYWHERE
        if permission not in self._reaches:
            self._reaches[permission] = self._find_reach(permission)
        return self._reaches[permission]

    def _find_reach(self, permission: str) -> Reach:
        if self.limits is not None and not self.limits.allow(permission):
            return NOWHERE
        reach = Reach.of((each for each in self.held if each.rules.allows(permission)), self._few)
        limited = self.limits.account_ids if self.limits else None
        return reach if limited is None else reach.within(limited)
