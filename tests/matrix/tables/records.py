"""Jobs and events."""

from __future__ import annotations

from apps.jobs.models import Job, JobState
from tests.matrix.groups import (
    EVERYBODY,
    JOB_MEND,
    MACHINE_READ,
    MACHINE_WRITE,
    PEOPLE_GOVERN,
)
from tests.matrix.line import At, Line


def stuck(at: At) -> None:
    Job.objects.filter(pk=at["job"].pk).update(state=JobState.STUCK, resume_state=JobState.PENDING)


# That nobody may who runs a part alone.
ERASE = PEOPLE_GOVERN.but(
    simple=".......",
    domain_admin="----...",
    user="-......",
    other=".......",
    expired=".......",
    limited="-......",
)
JOB = "jobs/{job}/"

LINES = [
    Line("GET", "jobs/?limit=200", MACHINE_READ, shown="job"),
    Line("GET", JOB, MACHINE_READ),
    Line("POST", f"{JOB}cancel/", MACHINE_WRITE.but(simple="......+")),
    Line("GET", f"{JOB}world/", JOB_MEND, prepare=stuck),
    Line("POST", f"{JOB}retry/", JOB_MEND, prepare=stuck),
    Line("POST", f"{JOB}resolve/", JOB_MEND, prepare=stuck),
    Line("GET", "events/?limit=200", MACHINE_READ, shown="event"),
    Line("GET", "events/?limit=200&target_type=virtual-machine", MACHINE_READ, shown="event"),
    Line("GET", "events/stream/", MACHINE_READ, shown="event"),
    Line("GET", "events/{event}/", MACHINE_READ),
    Line("GET", "events/seals/", EVERYBODY),
    Line("POST", "events/erase-names/", ERASE, lambda at: {"user": at.id("person")}),
]
