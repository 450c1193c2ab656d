"""Operations that users ask for on machines."""

from __future__ import annotations

from typing import Any

from apps.compute.models import ConsoleLog, VirtualMachine
from apps.compute.services import console, deploy, lifecycle
from apps.compute.states import State
from apps.jobs.models import Job, JobState
from apps.storage.models import TemplateCopy, Volume
from apps.zones.models import Host
from tests.faults.image import Row, Rows
from tests.faults.scenario import Scenario, add
from tests.faults.site import Site, make_due
from workers import engine

COPY_STAYS = frozenset({"images", "used_bytes"})
"""The copy of a template in a pool is a job of its own, and outlives a deploy that failed."""
_NEW_TABLES = frozenset(
    {
        "compute_virtualmachine",
        "compute_vmnamepart",
        "storage_volume",
        "compute_volumeattachment",
        "compute_nic",
    }
)


def error_row_left(site: Site, before: Rows, after: Rows) -> Rows:
    """A deploy that failed leaves its machine in Error, holding nothing; a copy of its template may
    have come to the pool meanwhile."""
    kept: Rows = {}
    for table, rows in after.items():
        new = rows - before[table]
        if table in _NEW_TABLES:
            kept[table] = frozenset(row for row in rows if row not in new or not _holds_nothing(row))
        elif table == "storage_templatecopy":
            kept[table] = frozenset(row for row in rows if row not in new or dict(row)["uses"])
        else:
            kept[table] = rows
    return kept


def _holds_nothing(row: Row) -> bool:
    columns: dict[str, Any] = dict(row)
    pointers = ("host_id", "pod_id", "pool_id", "template_copy_id", "ip_id", "network_id")
    held = any(columns.get(pointer) is not None for pointer in pointers)
    return not held and columns.get("state", State.ERROR) == State.ERROR and not columns.get("claimed_vcpus")


def submit_deploy(site: Site) -> Job:
    vm, job = deploy.deploy_vm(site.actor, site.wanted())
    site.notes["vm"] = vm.uuid
    return job


def runs(site: Site) -> None:
    vm = site.vm()
    assert vm.state == State.RUNNING
    assert vm.error is None
    assert vm.host is not None
    assert vm.claimed_vcpus == 1
    machine = the_machine(site, vm)
    assert machine is not None
    assert machine[:4:3] == (str(vm.host.uuid), "running")
    assert vm.host.allocated_memory_mib >= vm.claimed_memory_mib > 512
    assert vm.nics.get().ip is not None
    volume = vm.volumes().get()
    assert volume.pool == site.pool
    assert volume.template_copy is not None
    names = {name for _pool, name, *_rest in site.simulator.world().volumes}
    assert volume.image in names
    assert {name for _pool, name, *_rest in site.simulator.world().seeds} >= {vm.seed}


def the_machine(site: Site, vm: VirtualMachine) -> tuple[Any, ...] | None:
    found = [row for row in site.simulator.world().machines if row[1] == str(vm.uuid)]
    assert len(found) <= 1, found
    return found[0] if found else None


def is_off(state: State) -> Any:
    def expect(site: Site) -> None:
        vm = site.vm()
        assert vm.state == state
        assert (vm.host, vm.claimed_vcpus, vm.claimed_memory_mib) == (None, 0, 0)
        assert vm.last_host is not None
        assert the_machine(site, vm) is None
        assert Host.objects.get(pk=vm.last_host.pk).allocated_vcpus == 0
        assert vm.volumes().get().pool == site.pool
        assert vm.nics.get().ip is not None
        assert site.simulator.world().ports == ()

    return expect


def with_copy(site: Site) -> None:
    """The template is in the pool: a first machine came and went for good."""
    vm = site.deploy("first")
    for act in (lifecycle.destroy_vm, lifecycle.expunge_vm):
        vm.refresh_from_db()
        site.finish(act(site.actor, vm))
    assert TemplateCopy.objects.get().uses == 0


def running(site: Site) -> None:
    site.deploy()


def deaf(site: Site) -> None:
    site.simulator.set_deaf(site.deploy().uuid)


def stopped(site: Site) -> None:
    running(site)
    site.finish(lifecycle.stop_vm(site.actor, site.vm()))
    assert site.vm().state == State.STOPPED


def in_trash(site: Site) -> None:
    running(site)
    site.finish(lifecycle.destroy_vm(site.actor, site.vm()))
    assert site.vm().state == State.DESTROYED


def failed_once(site: Site) -> None:
    """A deploy was refused by its host; the template had come to the pool before that."""
    with_copy(site)
    site.simulator.order(error="HypervisorRefused", verb="start")
    submit_deploy(site)
    site.to_rest()
    assert site.vm().state == State.ERROR


def last_host_closed(site: Site) -> None:
    stopped(site)
    Host.objects.filter(former_machines=site.vm()).update(enabled=False)


def asked_to_stop(site: Site) -> Job:
    """A guest that does not answer is being asked to stop, and someone pulls the plug."""
    stopping = lifecycle.stop_vm(site.actor, site.vm())
    make_due(stopping)
    engine.run(stopping.pk)
    stopping.refresh_from_db()
    assert stopping.note == "waiting_for_guest"
    return lifecycle.force_stop_vm(site.actor, site.vm())


def gone(site: Site) -> None:
    assert not VirtualMachine.objects.exists()
    assert not Volume.objects.exists()
    world = site.simulator.world()
    assert (world.machines, world.volumes, world.seeds, world.ports) == ((), (), (), ())
    assert TemplateCopy.objects.get().uses == 0
    assert Host.objects.filter(allocated_vcpus__gt=0).count() == 0
    site.pool.refresh_from_db()
    assert site.pool.allocated_bytes == 0
    site.account.quota.refresh_from_db()
    assert site.account.quota.used_machines == 0


def booted_again(site: Site) -> None:
    runs(site)
    text = site.console(site.vm())
    assert text.count("Linux version") == 2


def submit_batch(site: Site) -> Job:
    _vms, parent = deploy.deploy_batch(site.actor, site.wanted("web-%d"), count=2)
    return parent


def all_run(site: Site) -> None:
    assert list(VirtualMachine.objects.order_by("name").values_list("name", "state")) == [
        ("web-1", "Running"),
        ("web-2", "Running"),
    ]
    assert not Job.objects.exclude(state=JobState.DONE).exists()


def console_read(site: Site) -> None:
    assert "cloudportal guest ready" in ConsoleLog.objects.get().text


def submit_console(site: Site) -> Job:
    _log, job = console.read_console_log(site.actor, site.vm())
    assert job is not None
    return job


def _of_vm(act: Any) -> Any:
    return lambda site: act(site.actor, site.vm())


add(
    Scenario(
        "deploy, first of its template",
        "vm.deploy",
        lambda site: None,
        submit_deploy,
        runs,
        forgive=error_row_left,
        leaves_world=COPY_STAYS,
    )
)
add(Scenario("deploy, template present", "vm.deploy", with_copy, submit_deploy, runs, forgive=error_row_left))
add(
    Scenario(
        "deploy again after a failure",
        "vm.deploy",
        failed_once,
        _of_vm(deploy.redeploy_vm),
        runs,
    )
)
add(Scenario("start", "vm.start", stopped, _of_vm(lifecycle.start_vm), runs))
add(Scenario("start elsewhere", "vm.start", last_host_closed, _of_vm(lifecycle.start_vm), runs))
add(Scenario("stop", "vm.stop", running, _of_vm(lifecycle.stop_vm), is_off(State.STOPPED)))
add(Scenario("stop a deaf guest", "vm.stop", deaf, _of_vm(lifecycle.stop_vm), is_off(State.STOPPED)))
add(Scenario("force stop", "vm.force_stop", running, _of_vm(lifecycle.force_stop_vm), is_off(State.STOPPED)))
add(Scenario("force stop interrupting a stop", "vm.force_stop", deaf, asked_to_stop, is_off(State.STOPPED)))
add(Scenario("reboot", "vm.reboot", running, _of_vm(lifecycle.reboot_vm), booted_again))
add(Scenario("reboot a deaf guest", "vm.reboot", deaf, _of_vm(lifecycle.reboot_vm), booted_again))
add(
    Scenario(
        "destroy a running machine",
        "vm.destroy",
        running,
        _of_vm(lifecycle.destroy_vm),
        is_off(State.DESTROYED),
    )
)
add(
    Scenario(
        "destroy a stopped machine",
        "vm.destroy",
        stopped,
        _of_vm(lifecycle.destroy_vm),
        is_off(State.DESTROYED),
    )
)
add(Scenario("expunge", "vm.expunge", in_trash, _of_vm(lifecycle.expunge_vm), gone))
add(
    Scenario(
        "deploy a batch",
        "vm.deploy_batch",
        lambda site: None,
        submit_batch,
        all_run,
        partial=True,
        only_faults=frozenset({"worker killed", "cancel", "refusal"}),
    )
)
add(
    Scenario(
        "read a console",
        "vm.read_console",
        running,
        submit_console,
        console_read,
        ignored_tables=frozenset({"compute_consolelog"}),
    )
)
