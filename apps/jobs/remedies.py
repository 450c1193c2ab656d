"""What can be done to a job now, and for whom: for services, pages and the API alike."""

from __future__ import annotations

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.errors import CloudError, PermissionDenied, StateConflict
from apps.jobs.models import Job, JobState

ACTS = ("retry", "resolve", "cancel")


def refusal(actor: Actor, job: Job, act: str) -> CloudError | None:
    """Why this actor cannot `cancel`, `retry` or `resolve` the job now; None if it can."""
    if not policy.may(actor, f"job.{act}", job):
        return PermissionDenied(permission=f"job.{act}")
    if act == "cancel":
        return _too_late(job)
    return None if job.state == JobState.STUCK else StateConflict(reason="job_not_stuck", state=job.state)


def concerns(job: Job, act: str) -> bool:
    """Whether the act is one that a reader of this job would look for."""
    return not job.is_ended if act == "cancel" else job.state == JobState.STUCK


def _too_late(job: Job) -> StateConflict | None:
    if job.is_ended:
        return StateConflict(reason="job_ended", state=job.state)
    if job.state == JobState.STUCK:
        return StateConflict(reason="job_is_stuck", state=job.state)
    if job.state == JobState.UNDOING:
        return StateConflict(reason="job_undoing", state=job.state)
    if not job.cancellable or job.state == JobState.RESOLVING:
        return StateConflict(reason="job_past_return", state=job.state)
    return StateConflict(reason="job_cancel_asked", state=job.state) if job.cancel_requested else None
