"""Who may write to a job: the worker whose token is in its lease.

A commit need not be on disk before the next thing is done if that, too, is only a change in the
database: the next commit that is waited for brings both, and a server that fails in between has lost
both. What is about to act on the world is waited for. PostgreSQL is told so by `set_config`, as part of
the statement; SQLite's journal waits for no commit anyway.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Func, TextField, Value
from django.db.models.lookups import Exact
from django.utils import timezone

from apps.core.errors import JobCancelled
from apps.jobs.models import Job

_CLAIM = """\
UPDATE jobs_job SET lease = %s, due = %s, claims = claims + 1, woken_at = NULL, waiting_for = ''
WHERE id = %s AND due <= %s AND state IN (%s, %s, %s, %s)"""
_UNHURRIED_CLAIM = """
AND set_config('synchronous_commit',
  CASE WHEN state IN ('waiting', 'pending') AND NOT midstep THEN 'off'
    ELSE current_setting('synchronous_commit') END, true) <> ''"""
"""A job that is in the middle of a step, is undone or resolved acts on the world as soon as it is claimed."""
_OFF = Value("off")
_UNHURRIED = Exact(
    Func(
        Value("synchronous_commit"), _OFF, Value(value=True), function="set_config", output_field=TextField()
    ),
    _OFF,
)


class LeaseLost(Exception):
    """Another worker owns this job now, or nobody's lease is valid: stop without a word."""


def beat_seconds() -> float:
    """How often a lease is renewed while a driver call lasts."""
    return float(settings.JOB_LEASE_SECONDS) / 3


def _expiry() -> Any:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def claim(pk: int) -> Job | None:
    """Own a job that is due, by one conditional UPDATE; None if it is not due or someone else does."""
    ops = connection.ops
    token = Job._meta.get_field("lease").get_db_prep_value(uuid.uuid4(), connection)
    expiry, now = (ops.adapt_datetimefield_value(moment) for moment in (_expiry(), timezone.now()))
    unhurried = _UNHURRIED_CLAIM if connection.vendor == "postgresql" else ""
    params = [token, expiry, pk, now, *map(str, Job.ACTIVE)]
    return next(iter(Job.objects.raw(f"{_CLAIM}{unhurried} RETURNING *", params)), None)


def renew(job: Job) -> None:
    """Prolong the lease; LeaseLost if it is not ours any more."""
    if not Job.objects.filter(pk=job.pk, lease=job.lease).update(due=_expiry()):
        raise LeaseLost(job.pk)


def save(job: Job, *, heed_cancel: bool = False, unhurried: bool = False, **changes: Any) -> None:
    """Write these columns if the lease is ours (LeaseLost otherwise) and, with `heed_cancel`, nobody
    has asked to cancel (JobCancelled otherwise). The lease is prolonged unless it is given up.
    `unhurried`: what follows acts on the database alone."""
    if "lease" not in changes:
        changes["due"] = _expiry()
    mine = Job.objects.filter(pk=job.pk, lease=job.lease)
    rows = mine.filter(cancel_requested=False) if heed_cancel else mine
    if unhurried and connection.vendor == "postgresql":
        rows = rows.filter(_UNHURRIED)
    if not rows.update(**changes):
        if heed_cancel and mine.exists():
            raise JobCancelled
        raise LeaseLost(job.pk)
    for name, value in changes.items():
        setattr(job, name, value)
