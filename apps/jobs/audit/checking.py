"""Finding what is not as it was sealed: row by row against the manifests, the manifests against the chain,
the chain against the file outside the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Min
from django.utils import timezone

from apps.jobs.audit import chain, heads
from apps.jobs.models import Event, Person, Sealer, Segment


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` is one of apps/core/words/audit.py; `row` the key of an event, or of a person's words."""

    code: str
    segment: int = 0
    row: int = 0


@dataclass(slots=True)
class Found:
    problems: list[Problem] = field(default_factory=list)
    segments: int = 0
    rows: int = 0
    pruned: int = 0
    sealed_at: datetime | None = None  # of the last sealed event
    waiting: int = 0
    waiting_since: datetime | None = None
    unfiled: int = 0


def verify() -> Found:
    """Look at all of it, while it goes on. The file is read first: what it has the database has, too."""
    found = Found()
    filed = _last_filed(found)
    previous: Segment | None = None
    lines = _heads_of_file()
    line = next(lines, None)
    for segment in Segment.objects.order_by("number").iterator(chunk_size=20):
        while line is not None and line["segment"] < segment.number:
            line = next(lines, None)
        if line is not None and line["segment"] == segment.number:
            if line["head"] != segment.head:
                found.problems.append(Problem("head_differs", segment.number))
        elif segment.number <= filed:
            found.problems.append(Problem("head_missing", segment.number))
        else:
            found.unfiled += 1
        found.problems += _of_order(previous, segment)
        found.problems += _of_rows(previous, segment)
        found.segments += 1
        found.pruned += segment.pruned_at is not None
        found.rows += 0 if segment.pruned_at else segment.rows
        found.sealed_at = segment.last_at
        previous = segment
    if filed > (previous.number if previous else 0):
        found.problems.append(Problem("cut_off", filed))
    if filed == 0 and previous is not None:
        found.problems.append(Problem("no_file"))
    found.problems += [
        Problem("words_changed", row=row.pk) for row in Person.objects.iterator() if not row.is_genuine
    ]
    _tell_waiting(found, previous.last if previous else chain.BEFORE)
    Sealer.objects.filter(pk=Sealer.ONLY).update(checked_at=timezone.now(), found=len(found.problems))
    return found


def _last_filed(found: Found) -> int:
    """The number of the last head in the file; lines that nobody signed are problems."""
    last = 0
    for line in heads.lines():
        if line is None:
            found.problems.append(Problem("line_unsigned", last))
        elif "segment" in line:
            last = max(last, line["segment"])
    return last


def _heads_of_file() -> Iterator[heads.Line]:
    return (line for line in heads.lines() if line is not None and "segment" in line)


def _of_order(previous: Segment | None, segment: Segment) -> Iterator[Problem]:
    """Whether the segment follows the one before, and is what somebody with the ring's key signed."""
    if segment.number != (previous.number + 1 if previous else 1):
        yield Problem("segment_missing", segment.number - 1)
    elif segment.previous != (previous.head if previous else chain.BEGINNING):
        yield Problem("segment_changed", segment.number)
    if not chain.is_signed(chain.line_of(segment)):
        yield Problem("signature", segment.number)


def _of_rows(previous: Segment | None, segment: Segment) -> list[Problem]:
    """What is amiss with the segment's rows, none of them left out."""
    if segment.pruned_at is None:
        problems = list(rows_amiss(previous.last if previous else chain.BEFORE, segment))
        if problems:
            segment.refresh_from_db(fields=["pruned_at"])
        if segment.pruned_at is None:
            return problems
    if segment.number > heads.pruned_upto():
        return [Problem("pruned_unsigned", segment.number)]
    return [Problem("event_inserted", segment.number, row.key) for row in _rows_of(previous, segment)]


def _rows_of(previous: Segment | None, segment: Segment) -> Iterator[chain.Sealable]:
    return chain.rows_between(previous.last if previous else chain.BEFORE, segment.last)


def rows_amiss(after: int, segment: Segment) -> Iterator[Problem]:
    """Rows of a segment that were changed, removed or slipped in; `after` is the last key before it."""
    entries = chain.entries_of(segment)
    head = entries[-1][1].hex() if entries else ""
    if head != segment.head or len(entries) != segment.rows or entries[-1][0] != segment.last:
        yield Problem("segment_changed", segment.number)
    rows = {row.key: row for row in chain.rows_between(after, segment.last)}
    made = bytes.fromhex(segment.previous)
    for key, wanted in entries:
        row = rows.pop(key, None)
        if row is None:
            yield Problem("event_removed", segment.number, key)
        elif chain.link(made, row) != wanted:
            yield Problem("event_changed", segment.number, key)
        made = wanted
    for key in rows:
        yield Problem("event_inserted", segment.number, key)


def _tell_waiting(found: Found, last: int) -> None:
    waiting = Event.objects.filter(pk__gt=last)
    found.waiting = waiting.count()
    found.waiting_since = waiting.aggregate(first=Min("at"))["first"]


@dataclass(frozen=True, slots=True)
class State:
    """What a page says of the seals, at the cost of a few rows."""

    COUNTED = 10_000

    number: int
    upto: datetime | None
    waiting: int
    trouble: str
    checked_at: datetime | None
    found: int

    @property
    def is_capped(self) -> bool:
        return self.waiting > self.COUNTED


def state() -> State:
    last = Segment.objects.order_by("-number").values("number", "last", "last_at").first()
    waiting = (
        Event.objects.filter(pk__gt=last["last"] if last else chain.BEFORE)
        .order_by()[: State.COUNTED + 1]
        .count()
    )
    sealer = Sealer.objects.filter(pk=Sealer.ONLY).first() or Sealer()
    return State(
        number=last["number"] if last else 0,
        upto=last["last_at"] if last else None,
        waiting=waiting,
        trouble=sealer.trouble,
        checked_at=sealer.checked_at,
        found=sealer.found,
    )
