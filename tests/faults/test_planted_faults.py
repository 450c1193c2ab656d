"""The matrix proves itself: each planted fault of an operation or of the engine is reported."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from apps.compute import placement
from apps.compute.models import VirtualMachine
from apps.compute.verbs import lock_of
from apps.core.errors import CloudError
from apps.jobs import locks
from apps.jobs.models import Job
from apps.jobs.services import submit
from apps.storage.models import TemplateCopy, Volume
from tests.faults import scenarios
from tests.faults.cell import Image
from tests.faults.matrix import run_scenario
from tests.faults.scenario import SCENARIOS
from tests.faults.site import Site
from workers import engine, leases, sync
from workers.drivers.base import NicSpec
from workers.operation import Outcome
from workers.operations.compute import base, deploy_vm, stop_vm

assert scenarios
Bench = tuple[Site, Image]
DEPLOY = "deploy, template present"


FirstLeak = Callable[..., str]


@pytest.fixture
def first_leak(site_image: Bench, monkeypatch: pytest.MonkeyPatch) -> FirstLeak:
    """What a scenario's matrix says first when these attributes are replaced."""

    def run(name: str, *plants: tuple[object, str, object]) -> str:
        def plant() -> None:
            for plant in plants:
                monkeypatch.setattr(*plant)

        return "\n".join(run_scenario(SCENARIOS[name], *site_image, planted=plant).leaks)

    return run


def test_a_step_without_its_undo_is_seen(first_leak: FirstLeak) -> None:
    assert "+ volumes" in first_leak(DEPLOY, (deploy_vm.CreateVolumes, "undo", lambda _step, _op: None))


def test_a_leaked_address_is_seen(first_leak: FirstLeak) -> None:
    def all_but_addresses(vm: VirtualMachine) -> None:
        placement.release_compute(vm)
        placement.release_disks(vm)
        vm.nics.update(ip=None, network=None)
        VirtualMachine.objects.filter(pk=vm.pk).update(pod=None)

    assert "+ network_ipaddress" in first_leak(DEPLOY, (placement, "release_everything", all_but_addresses))


def test_leaked_capacity_is_seen(first_leak: FirstLeak) -> None:
    def keep_the_count(vm: VirtualMachine) -> None:
        VirtualMachine.objects.filter(pk=vm.pk).update(host=None, claimed_vcpus=0, claimed_memory_mib=0)

    assert "+ zones_host" in first_leak("start", (placement, "release_compute", keep_the_count))


def test_a_leaked_quota_is_seen(first_leak: FirstLeak) -> None:
    assert "+ accounts_quota" in first_leak(DEPLOY, (deploy_vm, "release_quota", lambda _vm: None))


def test_a_step_that_is_not_idempotent_is_seen(first_leak: FirstLeak) -> None:
    """Done twice because its worker died, it leaves two of what it makes."""

    def plug_anew(_step: base.PlugNics, op: Any) -> Outcome:
        tail = uuid.uuid4().hex
        mac = f"52:54:00:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"
        op.network.plug(op.vm.uuid, NicSpec(mac=mac, bridge="br0"))
        return None

    leaks = first_leak("start", (base.PlugNics, "do", plug_anew))
    assert "ports" in leaks or "port" in leaks


def test_a_count_apart_from_its_checkpoint_is_seen(first_leak: FirstLeak) -> None:
    """A database step that is not atomic, and adds each time it runs."""

    def use_again(_step: Any, op: Any) -> Outcome:
        for volume in op.volumes:
            copies = TemplateCopy.objects.filter(template=volume.template, pool=volume.pool)
            copies.update(uses=F("uses") + 1)
            volume.template_copy = copies.get()
            Volume.objects.filter(pk=volume.pk).update(template_copy=volume.template_copy)
        return None

    assert "storage_templatecopy" in first_leak(
        DEPLOY, (deploy_vm.FetchTemplate, "do", use_again), (deploy_vm.FetchTemplate, "atomic", False)
    )


def test_a_step_recorded_only_after_it_acted_is_seen(first_leak: FirstLeak) -> None:
    """Undo then passes by what a failing step left half done."""
    real = engine._Run._note_done

    def note_only_what_is_done(run: Any, index: int, outcome: Outcome) -> bool:
        done = real(run, index, outcome)
        if done and index + 1 < len(run.op.steps):
            run._checkpoint(trail=run.op.names[: index + 1], midstep=False)
        return done

    assert "+ volumes" in first_leak(DEPLOY, (engine._Run, "_note_done", note_only_what_is_done))


def test_writing_without_looking_at_the_lease_is_seen(first_leak: FirstLeak) -> None:
    def save(job: Job, *, heed_cancel: bool = False, **changes: Any) -> None:
        Job.objects.filter(pk=job.pk).update(**changes)
        for name, value in changes.items():
            setattr(job, name, value)

    leaks = first_leak("start", (leases, "save", save))
    assert "overtaken" in leaks or "lease stolen" in leaks


def test_an_undo_that_raises_is_seen(first_leak: FirstLeak) -> None:
    def broken(_step: Any, _op: Any) -> Outcome:
        raise ValueError("bug in undo")

    assert "'stuck_by': {'code': 'internal'" in first_leak(DEPLOY, (deploy_vm.WriteSeed, "undo", broken))


def test_a_point_of_no_return_that_is_not_declared_is_seen(first_leak: FirstLeak) -> None:
    """A stop that is undone after the power was cut leaves a machine off that should run."""
    steps = (base.ForceOff, base.ForgetMachine, base.ReleaseCompute)
    assert "machines" in first_leak("stop", (stop_vm.StopVm, "steps", steps))


def test_locks_that_are_kept_are_seen(first_leak: FirstLeak) -> None:
    assert "is still held" in first_leak(
        "start", (locks, "release", lambda job: [f"lock:{lock.key}" for lock in job.locks.all()])
    )


def test_a_place_that_is_kept_is_seen(first_leak: FirstLeak) -> None:
    def release(job: Job) -> list[str]:
        job.locks.all().delete()
        return []

    assert "a place of" in first_leak("start", (locks, "release", release))


def test_an_end_without_its_transaction_is_seen(first_leak: FirstLeak) -> None:
    """The machine is moved before the job is, so a worker that dies in between does it twice."""
    real = deploy_vm.DeployVm.failed

    def failed(op: Any, error: dict[str, Any]) -> None:
        real(op, error)
        Job.objects.filter(pk=op.job.pk).update(state="failed", lease=None, finished_at=timezone.now())

    assert first_leak(DEPLOY, (deploy_vm.DeployVm, "failed", failed))


def test_a_sync_that_takes_a_machine_out_of_a_jobs_hands_is_seen(first_leak: FirstLeak) -> None:
    """It acts on one report, heeds neither the state nor the lock, and takes its own word for it."""

    def follow(host: Any, vm: VirtualMachine, found: Any) -> None:
        if vm.host_id == host.pk and (found is None or found.power == "off"):
            VirtualMachine.objects.filter(pk=vm.pk).update(state="Stopped")
            placement.release_compute(vm)

    assert "host sync" in first_leak("start", (sync, "_follow", follow))


def test_a_sync_that_asks_for_no_lock_is_seen(first_leak: FirstLeak) -> None:
    def follow(host: Any, vm: VirtualMachine, found: Any) -> None:
        if vm.host_id == host.pk and (found is None or found.power == "off"):
            key = f"other:{lock_of(vm)}"
            with suppress(CloudError):
                submit(sync.SYSTEM, "vm.record_power", vm, lock_keys=[key], host=str(host.uuid))

    assert "host sync" in first_leak("reboot", (sync, "_follow", follow))


def test_harm_done_in_the_world_is_seen(first_leak: FirstLeak) -> None:
    """Disks deleted under a machine that runs: nothing in the rows shows it."""
    real = base.StartMachine.do

    def start_and_spoil(step: Any, op: Any) -> Outcome:
        outcome = real(step, op)
        storage = op.world.storage(op.host, op.volumes[0].pool)
        storage.delete(op.vm.seed)
        storage.write_seed(op.vm.seed, b"another")
        return outcome

    assert "violation: deleted_in_use" in first_leak("start", (base.StartMachine, "do", start_and_spoil))
