"""A job's steps as a person follows them: done, under way, to come, with how long each takes."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.messages import Explanation, explain, note_text, step_label
from apps.jobs.models import Job, JobState
from apps.jobs.usual import usual_seconds


@dataclass(frozen=True)
class StepRow:
    label: str
    state: str  # "done", "now", "next"
    seconds: float | None
    usual: float | None


@dataclass(frozen=True)
class Progress:
    steps: list[StepRow]
    note: str
    error: Explanation | None
    technical: str
    waiting: bool


def progress_of(job: Job) -> Progress:
    usual = usual_seconds(job.kind)
    begun = len(job.trail)
    rows = []
    for index, name in enumerate(job.plan):
        if name == "PointOfNoReturn":
            continue
        state = "done" if index < begun - job.midstep else "now" if index < begun else "next"
        rows.append(StepRow(step_label(name), state, job.timings.get(name), usual.get(name)))
    error = explain(job.error["code"], job.error.get("params", {})) if job.error else None
    technical = (job.error or {}).get("technical", "")
    return Progress(rows, note_text(job.note), error, technical, job.state == JobState.WAITING)
