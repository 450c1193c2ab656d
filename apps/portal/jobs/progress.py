"""A job as the component of steps shows it, with what it waits for and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.actor import Actor
from apps.core.messages import Explanation, explain_error, note_text
from apps.jobs.models import Job
from apps.jobs.steps import StepNow, steps_of


@dataclass(frozen=True)
class Progress:
    """`technical` is a driver's own words: for operators only. `stuck_by` is what made a job stick while
    it took back what `error` had led to."""

    steps: list[StepNow]
    note: str = ""
    error: Explanation | None = None
    technical: str = ""
    stuck_by: Explanation | None = None
    stuck_technical: str = ""


def progress_of(actor: Actor, job: Job) -> Progress:
    error = job.error or {}
    second = error.get("stuck_by") or {}
    return Progress(
        steps_of(job),
        "" if job.is_ended else note_text(job.note),
        explain_error(error) if error else None,
        str(error.get("technical", "")) if actor.is_operator else "",
        explain_error(second) if second else None,
        str(second.get("technical", "")) if actor.is_operator else "",
    )
