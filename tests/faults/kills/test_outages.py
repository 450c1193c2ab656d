"""What everything stands on goes away and comes back: the broker, the clock, a host."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud import LabCloud
from tests.faults.kills.work import Watch, audit, kill

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


def test_without_redis_requests_answer_and_run_once_it_is_back(cloud: LabCloud) -> None:
    stack = cloud.stack
    stack.redis.__exit__()
    try:
        answers = [stack.post("virtual-machines/", cloud.request(f"web-{n}")) for n in range(3)]
        jobs = [stack.get(f"jobs/{answer['job']['id']}/") for answer in answers]
        assert [job["state"] for job in jobs] == ["pending"] * 3
        assert [job["started_at"] for job in jobs] == [None] * 3
    finally:
        stack.redis.__enter__()
    for answer in answers:
        job = stack.job(answer, seconds=120)
        assert job["state"] == "done", (job, stack.logs())
    audit(cloud, running=3)


def test_redis_killed_and_restarted_under_work_loses_nothing(cloud: LabCloud) -> None:
    stack, watch = cloud.stack, Watch(cloud.stack)
    answers = [stack.post("virtual-machines/", cloud.request(f"web-{n}")) for n in range(4)]
    assert watch.caught_inside(answer["job"]["id"] for answer in answers)
    stack.redis.__exit__()
    stack.redis.__enter__()
    for answer in answers:
        job = stack.job(answer, seconds=180)
        assert job["state"] == "done", (job, stack.logs())
    audit(cloud, running=4)


@pytest.mark.parametrize("name", ["beat", "sync"])
def test_without_the_sweep_for_a_while_nothing_is_lost(cloud: LabCloud, name: str) -> None:
    """A worker dies while nobody sweeps; its job goes on once someone does again."""
    stack, watch = cloud.stack, Watch(cloud.stack)
    stack.end(name, signal.SIGKILL)
    try:
        answer = stack.post("virtual-machines/", cloud.request("web"))
        assert watch.caught_inside([answer["job"]["id"]])
        kill(stack, "short")
    finally:
        stack.revive(name)
    job = stack.job(answer, seconds=120)
    assert job["state"] == "done", (job, stack.logs())
    audit(cloud, running=1)


@pytest.fixture
def pinned_to_last_host(cloud: LabCloud) -> Iterator[dict[str, Any]]:
    """A request for the last of the lab's hosts, which is whole again at the end."""
    host = cloud.hosts[-1]
    request = cloud.request("there", strategy="pinned", host=host["id"])
    yield request
    cloud.lab.hosts[-1].revive()
    cloud.stack.wait(
        lambda: cloud.stack.get(f"hosts/{host['id']}/")["state"] == "Up", "the host is up again", seconds=120
    )


def test_jobs_of_a_host_that_is_down_retry_and_say_so_while_others_go_on(
    cloud: LabCloud, pinned_to_last_host: dict[str, Any]
) -> None:
    stack, host = cloud.stack, cloud.lab.hosts[-1]
    cloud.deploy("before")
    answer = stack.post("virtual-machines/", pinned_to_last_host)
    assert Watch(stack).caught_inside([answer["job"]["id"]])
    host.pause()
    kill(stack, "short")

    def says_so() -> Any:
        job = stack.get(f"jobs/{answer['job']['id']}/")
        return job if job["error"] else None

    job = stack.wait(says_so, "the job says what it waits for", seconds=120)
    assert job["state"] == "pending", job
    assert job["error"]["code"] in {"host_unreachable", "host_timeout"}
    elsewhere = cloud.request("elsewhere", strategy="pinned", host=cloud.hosts[0]["id"])
    assert stack.job(stack.post("virtual-machines/", elsewhere), seconds=120)["state"] == "done"
    host.revive()
    ended = stack.job(answer, seconds=180)
    assert ended["state"] == "done", (ended, stack.logs())
    audit(cloud, running=3)
