"""The brake: a run that would take too much from too many does nothing until an operator has looked.

What it knows of: an answer without people, a base that emptied, a group that is gone, a rule that lost all
it gave, and any part of a run above the share that the directory allows. `least` people at once are never
held for their share alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from apps.accounts.directory.changes import TAKING, Change
from apps.accounts.directory.plan import Plan, Snapshot
from apps.accounts.directory.present import Present
from apps.accounts.directory.rules import RuleSpec
from apps.accounts.directory.wanted import stands_below


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run is held: a short code, what it is about, and how many of how many."""

    code: str
    about: str = ""
    count: int = 0
    of: int = 0

    def as_data(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Brake:
    percent: int = 10
    least: int = 5

    def limit(self, of: int) -> int:
        """How many of so many may go at once."""
        return max(self.least, of * self.percent // 100)

    def reasons(
        self,
        made: Plan,
        snapshot: Snapshot,
        rules: Sequence[RuleSpec],
        present: Present,
        bases: Iterable[str] = (),
    ) -> list[Reason]:
        """Why the plan is held; nothing if it may be made."""
        taken = [change for change in made.changes if change.takes]
        if not taken:
            return []
        return [
            *_empty(snapshot, present),
            *self._emptied_bases(snapshot, rules, present, bases),
            *_gone_groups(taken, snapshot, rules),
            *self._emptied_rules(taken, rules, present),
            *self._shares(taken, present),
        ]

    def _shares(self, taken: list[Change], present: Present) -> Iterator[Reason]:
        totals = _totals(present)
        counts: Counter[str] = Counter()
        for change in taken:
            counts[_PART[change.kind]] += change.size
        for part, count in sorted(counts.items()):
            if count > self.limit(totals[part]):
                yield Reason(f"too_many_{part}", count=count, of=totals[part])

    def _emptied_bases(
        self, snapshot: Snapshot, rules: Sequence[RuleSpec], present: Present, bases: Iterable[str]
    ) -> Iterator[Reason]:
        every = dict.fromkeys([*bases, *(rule.match_value for rule in rules if rule.match == "ou")])
        if not snapshot.people:
            return
        for base in every:
            before = sum(known.active and stands_below(known.dn, base) for known in present.people.values())
            if before >= self.least and not any(stands_below(one.dn, base) for one in snapshot.people):
                yield Reason("base_emptied", base, before, before)

    def _emptied_rules(
        self, taken: list[Change], rules: Sequence[RuleSpec], present: Present
    ) -> Iterator[Reason]:
        had = Counter(m.rule for held in present.memberships.values() for m in held.values() if m.mapped)
        lost = Counter(change.rule for change in taken if change.kind.startswith("membership."))
        for rule in rules:
            if lost[rule.rule] == had[rule.rule] >= self.least:
                yield Reason("rule_emptied", rule.name, lost[rule.rule], had[rule.rule])


_PART = {
    "membership.end": "memberships",
    "membership.remove": "memberships",
    "grant.remove": "group_people",
    "group.remove_people": "group_people",
    "user.keep_out": "users",
}
assert set(_PART) == TAKING  # noqa: S101 - a mistake of ours, seen when the portal starts


def _totals(present: Present) -> dict[str, int]:
    held = present.memberships.values()
    return {
        "users": sum(known.active for known in present.people.values()),
        "memberships": sum(mine.mapped for each in held for mine in each.values()),
        "group_people": sum(len(users) for users in present.group_people.values()),
    }


def _empty(snapshot: Snapshot, present: Present) -> Iterator[Reason]:
    before = sum(known.active for known in present.people.values())
    if not snapshot.people and before:
        yield Reason("empty_directory", count=before, of=before)


def _gone_groups(taken: list[Change], snapshot: Snapshot, rules: Sequence[RuleSpec]) -> Iterator[Reason]:
    """A group that a rule names and that is there no more, where that takes anything from anybody."""
    lost: Counter[str] = Counter()
    for change in taken:
        lost[change.rule] += change.size
    for rule in rules:
        if rule.match == "group" and rule.match_value not in snapshot.groups and lost[rule.rule]:
            yield Reason("group_gone", rule.match_name, lost[rule.rule], lost[rule.rule])
