"""A job's steps as people and programs follow them."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.messages import step_label
from apps.jobs.models import Job, JobState
from apps.jobs.usual import usual_seconds

STEP_STATES = ("done", "now", "next", "undone", "failed")
_MARKS = frozenset({"PointOfNoReturn"})
_ENDED_EARLY = frozenset({JobState.UNDOING, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class StepNow:
    """`state` is one of STEP_STATES: "undone" was taken back, "failed" is where the job could not go on."""

    name: str
    label: str
    state: str
    seconds: float | None
    usual_seconds: float | None


def steps_of(job: Job) -> list[StepNow]:
    """The job's steps in order, with what each took and what it usually takes. Before a worker has
    written the plan, the steps of the last job of this kind that worked."""
    plan: list[str] = job.plan
    if not plan:
        done = Job.objects.filter(kind=job.kind, state=JobState.DONE).order_by("-finished_at")
        plan = done.values_list("plan", flat=True).first() or []
    usual = usual_seconds(job.kind)
    return [
        StepNow(name, step_label(name), state, job.timings.get(name), usual.get(name))
        for name, state in zip(plan, _states(job, plan), strict=True)
        if name not in _MARKS
    ]


def _states(job: Job, plan: list[str]) -> list[str]:
    begun = len(job.trail)
    states = ["done"] * (begun - job.midstep) + ["now"] * job.midstep
    states = states[: len(plan)] + ["next"] * (len(plan) - len(states))
    if job.state == JobState.STUCK and job.midstep:
        states[begun - 1] = "failed"
    if job.state in _ENDED_EARLY:
        untried = next((n for n, name in enumerate(plan) if name not in job.timings), len(plan))
        for number in range(begun, min(untried, len(plan))):
            states[number] = "undone"
        if job.state == JobState.FAILED and untried < len(plan):
            states[untried] = "failed"
    return states
