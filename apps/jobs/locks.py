"""Locks and slots are rows: exclusive keys, and a bounded number of places on a resource."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from apps.core.errors import ResourceBusy
from apps.jobs.models import Job, JobLock, JobSlot


def take(job: Job, keys: Sequence[str]) -> Job | None:
    """Take all keys or none; the job that holds one of them if none were taken.

    One after the other in sorted order, so that two jobs never wait for each other. A key that was
    taken when we inserted and free when we looked is tried again: only a row of ours counts.
    """
    wanted = sorted(set(keys))
    for key in wanted:
        owner = None
        while owner is None:
            JobLock.objects.bulk_create([JobLock(key=key, job=job)], ignore_conflicts=True)
            owner = JobLock.objects.filter(key=key).select_related("job").first()
        if owner.job_id != job.pk:
            JobLock.objects.filter(job=job, key__in=wanted).delete()
            return owner.job
    return None


def refuse_held(key: str) -> None:
    """ResourceBusy, naming the job, if one holds this key."""
    lock = JobLock.objects.filter(key=key).select_related("job").first()
    if lock is not None:
        raise ResourceBusy(job=str(lock.job.uuid), kind=lock.job.kind)


def waiting_key(job: Job, holder: Job) -> str:
    """What a job waits for whose wanted key `holder` has, or had a moment ago."""
    held = set(holder.locks.filter(key__in=job.wanted_locks).values_list("key", flat=True))
    return f"lock:{min(held, default=job.wanted_locks[0])}"


def take_slot(job: Job, resource: str, places: int) -> bool:
    """Take one of the resource's places for this job; True if it has one. Call it in a transaction."""
    if JobSlot.objects.filter(resource=resource, job=job).exists():
        return True
    free = JobSlot.objects.filter(resource=resource, job=None, number__lt=places)
    for _attempt in range(places + 1):
        number = free.values_list("number", flat=True).first()
        if number is None:
            if JobSlot.objects.filter(resource=resource, number__lt=places).count() >= places:
                surplus = JobSlot.objects.filter(resource=resource, job=None, number__gte=places)
                surplus.delete()  # there were more once: left there, they would wake waiters in vain
                return False
            JobSlot.objects.bulk_create(
                [JobSlot(resource=resource, number=n) for n in range(places)], ignore_conflicts=True
            )
        elif JobSlot.objects.filter(resource=resource, number=number, job=None).update(job=job):
            return True
    return False


def release(job: Job) -> list[str]:
    """Give up all locks and slots of a job; the waiting keys that this makes worth a try."""
    keys = [f"lock:{key}" for key in job.locks.values_list("key", flat=True)]
    job.locks.all().delete()
    return keys + release_slots(job)


def release_slots(job: Job) -> list[str]:
    """Give up the places of a job; the waiting keys that this makes worth a try."""
    keys = [f"slot:{resource}" for resource in job.slots.values_list("resource", flat=True)]
    job.slots.update(job=None)
    return keys


def is_free(waiting_for: str) -> bool:
    """Whether what a job waits for has come: asked once more after it was put to wait, since the
    holder may have finished in between."""
    what, _, key = waiting_for.partition(":")
    if what == "lock":
        return not JobLock.objects.filter(key=key).exists()
    if what == "slot":
        return JobSlot.objects.filter(resource=key, job=None).exists()
    if what == "job":
        return not Job.objects.filter(uuid=key, finished_at=None).exists()
    if what == "children":
        return not Job.objects.filter(parent__uuid=key, finished_at=None).exists()
    return False


def next_waiters(waiting_for: str) -> list[Job]:
    """Who is to be woken when a key comes free. A slot goes to the account that holds the fewest
    places of that resource; locks and ended jobs wake everyone who waits, oldest first."""
    waiters = Job.objects.filter(waiting_for=waiting_for, finished_at=None).order_by("id")
    what, _, resource = waiting_for.partition(":")
    if what != "slot":
        return list(waiters[:100])
    places = JobSlot.objects.filter(resource=resource, job__account=OuterRef("account"))
    held = Subquery(places.values("resource").annotate(held=Count("pk")).values("held"))
    return list(waiters.annotate(held=Coalesce(held, 0)).order_by("held", "id")[:1])
