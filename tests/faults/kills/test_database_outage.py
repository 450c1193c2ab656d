"""PostgreSQL goes away under work and comes back: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap.postgres import PrivatePostgres
from tests.faults.kills.work import ENVIRONMENT
from tests.stack import ApiError, Stack
from workers.drivers.simulator.control import Simulator

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

ZONE = """
import json
from tests import factories
from apps.accounts.models import Account
zone = factories.make_zone(hosts=3)
template = factories.make_template(zone, Account.objects.get(name="admin"))
offering = factories.make_offering(1, 512)
print(json.dumps({row._meta.model_name: str(row.uuid) for row in (zone, template, offering)}))
"""
FINDINGS = """
import json
from apps.jobs.models import JobLock, JobSlot
from apps.compute.placement import recount
from apps.zones.models import Host
print(json.dumps({
    "drift": [str(drift) for drift in recount()],
    "locks": JobLock.objects.count(),
    "places": JobSlot.objects.exclude(job=None).count(),
    "vcpus": sum(Host.objects.values_list("allocated_vcpus", flat=True)),
}))
"""


@pytest.fixture
def server() -> Iterator[PrivatePostgres]:
    """A server that this test may stop: nobody else's."""
    with PrivatePostgres() as server:
        yield server


def test_postgresql_killed_and_restarted_under_work_loses_nothing(server: PrivatePostgres) -> None:
    with tempfile.TemporaryDirectory(prefix="cpkills-") as folder:
        place = Path(folder) / "stack"
        with Stack(place, postgres_url=server.url, environment=ENVIRONMENT) as stack:
            ids = json.loads(stack.python(ZONE))
            simulator = Simulator(str(stack.var / "simulator.sqlite3"))
            simulator.use_profile("demo")
            answers = [deploy(stack, ids, f"web-{number}") for number in range(12)]
            stack.wait(lambda: busy(stack), "deploys are under way")
            server.stop()
            server.start()
            stack.wait(lambda: answered(stack), "the portal answers again")
            answers.append(deploy(stack, ids, "after"))
            for answer in answers:
                job = stack.job(answer, seconds=180)
                assert job["state"] == "done", (job, stack.logs())
            assert json.loads(stack.python(FINDINGS)) == {"drift": [], "locks": 0, "places": 0, "vcpus": 13}
            world = simulator.world()
            assert len(world.machines) == len(world.volumes) == len(world.seeds) == 13
            assert {row[3] for row in world.machines} == {"running"}
            assert simulator.violations() == []


def deploy(stack: Stack, ids: dict[str, str], name: str) -> Any:
    body = {
        "name": name,
        "zone": ids["zone"],
        "template": ids["template"],
        "offering": ids["serviceoffering"],
    }
    return stack.post("virtual-machines/", body)


def busy(stack: Stack) -> bool:
    """At least one deploy is done and another one is in the middle of its steps."""
    jobs = stack.get("jobs/?limit=100")["results"]
    return {"done", "pending"} <= {job["state"] for job in jobs if job["kind"] == "vm.deploy"}


def answered(stack: Stack) -> bool:
    try:
        stack.get("me/")
    except (ApiError, OSError):
        return False
    return True
