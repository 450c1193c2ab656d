"""What rules allow, as a table by group and noun: for each permission the rule that decides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from apps.accounts.roles.rules import Rules
from apps.accounts.why import verdicts
from apps.core.words.permissions import GROUPS


@dataclass(frozen=True, slots=True)
class Verdict:
    """`number` is the deciding rule's, from 1; 0 where none matches. `lacking`: the giver has it not."""

    permission: str
    words: str
    allowed: bool
    number: int
    lacking: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: list[Verdict]

    @property
    def allowed(self) -> int:
        return sum(row.allowed for row in self.rows)


def sections(rules: Rules, lacking: Collection[str] = (), *, only_allowed: bool = False) -> list[Section]:
    """Every permission, or those that are allowed, by what they are about. "*" in `lacking` is all."""
    decided = verdicts(rules)
    found = []
    for title, names in GROUPS.items():
        rows = [
            Verdict(
                name,
                str(words),
                decided[name] > 0,
                abs(decided[name]),
                decided[name] > 0 and (name in lacking or "*" in lacking),
            )
            for name, words in sorted(names.items())
            if decided[name] > 0 or not only_allowed
        ]
        if rows:
            found.append(Section(str(title), rows))
    return found
