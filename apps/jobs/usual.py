"""What a step usually takes: the median of the last runs that worked."""

from __future__ import annotations

import time
from statistics import median

from apps.jobs.models import Job, JobState

RUNS = 20
KEEP_SECONDS = 30.0
_kept: dict[str, tuple[float, dict[str, float]]] = {}


def usual_seconds(kind: str) -> dict[str, float]:
    """Step name -> median seconds over the last RUNS done jobs of the kind; kept for half a minute."""
    kept = _kept.get(kind)
    if kept and time.monotonic() - kept[0] < KEEP_SECONDS:
        return kept[1]
    done = Job.objects.filter(kind=kind, state=JobState.DONE).order_by("-finished_at")
    samples: dict[str, list[float]] = {}
    for timings in done.values_list("timings", flat=True)[:RUNS]:
        for name, seconds in timings.items():
            samples.setdefault(name, []).append(seconds)
    usual = {name: round(median(values), 3) for name, values in samples.items()}
    _kept[kind] = (time.monotonic(), usual)
    return usual
