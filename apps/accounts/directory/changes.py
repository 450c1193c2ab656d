"""A change that a plan asks for, as data: it is shown, kept and made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.accounts.directory.rules import digest

ORDER = (
    "user.add",
    "user.change",
    "user.let_in",
    "group.add",
    "group.change",
    "group.add_people",
    "grant.add",
    "account.add",
    "membership.add",
    "membership.change",
    "membership.forget",
    "membership.end",
    "membership.remove",
    "grant.remove",
    "group.remove_people",
    "group.remove",
    "user.keep_out",
)
"""Kinds of change, in the order in which they are made: whoever gives comes before who takes."""
TAKING = frozenset(
    {"membership.end", "membership.remove", "grant.remove", "group.remove_people", "user.keep_out"}
)
"""What takes something from somebody, now or soon. To forget what has run out takes nothing."""
LESSENING = TAKING | {"membership.change", "membership.forget"}
"""What may leave somebody without that on whose strength they gave something."""


@dataclass(frozen=True, slots=True)
class Change:
    """`key` tells which row it is about, so that the same change of two plans is the same; `name` is for
    readers, `rule` the public id of the rule behind it. `size`: how many people it concerns."""

    kind: str
    key: str
    name: str
    rule: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    size: int = 1

    @property
    def takes(self) -> bool:
        return self.kind in TAKING


@dataclass(frozen=True, slots=True)
class Note:
    """What could not be given as a rule says, and why: a short code with the names it is about."""

    reason: str
    name: str
    rule: str = ""
    about: str = ""


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    place = {kind: number for number, kind in enumerate(ORDER)}
    return tuple(sorted(changes, key=lambda change: (place[change.kind], change.key)))


def digest_of(rules: list[dict[str, Any]], changes: Iterable[Change]) -> str:
    """Two plans with one digest do the same."""
    return digest([rules, [[each.kind, each.key, each.rule, each.data] for each in in_order(changes)]])


def counted(changes: Iterable[Change]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.kind] = counts.get(change.kind, 0) + change.size
    return counts


def taken_by(kind: str, key: str, data: dict[str, Any]) -> set[tuple[str, str, str]]:
    """What exactly a change takes, and from whom: a portion of people, each of them."""
    if kind not in TAKING:
        return set()
    if kind == "group.remove_people":
        return {(kind, data["group"], person) for person in data["people"]}
    return {(kind, key, "")}
