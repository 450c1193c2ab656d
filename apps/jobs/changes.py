"""What changed since the last look: for whoever follows work without asking for each thing again.

Only reads, and needs nothing of those who write: events are found by their key, jobs by `due`, which
every claim, checkpoint and putting back sets to its own time or later (see workers/leases.py).
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.jobs.models import Event, Job

PATIENCE_SECONDS = 30.0
"""How long an event may be committed after others with higher keys and still be found."""
DUE_SECONDS = 20.0
"""How far back in `due` live jobs are looked at: more than the clocks of two machines differ."""
MAX_ROWS = 10_000
RECENT_EVENTS = 500
OVERLAP = timedelta(seconds=5)

_JOB = (
    "pk",
    "uuid",
    "target_type",
    "target_uuid",
    "account_id",
    "parent__uuid",
    "state",
    "percent",
    "note",
    "midstep",
    "cancel_requested",
    "trail",
    "finished_at",
)
_EVENT = ("pk", "target_type", "target_uuid", "account_id", "job__uuid")


@dataclass(frozen=True, slots=True)
class Change:
    """A job went on, or an event was recorded. `progress`: only the job's own progress is new. What
    belongs to no account is infrastructure."""

    target_type: str
    target: UUID | None
    account: int | None
    job: UUID | None = None
    parent: UUID | None = None
    progress: bool = False
    event: bool = False


class Feed:
    """The changes between one look and the next; the first finds nothing. Not for several threads."""

    def __init__(self) -> None:
        self._events, self._jobs = _Events(), _Jobs()
        self._found: set[Change] = set()  # survives a database that stops answering half-way

    def look(self) -> set[Change]:
        self._found |= self._events.look()
        self._found |= self._jobs.look()
        found, self._found = self._found, set()
        return found


class _Events:
    """Follows the keys of events. A key that is passed over may yet be committed: it is looked for
    until PATIENCE_SECONDS after a higher one was seen."""

    def __init__(self) -> None:
        self._low = -1
        self._seen: set[int] = set()
        self._marks: deque[tuple[float, int]] = deque()

    def look(self) -> set[Change]:
        if self._low < 0:
            self._begin()
            return set()
        rows = Event.objects.filter(pk__gt=self._low).order_by("pk").values_list(*_EVENT)[:MAX_ROWS]
        fresh = [row for row in rows if row[0] not in self._seen]
        self._note([row[0] for row in fresh])
        return {_of_event(row) for row in fresh}

    def _begin(self) -> None:
        """What is there now is no news, but for keys that were given and are not committed yet."""
        keys = list(Event.objects.order_by("-pk").values_list("pk", flat=True)[:RECENT_EVENTS])
        self._low = min(keys, default=0)
        self._note(keys)

    def _note(self, keys: list[int]) -> None:
        now = time.monotonic()
        self._seen.update(keys)
        if keys:
            self._marks.append((now, max(keys)))
        while self._marks and now - self._marks[0][0] >= PATIENCE_SECONDS:
            self._low = max(self._low, self._marks.popleft()[1])
        while self._low + 1 in self._seen:
            self._low += 1
        self._seen = {key for key in self._seen if key > self._low}


class _Jobs:
    """Compares what a reader can see of the jobs in workers' hands, and of those that were there at the
    look before. What lies untouched in the queue is not read again and again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, ...]] | None = None

    def look(self) -> set[Change]:
        since = timezone.now() - timedelta(seconds=DUE_SECONDS)
        rows = {row[0]: row for row in _live_since(since)[:MAX_ROWS]}
        before = rows if self._known is None else self._known
        left = Job.objects.filter(pk__in=before.keys() - rows.keys())
        now = {**rows, **{row[0]: row for row in left.values_list(*_JOB)}}
        self._known = rows
        return {_of_job(row, before.get(pk)) for pk, row in now.items() if row != before.get(pk)}


def _live_since(since: datetime) -> QuerySet[Job, tuple[Any, ...]]:
    return Job.objects.filter(finished_at=None, due__gte=since).values_list(*_JOB)


def _of_job(row: tuple[Any, ...], before: tuple[Any, ...] | None) -> Change:
    _pk, uuid, target_type, target, account, parent, state = row[:7]
    progress = before is not None and before[6] == state
    return Change(target_type, target, account, job=uuid, parent=parent, progress=progress)


def _of_event(row: tuple[Any, ...]) -> Change:
    _pk, target_type, target, account, job = row
    return Change(target_type, target, account, job=job, event=True)


def changes_since(since: datetime, jobs: set[UUID]) -> set[Change] | None:
    """What may have changed since a moment not long ago, rather too much than too little; None where
    that is more than can be told one by one. `jobs` are asked for by name: those of a quiet kind may
    have ended without an event."""
    since -= OVERLAP
    recent = Event.objects.order_by("-pk").values_list("at", *_EVENT)[:RECENT_EVENTS]
    events = [row[1:] for row in recent if row[0] >= since]
    if len(events) == RECENT_EVENTS:
        return None
    named = Job.objects.filter(Q(finished_at=None) | Q(finished_at__gte=since), uuid__in=jobs)
    rows = [*_live_since(since)[:MAX_ROWS], *(named.values_list(*_JOB) if jobs else [])]
    return {_of_event(row) for row in events} | {_of_job(row, None) for row in rows}
