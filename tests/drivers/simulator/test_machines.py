"""What simulated guests and hosts do by themselves, and what is written down as harm."""

from __future__ import annotations

import math
from uuid import uuid4

import pytest

from tests.drivers.simulator.conftest import Cloud
from workers.drivers import connect
from workers.drivers.base import DiskSpec, NicSpec, PoolAddress, Power, TaskPhase
from workers.drivers.errors import HypervisorRefused, MachineNotFound, PoolFull
from workers.drivers.simulator.control import Violation


def kinds(cloud: Cloud) -> list[str]:
    return [violation.kind for violation in cloud.simulator.violations()]


def test_a_guest_answers_a_shutdown_at_once_by_default(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    connect.hypervisor(host).shutdown(spec.uuid)
    assert cloud.power(host, spec.uuid) is Power.OFF


def test_a_guest_takes_the_seconds_it_was_given_to_shut_down(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    cloud.simulator.set_durations(guest_shutdown_seconds=1000)
    connect.hypervisor(host).shutdown(spec.uuid)
    cloud.simulator.advance(900)
    connect.hypervisor(host).shutdown(spec.uuid)
    assert cloud.power(host, spec.uuid) is Power.RUNNING
    cloud.simulator.advance(101)
    assert cloud.power(host, spec.uuid) is Power.OFF


def test_time_can_be_counted_in_calls(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    cloud.simulator.set_durations(guest_shutdown_seconds=3000, tick_seconds=1000)
    connect.hypervisor(host).shutdown(spec.uuid)
    looks = [cloud.power(host, spec.uuid) for _ in range(4)]
    assert looks == [Power.RUNNING, Power.RUNNING, Power.OFF, Power.OFF]


def test_a_deaf_guest_never_answers(cloud: Cloud) -> None:
    host = cloud.host()
    deaf, hearing = cloud.running(host), cloud.running(host)
    cloud.simulator.set_deaf(deaf.uuid)
    for spec in (deaf, hearing):
        connect.hypervisor(host).shutdown(spec.uuid)
    assert cloud.power(host, deaf.uuid) is Power.RUNNING
    assert cloud.power(host, hearing.uuid) is Power.OFF
    cloud.simulator.set_durations(guest_shutdown_seconds=math.inf)
    connect.hypervisor(host).start(hearing.uuid)
    connect.hypervisor(host).shutdown(hearing.uuid)
    cloud.simulator.advance(1e9)
    assert cloud.power(host, hearing.uuid) is Power.RUNNING


def test_a_shutdown_asked_for_does_not_outlive_the_power(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    cloud.simulator.set_durations(guest_shutdown_seconds=1000)
    hypervisor = connect.hypervisor(host)
    hypervisor.shutdown(spec.uuid)
    hypervisor.destroy(spec.uuid)
    hypervisor.start(spec.uuid)
    cloud.simulator.advance(2000)
    assert cloud.power(host, spec.uuid) is Power.RUNNING


def test_a_guest_can_power_itself_off(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    cloud.simulator.power_off(spec.uuid)
    assert cloud.power(host, spec.uuid) is Power.OFF
    connect.hypervisor(host).start(spec.uuid)
    assert kinds(cloud) == []


def test_a_host_that_loses_power_has_its_machines_off_and_its_tasks_gone(cloud: Cloud) -> None:
    lost, other = cloud.host(), cloud.host()
    first, second = cloud.running(lost), cloud.running(other)
    cloud.simulator.set_durations(import_seconds=1000, task_seconds=1000)
    connect.tasks(lost).start("t", ["true"])
    storage = connect.primary_storage(lost, cloud.pool)
    used = storage.facts().used_bytes
    storage.import_image("copy", "/src", "tpl-large", 10**9)
    cloud.simulator.crash_host(lost.uuid)
    assert cloud.power(lost, first.uuid) is Power.OFF
    assert cloud.power(other, second.uuid) is Power.RUNNING
    assert connect.tasks(lost).status("t").phase is TaskPhase.GONE
    assert storage.facts().used_bytes == used
    connect.hypervisor(other).define(first)
    connect.hypervisor(other).start(first.uuid)
    assert kinds(cloud) == []


def test_starting_a_machine_on_a_second_host_is_refused_and_written_down(cloud: Cloud) -> None:
    first, second = cloud.host(), cloud.host()
    spec = cloud.running(first)
    connect.hypervisor(second).define(spec)
    with pytest.raises(HypervisorRefused):
        connect.hypervisor(second).start(spec.uuid)
    assert cloud.power(second, spec.uuid) is Power.OFF
    assert kinds(cloud) == ["machine_runs_twice", "mac_in_use", "disk_in_use"]


def test_a_machine_without_disks_running_twice_is_written_down(cloud: Cloud) -> None:
    first, second = cloud.host(), cloud.host()
    spec = cloud.define(first, disks=(), nics=())
    for host in (first, second):
        connect.hypervisor(host).define(spec)
        connect.hypervisor(host).start(spec.uuid)
    assert cloud.simulator.violations() == [
        Violation("machine_runs_twice", str(second.uuid), f"{spec.uuid} also runs on {first.uuid}")
    ]


def test_two_running_machines_with_one_mac_are_written_down(cloud: Cloud) -> None:
    host = cloud.host()
    first = cloud.running(host)
    second = cloud.define(host, nics=(NicSpec(first.nics[0].mac, "br0"),))
    connect.hypervisor(host).start(second.uuid)
    assert kinds(cloud) == ["mac_in_use"]


def test_read_only_disks_may_be_shared(cloud: Cloud) -> None:
    host = cloud.host()
    storage = connect.primary_storage(host, cloud.pool)
    storage.write_seed("seed-shared", b"x")
    shared = DiskSpec(storage.path("seed-shared"), "raw", read_only=True)
    for _ in range(2):
        connect.hypervisor(host).start(cloud.define(host, disks=(shared,)).uuid)
    assert kinds(cloud) == []


def test_deleting_the_disk_of_a_running_machine_is_written_down(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    connect.primary_storage(host, cloud.pool).delete(f"vol-{spec.uuid}")
    assert kinds(cloud) == ["deleted_in_use"]


def test_deleting_an_image_under_its_clones_is_written_down(cloud: Cloud) -> None:
    host = cloud.host()
    cloud.define(host)
    connect.primary_storage(host, cloud.pool).delete("tpl-tiny")
    assert kinds(cloud) == ["deleted_in_use"]


def test_an_orphan_of_ours_and_a_foreign_machine_are_told_apart(cloud: Cloud) -> None:
    host = cloud.host()
    foreign = cloud.simulator.add_machine(host.uuid)
    orphan = cloud.simulator.add_machine(host.uuid, ours=True, power=Power.OFF)
    report = {state.uuid: (state.ours, state.power) for state in connect.hypervisor(host).states()}
    assert report == {foreign: (False, Power.RUNNING), orphan: (True, Power.OFF)}


def test_a_machine_can_vanish_behind_our_back(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    cloud.simulator.forget_machine(spec.uuid)
    assert connect.hypervisor(host).states() == []
    with pytest.raises(MachineNotFound):
        cloud.simulator.power_off(spec.uuid)


def test_a_hypervisor_may_report_what_it_does_not_know(cloud: Cloud) -> None:
    host = cloud.host()
    spec = cloud.running(host)
    cloud.simulator.set_power(spec.uuid, Power.UNKNOWN)
    assert cloud.power(host, spec.uuid) is Power.UNKNOWN


def test_a_host_refuses_an_accelerator_or_architecture_it_does_not_have(cloud: Cloud) -> None:
    host = cloud.host(accelerators="tcg")
    with pytest.raises(HypervisorRefused):
        cloud.define(host, accelerator="kvm")
    with pytest.raises(HypervisorRefused):
        cloud.define(host, arch="aarch64")
    assert cloud.power(host, cloud.define(host).uuid) is Power.OFF


def test_facts_come_from_the_host_record(cloud: Cloud) -> None:
    facts = connect.hypervisor(cloud.host(cpu_cores="64", memory_mib="1024", cpu_model="X")).facts()
    assert (facts.cpu_cores, facts.memory_mib, facts.cpu_model) == (64, 1024, "X")


def test_a_shared_pool_is_one_pool_and_another_pool_at_the_same_path_is_not(cloud: Cloud) -> None:
    first, second = cloud.host(), cloud.host()
    connect.primary_storage(first, cloud.pool).write_seed("seed-a", b"x")
    other = PoolAddress(uuid4(), cloud.pool.path)
    assert connect.primary_storage(second, cloud.pool).names() == {"seed-a"}
    assert connect.primary_storage(second, other).names() == set()


def test_a_copy_takes_its_seconds_and_reserves_its_space(cloud: Cloud) -> None:
    storage = connect.primary_storage(cloud.host(), cloud.pool)
    cloud.simulator.set_pool_capacity(cloud.pool.uuid, 1000)
    cloud.simulator.set_durations(import_seconds=1000)
    assert storage.import_image("a", "/src", "tpl-a", 700).phase is TaskPhase.RUNNING
    with pytest.raises(PoolFull):
        storage.import_image("b", "/src", "tpl-b", 700)
    assert storage.names() == set()
    cloud.simulator.advance(500)
    assert storage.import_image("a", "/src", "tpl-a", 700).percent == 50
    cloud.simulator.advance(501)
    assert storage.names() == {"tpl-a"}
    assert storage.facts().used_bytes == 700


def test_a_copy_that_was_cancelled_gives_its_space_back(cloud: Cloud) -> None:
    storage = connect.primary_storage(cloud.host(), cloud.pool)
    cloud.simulator.set_durations(import_seconds=1000)
    storage.import_image("a", "/src", "tpl-a", 700)
    assert storage.cancel_import("a", "tpl-a")
    assert storage.facts().used_bytes == 0
    cloud.simulator.advance(2000)
    assert storage.names() == set()


def test_a_cancelled_copy_takes_only_its_own_image_away(cloud: Cloud) -> None:
    storage = connect.primary_storage(cloud.host(), cloud.pool)
    storage.import_image("a", "/src", "tpl-a", 1)
    assert storage.cancel_import("b", "tpl-a")
    assert storage.names() == {"tpl-a"}
    assert storage.cancel_import("a", "tpl-a")
    assert storage.names() == set()


def test_of_two_copies_of_one_image_the_second_changes_nothing(cloud: Cloud) -> None:
    storage = connect.primary_storage(cloud.host(), cloud.pool)
    cloud.simulator.set_durations(import_seconds=1000)
    for task_id in ("a", "b"):
        storage.import_image(task_id, "/src", "tpl-a", 700)
    cloud.simulator.advance(2000)
    assert storage.names() == {"tpl-a"}
    assert storage.facts().used_bytes == 700


def test_tasks_take_their_seconds_and_answers_can_be_ordered(cloud: Cloud) -> None:
    host = cloud.host()
    tasks = connect.tasks(host)
    cloud.simulator.set_durations(task_seconds=1000)
    cloud.simulator.answer("qemu-img", exit_code=2, stderr=b"no such format")
    assert connect.commands(host).run(["/usr/bin/qemu-img", "info"]).exit_code == 2
    assert tasks.start("t", ["qemu-img", "convert"]).phase is TaskPhase.RUNNING
    cloud.simulator.advance(250)
    assert tasks.status("t").percent == 25
    cloud.simulator.advance(751)
    status = tasks.status("t")
    assert (status.phase, status.exit_code, status.output) == (TaskPhase.FAILED, 2, "no such format")
