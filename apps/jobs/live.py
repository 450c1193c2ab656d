"""Which job is at work on a thing: what people are told is happening to it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from apps.jobs.kinds import quiet_kinds
from apps.jobs.models import Job


def jobs_of(uuids: Iterable[UUID]) -> QuerySet[Job]:
    """The jobs about these targets, those that only look for someone left out."""
    rows = Job.objects.filter(target_uuid__in=list(uuids)).exclude(kind__in=quiet_kinds())
    return rows.select_related("account", "parent")


def live_jobs(uuids: Iterable[UUID]) -> dict[UUID, Job]:
    """The live job of each of these targets that has one; the latest of several."""
    return {job.target_uuid: job for job in jobs_of(uuids).filter(finished_at=None).order_by("id")}


def latest_job(uuid: UUID) -> Job | None:
    """The last job about a target, whether it has ended or not."""
    return jobs_of([uuid]).order_by("-id").first()
