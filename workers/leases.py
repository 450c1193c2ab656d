"""Who may write to a job: the worker whose token is in its lease."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.core.errors import JobCancelled
from apps.jobs.models import Job

_CLAIM = """
UPDATE jobs_job SET lease = %s, due = %s, claims = claims + 1, woken_at = NULL, waiting_for = ''
WHERE id = %s AND due <= %s AND state IN (%s, %s, %s, %s) RETURNING *
"""


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
    return next(iter(Job.objects.raw(_CLAIM, [token, expiry, pk, now, *map(str, Job.ACTIVE)])), None)


def renew(job: Job) -> None:
    """Prolong the lease; LeaseLost if it is not ours any more."""
    if not Job.objects.filter(pk=job.pk, lease=job.lease).update(due=_expiry()):
        raise LeaseLost(job.pk)


def save(job: Job, *, heed_cancel: bool = False, **changes: Any) -> None:
    """Write these columns if the lease is ours (LeaseLost otherwise) and, with `heed_cancel`, nobody
    has asked to cancel (JobCancelled otherwise). The lease is prolonged unless it is given up."""
    if "lease" not in changes:
        changes["due"] = _expiry()
    mine = Job.objects.filter(pk=job.pk, lease=job.lease)
    rows = mine.filter(cancel_requested=False) if heed_cancel else mine
    if not rows.update(**changes):
        if heed_cancel and mine.exists():
            raise JobCancelled
        raise LeaseLost(job.pk)
    for name, value in changes.items():
        setattr(job, name, value)
