"""Host sync: what is written, what follows, and what is never touched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.compute.models import StrayMachine, VirtualMachine
from apps.compute.states import PowerState, State
from apps.jobs.models import Event, Job
from apps.zones.models import Host, HostState
from tests.factories import make_account, make_vm, make_zone
from tests.workers.fixtures import Sent
from tests.workers.toys import Journal, operation, raising, run, submit
from workers import sync
from workers.drivers.base import MachineState, Power
from workers.drivers.errors import HostUnreachable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sent")]
BEGUN = timezone.now() - timedelta(hours=1)


@pytest.fixture
def hosts() -> list[Host]:
    return list(Host.objects.filter(zone=make_zone(hosts=2)).order_by("pk"))


def vm_in(state: State, host: Host | None, *, last_host: Host | None = None) -> VirtualMachine:
    """A machine that has been in this state for an hour."""
    zone = (host or last_host or Host.objects.all()[0]).zone
    vm = make_vm(zone, state=state)
    VirtualMachine.objects.filter(pk=vm.pk).update(
        host=host, pod=host.pod if host else None, last_host=last_host, state_changed_at=BEGUN
    )
    vm.refresh_from_db()
    return vm


def seen(vm: VirtualMachine, power: Power) -> MachineState:
    return MachineState(vm.uuid, vm.machine_name, power, ours=True)


def report(host: Host, *states: MachineState, at: datetime | None = None) -> None:
    sync.apply_report(Host.objects.get(pk=host.pk), at or timezone.now(), states)


def followed() -> list[UUID]:
    return list(Job.objects.filter(kind="vm.record_power").values_list("target_uuid", flat=True))


ON, PAUSED, OFF, UNKNOWN, GONE = Power.RUNNING, Power.PAUSED, Power.OFF, Power.UNKNOWN, None
ACTS: dict[State, set[Power | None]] = {
    State.STARTING: set(),
    State.RUNNING: {OFF, GONE},
    State.STOPPING: set(),
    State.MIGRATING: set(),
    State.STOPPED: {ON, PAUSED, OFF, UNKNOWN},
    State.DESTROYED: {ON, PAUSED, OFF, UNKNOWN},
    State.EXPUNGING: set(),
    State.ERROR: set(),
}
"""State -> what a host says twice that makes us look closer."""
HELD = {State.STARTING, State.RUNNING, State.STOPPING, State.MIGRATING}


@pytest.mark.parametrize("observed", [ON, PAUSED, OFF, UNKNOWN, GONE], ids=str)
@pytest.mark.parametrize("state", list(State))
def test_what_two_reports_lead_to(hosts: list[Host], state: State, observed: Power | None) -> None:
    vm = vm_in(state, hosts[0] if state in HELD else None, last_host=hosts[0])
    states: Sequence[MachineState] = [seen(vm, observed)] if observed else []
    report(hosts[0], *states)
    assert followed() == []
    report(hosts[0], *states)
    assert followed() == ([vm.uuid] if observed in ACTS[state] else [])
    assert VirtualMachine.objects.get(pk=vm.pk).state == state


def test_what_follows_is_asked_for_once(hosts: list[Host]) -> None:
    vm = vm_in(State.RUNNING, hosts[0])
    for _ in range(5):
        report(hosts[0])
    assert followed() == [vm.uuid]
    assert Job.objects.get().locks.get().key == f"vm:{vm.uuid}"


def test_reports_that_disagree_lead_to_nothing(hosts: list[Host]) -> None:
    vm = vm_in(State.RUNNING, hosts[0])
    for power in (OFF, ON, OFF, ON):
        report(hosts[0], seen(vm, power))
    assert followed() == []


def test_a_report_counts_each_time_anew_after_a_change_of_state(hosts: list[Host]) -> None:
    vm = vm_in(State.STOPPED, None, last_host=hosts[0])
    report(hosts[0], seen(vm, OFF))
    vm.refresh_from_db()
    vm.move_to(State.STARTING)
    vm.move_to(State.STOPPED)
    report(hosts[0], seen(vm, OFF))
    assert followed() == []


def test_a_report_from_before_the_last_change_says_nothing(hosts: list[Host]) -> None:
    """It was taken while the machine still ran, and arrives after it was started elsewhere again."""
    vm = vm_in(State.RUNNING, hosts[0])
    before = timezone.now()
    VirtualMachine.objects.filter(pk=vm.pk).update(state_changed_at=timezone.now())
    for _ in range(3):
        report(hosts[0], at=before)
    vm.refresh_from_db()
    assert (vm.power_state, vm.power_agreed) == (PowerState.UNKNOWN, 0)
    assert followed() == []


def test_reports_that_arrive_out_of_order_do_not_count_twice(hosts: list[Host]) -> None:
    vm = vm_in(State.RUNNING, hosts[0])
    now = timezone.now()
    report(hosts[0], at=now)
    report(hosts[0], at=now - timedelta(seconds=5))
    report(hosts[0], at=now)
    vm.refresh_from_db()
    assert vm.power_agreed == 1
    assert followed() == []


def test_a_machine_in_a_jobs_hands_is_left_to_it(hosts: list[Host], journal: Journal) -> None:
    vm = vm_in(State.RUNNING, hosts[0])
    operation("toy.reboot", journal.step("A"))
    job = submit("toy.reboot", vm.account, lock_keys=[f"vm:{vm.uuid}"])
    for _ in range(3):
        report(hosts[0])
    assert followed() == []
    run(job)
    report(hosts[0])
    assert followed() == [vm.uuid]


def test_what_a_host_says_is_written(hosts: list[Host]) -> None:
    vms = {power: vm_in(State.RUNNING, hosts[0]) for power in (ON, PAUSED, OFF)}
    gone = vm_in(State.RUNNING, hosts[0])
    report(hosts[0], *(seen(vm, power) for power, vm in vms.items()))
    for power, vm in vms.items():
        vm.refresh_from_db()
        assert vm.power_state == power
        assert vm.power_observed_at is not None
    gone.refresh_from_db()
    assert gone.power_state == PowerState.MISSING


def test_a_machine_that_was_put_away_is_not_shown_as_on(hosts: list[Host]) -> None:
    vm = vm_in(State.STOPPED, None, last_host=hosts[0])
    VirtualMachine.objects.filter(pk=vm.pk).update(power_state=PowerState.RUNNING)
    report(hosts[0])
    vm.refresh_from_db()
    assert vm.power_state == PowerState.MISSING
    assert followed() == []


def test_only_its_own_host_speaks_for_a_machine(hosts: list[Host]) -> None:
    vm = vm_in(State.RUNNING, hosts[0])
    for _ in range(3):
        report(hosts[1])
    vm.refresh_from_db()
    assert vm.power_state == PowerState.UNKNOWN
    assert followed() == []


def test_a_machine_of_ours_on_a_second_host_is_quarantined(hosts: list[Host]) -> None:
    vm = vm_in(State.RUNNING, hosts[0])
    for _ in range(3):
        report(hosts[1], seen(vm, ON))
    stray = StrayMachine.objects.get()
    assert (stray.host, stray.machine_uuid, stray.sightings) == (hosts[1], vm.uuid, 3)
    assert followed() == []


def test_a_machine_of_ours_without_a_row_is_shown_from_the_second_sighting_on(hosts: list[Host]) -> None:
    orphan = MachineState(uuid4(), "i-orphan", ON, ours=True)
    report(hosts[0], orphan)
    assert StrayMachine.objects.get().sightings == 1
    assert not Event.objects.filter(kind="host.stray_machine").exists()
    report(hosts[0], orphan)
    report(hosts[0], orphan)
    assert StrayMachine.objects.get().sightings == 3
    assert Event.objects.filter(kind="host.stray_machine").count() == 1
    assert not Job.objects.exists()


def test_a_stray_that_is_gone_is_forgotten(hosts: list[Host]) -> None:
    report(hosts[0], MachineState(uuid4(), "i-orphan", ON, ours=True))
    report(hosts[0])
    assert not StrayMachine.objects.exists()


def test_the_machine_of_a_failed_deploy_is_a_stray(hosts: list[Host]) -> None:
    vm = vm_in(State.ERROR, None)
    report(hosts[0], seen(vm, ON))
    assert StrayMachine.objects.get().machine_uuid == vm.uuid


def test_a_machine_that_is_not_ours_is_never_touched(hosts: list[Host]) -> None:
    """Not even if it bears the id of one of ours."""
    vm = vm_in(State.STOPPED, None, last_host=hosts[0])
    foreign = [MachineState(uuid, "theirs", ON, ours=False) for uuid in (uuid4(), vm.uuid)]
    for _ in range(3):
        report(hosts[0], *foreign)
    assert not StrayMachine.objects.exists()
    assert not Job.objects.exists()


def test_a_silent_host_is_disconnected_after_three_rounds(hosts: list[Host]) -> None:
    vm = vm_in(State.RUNNING, hosts[0])
    report(hosts[0], seen(vm, ON))
    states = []
    for _ in range(4):
        sync.note_silence(hosts[0], HostUnreachable("no route"))
        hosts[0].refresh_from_db()
        states.append(hosts[0].state)
    assert states == [HostState.UP, HostState.UP, HostState.DISCONNECTED, HostState.DISCONNECTED]
    assert hosts[0].state_reason == "host_unreachable"
    vm.refresh_from_db()
    assert (vm.state, vm.power_state) == (State.RUNNING, PowerState.UNKNOWN)
    assert Event.objects.filter(kind="host.disconnect").count() == 1
    assert followed() == []


def test_a_host_that_answers_again_is_up_and_its_jobs_are_woken(
    hosts: list[Host], journal: Journal, sent: Sent
) -> None:
    operation("toy.go", journal.step("A", raising(HostUnreachable("gone"), times=None)))
    job = run(submit("toy.go", make_account()))
    assert job.due > timezone.now()
    for _ in range(3):
        sync.note_silence(hosts[0], HostUnreachable("no route"))
    sent.clear()
    report(hosts[0])
    hosts[0].refresh_from_db()
    job.refresh_from_db()
    assert (hosts[0].state, hosts[0].missed_syncs, hosts[0].state_reason) == (HostState.UP, 0, "")
    assert Event.objects.filter(kind="host.reconnect").count() == 1
    assert job.due <= timezone.now()
    assert [args for task, args, _countdown in sent if task == "workers.run_job"] == [[job.pk]]


def test_a_host_that_was_never_known_does_not_come_up_by_answering(hosts: list[Host]) -> None:
    Host.objects.filter(pk=hosts[0].pk).update(state=HostState.DISCONNECTED, cpu_cores=0)
    report(hosts[0])
    hosts[0].refresh_from_db()
    assert hosts[0].state == HostState.DISCONNECTED


def test_a_host_that_was_removed_is_no_error(hosts: list[Host]) -> None:
    sync.sync_host(10**9)
    assert not Event.objects.filter(kind="host.disconnect").exists()


def test_a_round_costs_the_same_for_one_machine_and_for_many(hosts: list[Host]) -> None:
    def queries(vms: list[VirtualMachine]) -> int:
        with CaptureQueriesContext(connection) as captured:
            report(hosts[0], *(seen(vm, ON) for vm in vms))
        return len(captured)

    one = [vm_in(State.RUNNING, hosts[0])]
    few = queries(one)
    many = one + [vm_in(State.RUNNING, hosts[0]) for _ in range(30)]
    assert queries(many) <= few + 1
    assert queries(many) <= few + 1
    assert queries(many) <= few
