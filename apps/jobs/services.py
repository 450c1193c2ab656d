"""Submitting, cancelling, retrying and resolving jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from django.db import transaction
from django.utils import timezone

from apps.accounts import idempotency, policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.core.errors import ResourceBusy, StateConflict
from apps.core.middleware import request_id
from apps.jobs import locks, remedies
from apps.jobs.dispatch import wake, wake_new, wake_waiters
from apps.jobs.events import record_of_job, target_type
from apps.jobs.kinds import JobKind, kind_of
from apps.jobs.models import Event, Job, JobState

OnBusy = Literal["refuse", "wait", "join"]


@transaction.atomic
def submit(
    actor: Actor,
    kind: str,
    target: Any,
    *,
    lock_keys: Sequence[str] = (),
    on_busy: OnBusy = "refuse",
    account: Account | None = None,
    parent: Job | None = None,
    **args: Any,
) -> Job:
    """Record a job and its locks with the caller's changes; a worker is woken once they commit.

    Where another job holds a lock: "refuse" raises ResourceBusy naming it, unless that job's kind
    lets this one interrupt it (then it is cancelled and this one waits); "wait" waits; "join"
    returns the running job if it is of the same kind.
    """
    declared = kind_of(kind)
    job = Job.objects.create(
        kind=kind,
        queue=declared.queue,
        account=account or getattr(target, "account", None),
        user=actor.user,
        actor_label=actor.label,
        request_id=request_id.get(),
        target_type=target_type(target),
        target_uuid=target.uuid,
        target_name=str(getattr(target, "name", ""))[:200],
        parent=parent,
        args=args,
        wanted_locks=sorted(lock_keys),
        woken_at=timezone.now(),
    )
    holder = locks.take(job, lock_keys)
    if holder is not None:
        if on_busy == "join" and holder.kind == kind:
            job.delete()
            return holder
        _wait_or_refuse(actor, job, declared, holder, on_busy)
    elif declared.begin:
        declared.begin(job)
        job.save(update_fields=["memo"])
    record_of_job(job, Event.Phase.SUBMITTED, actor=actor)
    wake_new(job)
    return job


def _wait_or_refuse(actor: Actor, job: Job, declared: JobKind, holder: Job, on_busy: OnBusy) -> None:
    if on_busy != "wait":
        may_interrupt = job.kind in kind_of(holder.kind).interrupted_by
        if not (may_interrupt and (holder.state == JobState.UNDOING or _request_cancel(actor, holder))):
            raise ResourceBusy(job=str(holder.uuid), kind=holder.kind)
    job.state, job.note = JobState.WAITING, "waiting_for_job"
    job.waiting_for = locks.waiting_key(job, holder)
    job.save(update_fields=["state", "waiting_for", "note"])


def _request_cancel(actor: Actor, job: Job) -> bool:
    """Whether the job will now be cancelled. Compare-and-set: it may just have passed the point."""
    active = Job.objects.filter(pk=job.pk, cancellable=True, state__in=[JobState.WAITING, JobState.PENDING])
    if not active.update(cancel_requested=True, waiting_for=""):
        return False
    Job.objects.filter(pk=job.pk, lease=None).update(due=timezone.now(), woken_at=None)
    record_of_job(job, Event.Phase.CANCELLED, actor=actor, requested_by=actor)
    for child in job.children.filter(finished_at=None):
        _request_cancel(actor, child)
    wake(job)
    return True


@transaction.atomic
def cancel_job(actor: Actor, job: Job) -> Job:
    """Ask a job to end and take back what it did; its children too. StateConflict if it is too late."""
    policy.require(actor, "job.cancel", job)
    if not _request_cancel(actor, job):
        job.refresh_from_db()
        raise remedies.refusal(actor, job, "cancel") or StateConflict(reason="state_moved", state=job.state)
    job.refresh_from_db()
    return job


@transaction.atomic
def retry_job(actor: Actor, job: Job) -> Job:
    """Let a stuck job go on from where it stands."""
    policy.require(actor, "job.retry", job)
    return _revive(actor, job, job.resume_state or JobState.PENDING, "retry")


@transaction.atomic
def resolve_job(actor: Actor, job: Job) -> Job:
    """Settle a stuck job: its operation reads the world and makes the record agree with it."""
    policy.require(actor, "job.resolve", job)
    return _revive(actor, job, JobState.RESOLVING, "resolve")


def _revive(actor: Actor, job: Job, state: str, how: str) -> Job:
    now = timezone.now()
    if not Job.objects.filter(pk=job.pk, state=JobState.STUCK).update(
        state=state, due=now, claims=0, retries=0, woken_at=None
    ):
        raise StateConflict(reason="job_not_stuck", state=job.state)
    record_of_job(job, Event.Phase.SUBMITTED, actor=actor, by=actor, how=how)
    wake(job)
    job.refresh_from_db()
    return job


def once(actor: Actor, key: str, request: object, act: Callable[[], Job]) -> Job:
    """The job that `act` submits, or the first one of this Idempotency-Key; IdempotencyMismatch if
    the key came with another `request` (any JSON value) before. Without a key it just acts."""
    if not key or actor.user is None:
        return act()
    answer, _first = idempotency.once(actor, key, request, lambda: {"job": str(act().uuid)})
    return Job.objects.get(uuid=answer["job"])


def wake_after(job: Job, released: Sequence[str]) -> None:
    """Wake whoever waits for this job's end or for what it held. Call it after `finish` committed."""
    keys = [*released, f"job:{job.uuid}"]
    if job.parent_id:
        keys.append(f"children:{job.parent.uuid}")  # type: ignore[union-attr]
    wake_waiters(keys)
