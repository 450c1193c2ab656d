"""What a role allows: ordered rules over permissions, of which the first that matches decides.

A pattern is "*", "vm.*" (every verb of a noun), "*.read" (a verb of every noun) or "vm.start".
What no rule matches is not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from apps.core.errors import InvalidInput
from apps.core.words.permissions import PERMISSIONS

ALLOW, DENY = "allow", "deny"
MAX_RULES = 200
_PATTERN = re.compile(r"\*|([a-z_]+|\*)\.([a-z_]+|\*)")


def matches(pattern: str, permission: str) -> bool:
    if pattern == "*":
        return True
    wanted_noun, _, wanted_verb = pattern.partition(".")
    noun, _, verb = permission.partition(".")
    return wanted_noun in {"*", noun} and wanted_verb in {"*", verb}


@dataclass(frozen=True, slots=True)
class Rule:
    effect: str
    pattern: str


@dataclass(frozen=True)
class Rules:
    """The rules of one role, in their order."""

    rules: tuple[Rule, ...]
    _known: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, pairs: Iterable[Sequence[str]]) -> Self:
        return cls(tuple(Rule(effect, pattern) for effect, pattern in pairs))

    def decided_by(self, permission: str) -> Rule | None:
        """The first rule that matches; None if none does."""
        return next((rule for rule in self.rules if matches(rule.pattern, permission)), None)

    def allows(self, permission: str) -> bool:
        answer = self._known.get(permission)
        if answer is None:
            rule = self.decided_by(permission)
            answer = self._known[permission] = rule is not None and rule.effect == ALLOW
        return answer

    @property
    def are_everything(self) -> bool:
        return bool(self.rules) and self.rules[0] == Rule(ALLOW, "*")

    def permissions(self) -> frozenset[str]:
        """Every known permission that they allow."""
        return frozenset(name for name in PERMISSIONS if self.allows(name))


def known(pairs: Iterable[Sequence[str]]) -> list[list[str]]:
    """Those rules that match a permission which this version has."""
    return [list(pair) for pair in pairs if any(matches(pair[1], name) for name in PERMISSIONS)]


def checked(pairs: object) -> list[list[str]]:
    """Rules as somebody wrote them; InvalidInput names the one that cannot be used."""
    if not isinstance(pairs, list | tuple) or not 1 <= len(pairs) <= MAX_RULES:
        raise InvalidInput("rules_count", place="rules", low=1, high=MAX_RULES)
    found = []
    for number, pair in enumerate(pairs, 1):
        place = f"rules[{number}]"
        if not isinstance(pair, list | tuple) or len(pair) != 2 or pair[0] not in (ALLOW, DENY):
            raise InvalidInput("not_a_rule", place=place)
        pattern = pair[1]
        if not isinstance(pattern, str) or len(pattern) > 100 or not _PATTERN.fullmatch(pattern):
            raise InvalidInput("not_a_pattern", place=place)
        if not any(matches(pattern, name) for name in PERMISSIONS):
            raise InvalidInput("pattern_matches_nothing", place=place, pattern=pattern)
        found.append([str(pair[0]), pattern])
    return found
