"""Toy operations, and the hand that drives jobs without a broker, a clock or a host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.jobs import kinds, services
from apps.jobs.kinds import JobKind
from apps.jobs.models import Job, JobState
from workers import engine
from workers.operation import Operation, Outcome, Step

SYSTEM = Actor.system("a test")


class Killed(BaseException):
    """The worker's process is gone: nothing in the engine may catch this."""


class NoRestError(AssertionError):
    """A job that is claimed again and again and never ends."""


Act = Callable[[Any], Any]


@dataclass
class Journal:
    """What steps did, in order: "do A", "undo A"."""

    entries: list[str] = field(default_factory=list)

    def step(
        self,
        name: str,
        do: Act | None = None,
        undo: Act | None = None,
        *,
        atomic: bool = False,
    ) -> type[Step]:
        """A step that notes in the journal and then does what it is told."""
        journal = self

        def did(_step: Step, op: Any) -> Outcome:
            journal.entries.append(f"do {name}")
            return do(op) if do else None

        def undid(_step: Step, op: Any) -> Outcome:
            journal.entries.append(f"undo {name}")
            return undo(op) if undo else None

        return type(name, (Step,), {"do": did, "undo": undid, "atomic": atomic})


def operation(
    kind: str, *steps: type[Step], job_kind: JobKind | None = None, **members: Any
) -> type[Operation]:
    """Register a toy operation and its kind; the `toys` fixture takes both back."""
    kinds.register(job_kind or JobKind(kind, kind))
    return type("Toy", (Operation,), {"kind": kind, "steps": steps, **members})


def error_of(job: Job) -> dict[str, Any]:
    assert job.error is not None
    error: dict[str, Any] = job.error
    return error


def submit(kind: str, account: Account, **options: Any) -> Job:
    return services.submit(SYSTEM, kind, account, account=account, **options)


def make_due(*jobs: Job) -> None:
    """Let time pass: what these jobs wait for is over, leases of dead workers have run out."""
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(due=timezone.now() - timedelta(seconds=1))


def run(job: Job) -> Job:
    """One claim, whatever the time; a worker that dies in it is simply gone."""
    make_due(job)
    with suppress(Killed):
        engine.run(job.pk)
    job.refresh_from_db()
    return job


def drive(job: Job, *others: Job, rounds: int = 60) -> Job:
    """Claim the jobs in turn until none of them is active."""
    jobs: Sequence[Job] = (job, *others)
    for _ in range(rounds):
        for one in jobs:
            run(one)
        if not any(JobState(one.state) in Job.ACTIVE for one in jobs):
            return job
    raise NoRestError(
        f"after {rounds} claims: {[(one.kind, one.state, one.trail, one.error) for one in jobs]}"
    )


def raising(error: BaseException, *, times: int | None = 1) -> Act:
    """An act that fails so many times (None: always) and then works."""
    left = [times]

    def act(_op: Any) -> Outcome:
        if left[0] is None:
            raise error
        if left[0] > 0:
            left[0] -= 1
            raise error
        return None

    return act
