"""The engine that runs operations, whatever dies in between.

Each checkpoint is a conditional UPDATE on the lease token and records the next step as begun
*before* it acts, so that a crash repeats it and undo covers the half-done one.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from apps.core.errors import CloudError, JobCancelled, WorkerLost
from apps.jobs import locks
from apps.jobs.dispatch import wake, wake_waiters
from apps.jobs.events import record_of_job
from apps.jobs.kinds import kind_of
from apps.jobs.models import Event, Job, JobState
from apps.jobs.services import wake_after
from workers import leases
from workers.drivers.errors import DriverError
from workers.leases import LeaseLost
from workers.operation import Later, Operation, Outcome, Step, WaitFor
from workers.world import World

log = logging.getLogger(__name__)
WAIT_SECONDS = 5.0
"""How long a job that waits for another sleeps if the message that should wake it is lost."""


def run(pk: int) -> None:
    """Claim the job and take it as far as it goes. Harmless for a job that is not due, is owned by
    another worker, or has ended."""
    job = leases.claim(pk)
    if job is None:
        return
    world = World(lambda: leases.renew(job), leases.beat_seconds())
    try:
        _Run(Operation.registry[job.kind](job, world)).advance()
    except LeaseLost:
        log.warning("job %s: another worker owns it now", job.uuid)
    except (OperationalError, InterfaceError):
        log.exception("job %s: the database failed; the job goes on when its lease has run out", job.uuid)
        _let_go(job)


def _let_go(job: Job) -> None:
    """Give the job back over a fresh connection, if the database answers again."""
    connection.close()
    try:
        Job.objects.filter(pk=job.pk, lease=job.lease).exclude(lease=None).update(
            lease=None, due=timezone.now() + timedelta(seconds=settings.JOB_RETRY_SECONDS)
        )
    except (OperationalError, InterfaceError):
        connection.close()


class _Run:
    def __init__(self, op: Operation) -> None:
        self.op, self.job, self.token = op, op.job, op.job.lease
        self.began = time.monotonic()

    def advance(self) -> None:
        job = self.job
        exhausted = job.claims >= settings.JOB_CLAIMS_WITHOUT_PROGRESS
        if exhausted and not self._fault(WorkerLost(f"{job.claims - 1} workers did not come back")):
            return
        if job.state == JobState.RESOLVING:
            self._resolve()
            return
        if job.state == JobState.WAITING and not self._take_locks():
            return
        if job.state == JobState.PENDING:
            try:
                if self._forward():
                    self._finish(JobState.DONE)
            except (LeaseLost, OperationalError, InterfaceError):
                raise
            except Exception as error:
                if not self._fault(error):
                    return
            else:
                return
        if job.state == JobState.UNDOING:
            self._backward()

    def _take_locks(self) -> bool:
        """Take a waiting job's locks; whether it may go on in this run."""
        job = self.job
        if job.cancel_requested:
            return self._fault(JobCancelled())
        try:
            with transaction.atomic():
                holder = locks.take(job, job.wanted_locks)
                if holder is None:
                    begin = kind_of(job.kind).begin
                    if begin:
                        begin(job)
                    leases.save(job, state=JobState.PENDING, memo=job.memo, waiting_for="", note="", claims=1)
                    return True
        except (LeaseLost, OperationalError, InterfaceError):
            raise
        except Exception as error:
            return self._fault(error)
        self._put_back(WAIT_SECONDS, waiting_for=locks.waiting_key(job, holder), claims=0)
        return False

    def _forward(self) -> bool:
        """Do what is left of the steps; False if the job was put back to go on later."""
        op, job = self.op, self.job
        if job.cancellable and job.cancel_requested:
            raise JobCancelled
        position = len(job.trail) - job.midstep
        if not job.midstep and (position < len(op.steps) or not job.plan):
            self._checkpoint(
                plan=op.names,
                started_at=job.started_at or timezone.now(),
                trail=op.names[: position + 1],
                midstep=position < len(op.steps),
            )
        return all(self._do(index) for index in range(position, len(op.steps)))

    def _do(self, index: int) -> bool:
        step = self.op.steps[index]
        self.began = time.monotonic()
        if step.atomic:
            with transaction.atomic():
                return self._note_done(index, step().do(self.op))
        return self._note_done(index, step().do(self.op))

    def _note_done(self, index: int, outcome: Outcome) -> bool:
        op, job = self.op, self.job
        if outcome is not None:
            self._wait(outcome)
            return False
        name = op.names[index]
        timings = {**job.timings, name: round(job.timings.get(name, 0) + time.monotonic() - self.began, 4)}
        more = index + 1 < len(op.steps)
        self._checkpoint(
            trail=op.names[: index + 2],
            midstep=more,
            timings=timings,
            memo=op.memo,
            percent=max(job.percent, 100 * (index + 1) // len(op.steps)),
            note="",
            claims=1,
            retries=0,
            cancellable=job.cancellable and index + 1 <= op.no_return_index(),
        )
        return True

    def _checkpoint(self, **changes: Any) -> None:
        """Write progress, unless the lease is lost or, before the point of no return, someone asked
        to cancel: both are decided by the one UPDATE."""
        leases.save(self.job, heed_cancel=self.job.cancellable, **changes)

    def _wait(self, outcome: Later | WaitFor) -> None:
        job, op = self.job, self.op
        name = job.trail[-1] if job.trail else ""
        timings = {**job.timings, name: round(job.timings.get(name, 0) + time.monotonic() - self.began, 4)}
        changes: dict[str, Any] = {"memo": op.memo, "claims": 0, "timings": timings, "note": outcome.note}
        if isinstance(outcome, Later):
            if outcome.percent is not None:
                changes["percent"] = max(job.percent, min(99, outcome.percent))
            self._put_back(outcome.seconds, heed_cancel=self._may_cancel(), **changes)
        else:
            changes["waiting_for"] = outcome.key
            self._put_back(WAIT_SECONDS, heed_cancel=self._may_cancel(), **changes)

    def _may_cancel(self) -> bool:
        return self.job.cancellable and self.job.state == JobState.PENDING

    def _put_back(self, seconds: float, *, heed_cancel: bool = False, **changes: Any) -> None:
        """Release the lease; the job is due again after so many seconds, or when what it waits for
        has come."""
        due = timezone.now() + timedelta(seconds=seconds)
        leases.save(self.job, heed_cancel=heed_cancel, lease=None, due=due, woken_at=None, **changes)
        transaction.on_commit(lambda: self._call_again(seconds, changes.get("waiting_for", "")))

    def _try_again(self, *, heed_cancel: bool = False, **changes: Any) -> None:
        retries = self.job.retries
        self._put_back(
            backoff(retries),
            heed_cancel=heed_cancel,
            retries=retries + 1,
            claims=0,
            note="retrying",
            **changes,
        )

    def _call_again(self, seconds: float, waiting_for: str) -> None:
        if waiting_for and locks.is_free(waiting_for):
            Job.objects.filter(pk=self.job.pk, lease=None).update(due=timezone.now(), waiting_for="")
            wake(self.job)
        elif seconds <= 30:
            wake(self.job, countdown=seconds)

    def _fault(self, error: Exception) -> bool:
        """Decide what a failure leads to; True if undo is to begin in this run."""
        self._forget_what_was_rolled_back()
        job = self.job
        described = describe(error)
        if not isinstance(error, JobCancelled):
            log.warning("job %s (%s) at %s: %s", job.uuid, job.kind, job.trail[-1:], error, exc_info=error)
        if getattr(error, "retry", False) and job.retries < settings.JOB_RETRIES_WITHOUT_PROGRESS:
            try:
                self._try_again(heed_cancel=self._may_cancel(), error=described)
            except JobCancelled as cancelled:
                described = describe(cancelled)
            else:
                return False
        if not job.cancellable or job.state in {JobState.UNDOING, JobState.RESOLVING}:
            self._stick(described)
            return False
        leases.save(job, state=JobState.UNDOING, error=described, claims=1, retries=0, waiting_for="")
        return True

    def _backward(self) -> None:
        op, job = self.op, self.job
        steps = {step.__name__: step for step in op.steps}
        cancelled = (job.error or {}).get("code") == JobCancelled.code
        try:
            while job.trail:
                if self._undo(steps[job.trail[-1]]) is not None:
                    return
            self._finish(JobState.CANCELLED if cancelled else JobState.FAILED)
        except (LeaseLost, OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.warning("job %s: undo at %s failed", job.uuid, job.trail[-1:], exc_info=error)
            if job.retries >= settings.JOB_RETRIES_WITHOUT_PROGRESS:
                self._stick(describe(error))
            else:
                self._try_again()

    def _forget_what_was_rolled_back(self) -> None:
        """What failed in a transaction left job, memo and cached rows as they never were."""
        self.job.lease = self.token
        self.job.refresh_from_db(fields=["state", "trail", "midstep", "cancellable", "memo"])
        self.op = type(self.op)(self.job, self.op.world)

    def _undo(self, step: type[Step]) -> Outcome:
        self.began = time.monotonic()
        if step.atomic:
            with transaction.atomic():
                return self._note_undone(step().undo(self.op))
        return self._note_undone(step().undo(self.op))

    def _note_undone(self, outcome: Outcome) -> Outcome:
        if outcome is not None:
            self._wait(outcome)
            return outcome
        rest = self.job.trail[:-1]
        leases.save(self.job, trail=rest, midstep=False, memo=self.op.memo, claims=1, retries=0, note="")
        return None

    def _resolve(self) -> None:
        try:
            self.op.resolve()
            self._finish(JobState.DONE)
        except (LeaseLost, OperationalError, InterfaceError):
            raise
        except Exception as error:
            self._fault(error)

    def _finish(self, state: JobState) -> None:
        op, job = self.op, self.job
        with transaction.atomic():
            if job.state == JobState.RESOLVING:
                state = JobState(op.resolved())
            elif state == JobState.DONE:
                op.succeeded()
            else:
                op.failed(job.error or {})
            done = state == JobState.DONE
            last: dict[str, Any] = {"percent": 100, "error": None} if done else {}
            released = locks.release(job)
            told = {"error": job.error} if job.error and not done else {}
            record_of_job(job, _PHASES[state], changes=op.changed(), **told)
            leases.save(
                job,
                heed_cancel=done and self._may_cancel(),
                state=state,
                lease=None,
                finished_at=timezone.now(),
                waiting_for="",
                note="",
                memo=op.memo,
                **last,
            )
        wake_after(job, released)

    def _stick(self, error: dict[str, Any]) -> None:
        """Leave the job to an operator. It keeps its locks, not its places. What made it stick while
        it undid or was resolved stands beside the error that led there."""
        job = self.job
        resume = {JobState.UNDOING: JobState.UNDOING, JobState.RESOLVING: job.resume_state}.get(
            JobState(job.state), JobState.PENDING
        )
        first = job.error if job.error and job.state != JobState.PENDING else None
        with transaction.atomic():
            record_of_job(job, Event.Phase.STUCK, error=error)
            freed = locks.release_slots(job)
            leases.save(
                job,
                state=JobState.STUCK,
                resume_state=resume,
                error={**first, "stuck_by": error} if first else error,
                lease=None,
                waiting_for="",
                note="",
            )
        wake_waiters([*freed, f"job:{job.uuid}"])


_PHASES = {
    JobState.DONE: Event.Phase.DONE,
    JobState.FAILED: Event.Phase.FAILED,
    JobState.CANCELLED: Event.Phase.CANCELLED,
}


def backoff(retries: int) -> float:
    """Seconds before the next try: doubled each time, a minute at most."""
    return float(min(60.0, settings.JOB_RETRY_SECONDS * 2**retries))


def describe(error: Exception) -> dict[str, Any]:
    """An error as a job keeps it: a stable code, the parameters of its words, and the detail for
    an operator. What we did not foresee is "internal", with its type only."""
    if isinstance(error, CloudError | DriverError):
        params = {key: value for key, value in error.params.items() if isinstance(value, str | int | float)}
        described = {"code": error.code, "params": params, "technical": error.technical[:2000]}
        explanation = getattr(error, "explanation", None)
        return {**described, "explanation": explanation} if explanation else described
    return {"code": "internal", "params": {}, "technical": type(error).__name__}
