"""The hypervisor contract: what operations rely on, whichever hypervisor is behind it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.drivers.contract.kit import HostKit
from workers.drivers import connect
from workers.drivers.base import DiskSpec, Power
from workers.drivers.errors import HypervisorRefused, MachineNotFound, ObjectMissing


def test_a_defined_machine_is_ours_and_off(kit: HostKit) -> None:
    spec = kit.spec()
    kit.hypervisor.define(spec)
    (state,) = [state for state in kit.hypervisor.states() if state.uuid == spec.uuid]
    assert (state.name, state.power, state.ours) == (spec.name, Power.OFF, True)


def test_defining_twice_leaves_one_machine(kit: HostKit) -> None:
    spec = kit.spec()
    kit.hypervisor.define(spec)
    kit.hypervisor.define(spec)
    assert [state.uuid for state in kit.hypervisor.states()].count(spec.uuid) == 1


def test_a_new_definition_replaces_the_old_one(kit: HostKit) -> None:
    spec = kit.spec()
    missing = replace(spec, disks=(DiskSpec(kit.storage.path(kit.name("vol"))),))
    kit.hypervisor.define(missing)
    kit.hypervisor.define(spec)
    kit.hypervisor.start(spec.uuid)
    assert kit.power(spec.uuid) is Power.RUNNING


def test_a_running_machine_that_is_defined_again_keeps_running(kit: HostKit) -> None:
    spec = kit.spec()
    kit.hypervisor.define(spec)
    kit.hypervisor.start(spec.uuid)
    kit.hypervisor.define(replace(spec, memory_mib=96))
    assert kit.power(spec.uuid) is Power.RUNNING
    kit.hypervisor.destroy(spec.uuid)
    kit.hypervisor.start(spec.uuid)
    assert kit.power(spec.uuid) is Power.RUNNING


def test_a_machine_cannot_be_renamed(kit: HostKit) -> None:
    spec = kit.spec()
    kit.hypervisor.define(spec)
    with pytest.raises(HypervisorRefused):
        kit.hypervisor.define(replace(spec, name=f"i-{uuid4()}"))
    assert spec.name in {state.name for state in kit.hypervisor.states()}


def test_a_name_belongs_to_one_machine_of_a_host(kit: HostKit) -> None:
    first, second = kit.spec(), kit.spec()
    kit.hypervisor.define(first)
    with pytest.raises(HypervisorRefused):
        kit.hypervisor.define(replace(second, name=first.name))
    assert kit.power(second.uuid) is None


def test_a_title_may_hold_any_markup(kit: HostKit) -> None:
    machine = kit.machine(title="]]></title><&amp;\"' $(reboot) Ωμέγα")
    assert kit.power(machine) is Power.OFF


def test_another_connection_sees_the_same_machines(kit: HostKit) -> None:
    machine = kit.running()
    states = connect.hypervisor(kit.host).states()
    assert [state.power for state in states if state.uuid == machine] == [Power.RUNNING]


def test_an_unknown_machine_cannot_be_started(kit: HostKit) -> None:
    with pytest.raises(MachineNotFound):
        kit.hypervisor.start(uuid4())


def test_starting_a_running_machine_changes_nothing(kit: HostKit) -> None:
    machine = kit.running()
    kit.hypervisor.start(machine)
    kit.hypervisor.start(machine, paused=True)
    assert kit.power(machine) is Power.RUNNING


def test_a_machine_can_be_started_paused_and_then_let_run(kit: HostKit) -> None:
    machine = kit.machine()
    kit.hypervisor.start(machine, paused=True)
    assert kit.power(machine) is Power.PAUSED
    kit.hypervisor.start(machine, paused=True)
    assert kit.power(machine) is Power.PAUSED
    kit.hypervisor.start(machine)
    assert kit.power(machine) is Power.RUNNING


def test_a_machine_whose_disk_is_missing_does_not_start(kit: HostKit) -> None:
    machine = kit.machine(volume=kit.name("vol"))
    with pytest.raises(ObjectMissing):
        kit.hypervisor.start(machine)
    assert kit.power(machine) is Power.OFF


def test_a_disk_is_never_written_by_two_running_machines(kit: HostKit) -> None:
    volume = kit.volume()
    first, second = kit.machine(volume=volume), kit.machine(volume=volume)
    kit.hypervisor.start(first)
    with pytest.raises(HypervisorRefused):
        kit.hypervisor.start(second)
    assert (kit.power(first), kit.power(second)) == (Power.RUNNING, Power.OFF)


def test_a_disk_can_be_used_again_once_its_machine_is_off(kit: HostKit) -> None:
    volume = kit.volume()
    first, second = kit.machine(volume=volume), kit.machine(volume=volume)
    kit.hypervisor.start(first)
    kit.hypervisor.destroy(first)
    kit.hypervisor.start(second)
    assert kit.power(second) is Power.RUNNING


def test_a_seed_is_a_read_only_disk_beside_the_root_disk(kit: HostKit) -> None:
    seed = kit.name("seed")
    kit.storage.write_seed(seed, bytes(2048))
    root = DiskSpec(kit.storage.path(kit.volume()))
    machine = kit.machine(disks=(root, DiskSpec(kit.storage.path(seed), format="raw", read_only=True)))
    kit.hypervisor.start(machine)
    assert kit.power(machine) is Power.RUNNING


def test_asking_a_machine_that_is_off_to_shut_down_changes_nothing(kit: HostKit) -> None:
    machine = kit.machine()
    kit.hypervisor.shutdown(machine)
    assert kit.power(machine) is Power.OFF


def test_asking_a_running_machine_to_shut_down_may_be_repeated(kit: HostKit) -> None:
    machine = kit.running()
    kit.hypervisor.shutdown(machine)
    kit.hypervisor.shutdown(machine)
    assert kit.power(machine) in (Power.RUNNING, Power.OFF)


def test_an_unknown_machine_cannot_be_asked_to_shut_down(kit: HostKit) -> None:
    with pytest.raises(MachineNotFound):
        kit.hypervisor.shutdown(uuid4())


def test_a_reset_machine_runs(kit: HostKit) -> None:
    machine = kit.running()
    kit.hypervisor.reset(machine)
    kit.hypervisor.reset(machine)
    assert kit.power(machine) is Power.RUNNING


def test_a_machine_that_is_off_has_no_reset_button(kit: HostKit) -> None:
    machine = kit.machine()
    with pytest.raises(HypervisorRefused):
        kit.hypervisor.reset(machine)
    assert kit.power(machine) is Power.OFF


def test_an_unknown_machine_cannot_be_reset(kit: HostKit) -> None:
    with pytest.raises(MachineNotFound):
        kit.hypervisor.reset(uuid4())


@pytest.mark.parametrize("paused", [False, True])
def test_a_machine_that_is_destroyed_is_off_and_still_defined(kit: HostKit, paused: bool) -> None:
    machine = kit.machine()
    kit.hypervisor.start(machine, paused=paused)
    kit.hypervisor.destroy(machine)
    assert kit.power(machine) is Power.OFF
    kit.hypervisor.destroy(machine)
    assert kit.power(machine) is Power.OFF


def test_a_destroyed_machine_starts_again(kit: HostKit) -> None:
    machine = kit.running()
    kit.hypervisor.destroy(machine)
    kit.hypervisor.start(machine)
    assert kit.power(machine) is Power.RUNNING


def test_destroying_an_unknown_machine_changes_nothing(kit: HostKit) -> None:
    before = kit.hypervisor.states()
    kit.hypervisor.destroy(uuid4())
    assert {state.uuid for state in kit.hypervisor.states()} == {state.uuid for state in before}


def test_an_undefined_machine_is_forgotten(kit: HostKit) -> None:
    machine = kit.machine()
    kit.hypervisor.undefine(machine)
    kit.hypervisor.undefine(machine)
    assert kit.power(machine) is None
    with pytest.raises(MachineNotFound):
        kit.hypervisor.start(machine)


def test_an_undefined_machine_can_be_defined_again(kit: HostKit) -> None:
    spec = kit.spec()
    kit.hypervisor.define(spec)
    kit.hypervisor.start(spec.uuid)
    kit.hypervisor.destroy(spec.uuid)
    kit.hypervisor.undefine(spec.uuid)
    kit.hypervisor.define(spec)
    kit.hypervisor.start(spec.uuid)
    assert kit.power(spec.uuid) is Power.RUNNING


@pytest.mark.parametrize("paused", [False, True])
def test_only_a_machine_that_is_off_can_be_undefined(kit: HostKit, paused: bool) -> None:
    machine = kit.machine()
    kit.hypervisor.start(machine, paused=paused)
    with pytest.raises(HypervisorRefused):
        kit.hypervisor.undefine(machine)
    kit.hypervisor.destroy(machine)
    assert kit.power(machine) is Power.OFF


def test_undefining_leaves_the_disks(kit: HostKit) -> None:
    volume = kit.volume()
    machine = kit.machine(volume=volume)
    kit.hypervisor.undefine(machine)
    assert volume in kit.storage.names()


def test_one_report_holds_every_machine_ours_or_not(kit: HostKit) -> None:
    foreign = kit.add_foreign()
    off, running, paused = kit.machine(), kit.running(), kit.machine()
    kit.hypervisor.start(paused, paused=True)
    report = {state.uuid: (state.power, state.ours) for state in kit.hypervisor.states()}
    assert report[foreign] == (Power.RUNNING, False)
    assert report[off] == (Power.OFF, True)
    assert report[running] == (Power.RUNNING, True)
    assert report[paused] == (Power.PAUSED, True)


def test_a_host_says_what_it_is_made_of(kit: HostKit) -> None:
    facts = kit.hypervisor.facts()
    assert facts.hostname == kit.host.name
    assert facts.arch == "x86_64"
    assert min(facts.cpu_cores, facts.cpu_mhz, facts.memory_mib) > 0
    assert facts.cpu_model
    assert facts.hypervisor_version
    assert kit.accelerator in facts.accelerators
    assert kit.hypervisor.facts() == facts


def test_a_machine_that_never_started_has_said_nothing(kit: HostKit) -> None:
    machine = kit.machine()
    assert kit.hypervisor.console_log(machine) == b""
    assert kit.hypervisor.console_log(uuid4()) == b""


def test_a_console_log_is_cut_to_its_end(kit: HostKit) -> None:
    machine = kit.running()
    whole = kit.hypervisor.console_log(machine)
    assert kit.hypervisor.console_log(machine, limit_bytes=10) == whole[-10:]


def test_a_console_log_can_be_removed_for_good(kit: HostKit) -> None:
    machine = kit.running()
    kit.hypervisor.destroy(machine)
    kit.hypervisor.undefine(machine)
    kit.hypervisor.remove_console_log(machine)
    kit.hypervisor.remove_console_log(machine)
    assert kit.hypervisor.console_log(machine) == b""


def test_starting_from_many_threads_starts_once(kit: HostKit) -> None:
    machine = kit.machine()
    with ThreadPoolExecutor(4) as pool:
        for outcome in [pool.submit(kit.hypervisor.start, machine) for _ in range(4)]:
            outcome.result()
    assert kit.power(machine) is Power.RUNNING


def test_destroying_from_many_threads_is_as_destroying_once(kit: HostKit) -> None:
    machine = kit.running()
    with ThreadPoolExecutor(4) as pool:
        for outcome in [pool.submit(kit.hypervisor.destroy, machine) for _ in range(4)]:
            outcome.result()
    assert kit.power(machine) is Power.OFF


def test_defining_from_many_threads_leaves_one_machine(kit: HostKit) -> None:
    spec = kit.spec()
    with ThreadPoolExecutor(4) as pool:
        for outcome in [pool.submit(kit.hypervisor.define, spec) for _ in range(4)]:
            outcome.result()
    assert [state.uuid for state in kit.hypervisor.states()].count(spec.uuid) == 1


def test_different_machines_are_worked_on_at_once(kit: HostKit) -> None:
    machines = [kit.machine() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(kit.hypervisor.start, machines))
        assert {kit.power(machine) for machine in machines} == {Power.RUNNING}
        list(pool.map(kit.hypervisor.destroy, machines))
    assert {kit.power(machine) for machine in machines} == {Power.OFF}
