"""How far a launch is, read from its rows and their jobs."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.jobs.models import Job, JobLock, JobState
from apps.launch.models import Launch
from apps.launch.progress import progress_of
from apps.zones.models import Host, HostState
from apps.zones.services import reconnect_host
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OPERATOR = Actor.system("a test")


def test_of_all_the_jobs_of_a_host_only_the_last_is_read_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = factories.make_zone(hosts=2)
    hosts = list(Host.objects.order_by("id"))
    launch = Launch.objects.create(zone=zone, parts={"hosts": [str(host.uuid) for host in hosts]})
    last = {}
    for _time in range(3):
        for host in hosts:
            job = last[host.uuid] = reconnect_host(OPERATOR, host)
            Job.objects.filter(pk=job.pk).update(state=JobState.FAILED, finished_at=job.created_at)
            JobLock.objects.all().delete()
    Host.objects.update(state=HostState.DISCONNECTED)
    read: list[Any] = []
    made = Job.from_db.__func__  # type: ignore[attr-defined]

    def counted(cls: type[Job], *row: Any) -> Job:
        read.append(row)
        found: Job = made(cls, *row)
        return found

    monkeypatch.setattr(Job, "from_db", classmethod(counted))
    (stage, *_others) = progress_of(launch).stages
    assert {part.uuid: part.job for part in stage.parts} == last
    assert len(read) == 2
