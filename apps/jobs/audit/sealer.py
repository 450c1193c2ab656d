"""Sealing: by whoever holds the lease, a stretch at a time, and only what surely nothing can slip into.

A writer is never waited for and never made to wait. A key is given before its row is committed, so that a
row may come to light below others that are there already. On PostgreSQL every writer holds a lock on the
table from before it is given a key until its rows are visible: what lies below the highest visible key is
settled once all who held that lock, when it was looked at, have let go of it. SQLite has one writer at a
time, which takes its key and commits before the next one begins.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils import timezone

from apps.jobs.audit import chain, heads
from apps.jobs.models import Event, Sealer, Segment

log = logging.getLogger(__name__)
ROWS = 1000
LEASE = timedelta(seconds=60)
_WRITERS = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'jobs_event'::regclass AND mode = 'RowExclusiveLock'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND pid IS DISTINCT FROM pg_backend_pid()
"""


class NotOurs(Exception):
    """Somebody else seals, or does now: stop without a word."""


@contextmanager
def leased() -> Iterator[uuid.UUID]:
    """Be the one who seals; NotOurs if somebody is. Who is killed loses it after LEASE."""
    Sealer.objects.get_or_create(pk=Sealer.ONLY)
    now, token = timezone.now(), uuid.uuid4()
    free = Sealer.objects.filter(Q(lease=None) | Q(due__lt=now), pk=Sealer.ONLY)
    if not free.update(lease=token, due=now + LEASE):
        raise NotOurs
    try:
        yield token
    finally:
        Sealer.objects.filter(pk=Sealer.ONLY, lease=token).update(lease=None)


def renew(token: uuid.UUID, **columns: object) -> None:
    """Keep the lease; NotOurs if it is gone. In the transaction of what depends on it."""
    due = timezone.now() + LEASE
    if not Sealer.objects.filter(pk=Sealer.ONLY, lease=token).update(due=due, **columns):
        raise NotOurs


def seal(*, at_once: bool = False) -> int:
    """Seal what is settled, and what waited AUDIT_SEAL_SECONDS or fills a segment; `at_once` all that is
    settled. How many events that were. RecordDiffers if the record does not go on from its last head."""
    if not at_once and not _is_waiting():
        return 0
    with leased() as token:
        try:
            heads.append_missing()
        except heads.RecordDiffers as error:
            renew(token, trouble=error.code)
            log.error("events are not sealed: %s", error)  # noqa: TRY400 - where it comes from says nothing
            raise
        renew(token, trouble="")
        sealed, upto = 0, _settled(token)
        while segment := _next(upto, at_once=at_once):
            with transaction.atomic():
                renew(token)
                segment.save(force_insert=True)
            heads.append_missing()
            sealed += segment.rows
        return sealed


def _is_waiting() -> bool:
    last = Segment.objects.order_by("-number").values_list("last", flat=True).first()
    return Event.objects.filter(pk__gt=chain.BEFORE if last is None else last).exists()


def _next(upto: int, *, at_once: bool) -> Segment | None:
    """The next segment up to this key, if it is time for it."""
    last = Segment.objects.order_by("-number").defer("manifest").first()
    rows = list(chain.rows_between(last.last if last else chain.BEFORE, upto, ROWS))
    if not rows:
        return None
    waited = timezone.now() - min(row.at for row in rows)
    if len(rows) < ROWS and not at_once and waited < timedelta(seconds=settings.AUDIT_SEAL_SECONDS):
        return None
    return chain.segment_of(last, rows)


def _settled(token: uuid.UUID) -> int:
    """The key up to which no event can appear any more."""
    top = Event.objects.aggregate(top=Max("pk"))["top"] or 0
    if connection.vendor != "postgresql":
        return top
    writers = _writers()  # after the highest key was read
    if not writers:
        return top
    known = Sealer.objects.get(pk=Sealer.ONLY)
    if writers & set(known.awaited):
        return 0  # what was settled before is sealed; look again later
    renew(token, upto=top, awaited=sorted(writers))
    return known.upto


def _writers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS)
        return {row[0] for row in cursor.fetchall()}
