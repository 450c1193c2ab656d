"""The demo campus: rows and simulated world agree, and nobody has anything to mend."""

from __future__ import annotations

import pytest
from django.conf import settings

from apps.accounts.models import Account
from apps.compute import placement
from apps.compute.models import StrayMachine, VirtualMachine
from apps.compute.states import State
from apps.jobs.models import Job
from apps.zones.models import Host, HostState
from workers import sync
from workers.campus.build import build_campus
from workers.drivers.simulator.control import Simulator

MACHINES = 90


@pytest.fixture
def campus(transactional_db: None) -> Simulator:
    simulator = Simulator(str(settings.VAR / "simulator.sqlite3"))
    simulator.reset()
    build_campus(MACHINES)
    simulator.use_profile("none")
    return simulator


def test_the_campus_is_made_once_and_its_rows_counts_and_hosts_agree(campus: Simulator) -> None:
    assert Host.objects.filter(state=HostState.UP).count() == 40
    assert Account.objects.filter(name="Τμήμα Φυσικής").exists()
    assert set(VirtualMachine.objects.values_list("state", flat=True)) >= {State.RUNNING, State.STOPPED}
    assert build_campus(MACHINES) is None
    assert VirtualMachine.objects.count() == MACHINES
    assert placement.recount() == []
    dates = list(VirtualMachine.objects.order_by("id").values_list("created_at", flat=True))
    assert dates == sorted(dates)

    jobs = Job.objects.count()
    for _round in range(2):
        for pk in Host.objects.values_list("pk", flat=True):
            sync.sync_host(pk)
    assert Job.objects.count() == jobs
    assert not StrayMachine.objects.exists()
    running = {str(vm.uuid) for vm in VirtualMachine.objects.running()}
    assert {row[1] for row in campus.world().machines} == running
    assert campus.violations() == []
