"""What every operation on a virtual machine shares: its machine, its host, its steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

from django.conf import settings

from apps.accounts import secrets
from apps.accounts.audit import compared
from apps.accounts.standing import require_active
from apps.compute import placement
from apps.compute.models import Nic, VirtualMachine
from apps.compute.states import State
from apps.compute.verbs import VERBS, lock_of
from apps.jobs import locks
from apps.jobs.models import Job, JobState
from apps.storage.models import PrimaryStorage, Volume
from apps.storage.reach import host_at_hand
from apps.zones.models import Host
from workers.drivers import base
from workers.drivers.errors import HostBusy, HostUnreachable
from workers.operation import Later, Operation, Outcome, Step, WaitFor
from workers.seed import SeedNic, SeedSpec, build_seed


class VmOperation(Operation):
    """Moves its machine to the verb's `after` when it worked, and back where it was when undone."""

    @cached_property
    def vm(self) -> VirtualMachine:
        rows = VirtualMachine.objects.select_related("host", "last_host", "offering", "template", "account")
        return rows.get(uuid=self.job.target_uuid)

    @property
    def host(self) -> Host:
        """The host that the machine holds a part of."""
        if self.vm.host is None:
            raise HostUnreachable("the machine is on no host")
        return self.vm.host

    @property
    def hypervisor(self) -> base.Hypervisor:
        return self.world.hypervisor(self.host)

    @property
    def network(self) -> base.NetworkDriver:
        return self.world.network(self.host)

    @cached_property
    def volumes(self) -> list[Volume]:
        return list(self.vm.volumes().select_related("pool", "template_copy"))

    @cached_property
    def nics(self) -> list[Nic]:
        return list(self.vm.nics.select_related("network__zone", "ip"))

    def nic_specs(self) -> list[base.NicSpec]:
        return [
            base.NicSpec(
                mac=nic.mac,
                bridge=nic.network.bridge,
                address=nic.ip.address if nic.ip else "",
                mtu=nic.network.mtu,
            )
            for nic in self.nics
            if nic.network is not None
        ]

    def succeeded(self) -> None:
        verb = VERBS[self.kind]
        if verb.after and verb.after != self.vm.state:
            self.vm.move_to(verb.after, error=None)

    def failed(self, error: dict[str, Any]) -> None:
        before = self.memo.get("state_before")
        if before and before != self.vm.state:
            self.vm.move_to(State(before), error=self.remember(error))

    def changed(self) -> dict[str, list[Any]]:
        """Its state, and its host, which says whose part of the infrastructure it is in."""
        was = {"state": self.memo.get("state_before"), "host": self.memo.get("host_before")}
        return compared(was, {"state": self.vm.state, "host": self.vm.host and self.vm.host.name})

    def remember(self, error: dict[str, Any]) -> dict[str, Any] | None:
        """Put a placement that failed where the machine's page finds it; the error without it."""
        if error.get("explanation"):
            placement.remember(self.vm, error["explanation"], fits=False)
        return {key: value for key, value in error.items() if key != "explanation"} or None

    def resolve(self) -> None:
        """See where the machine is. One that is off is forgotten by its host, so that nothing runs
        without a record; one that runs is left alone."""
        self.memo["found"] = "off"
        if self.vm.host is None:
            return
        power = power_of(self)
        if power == base.Power.UNKNOWN:
            raise HostBusy("the host cannot tell whether the machine runs")
        if power in {base.Power.RUNNING, base.Power.PAUSED}:
            self.memo["found"] = "running"
            return
        put_away(self)

    def resolved(self) -> Literal["done", "failed"]:
        """Running where the world shows it running, else Stopped with its disks."""
        state = State.RUNNING if self.memo["found"] == "running" else State.STOPPED
        if state == State.STOPPED:
            placement.release_compute(self.vm)
        if self.vm.state != state:
            self.vm.move_to(state, error=self.job.error)
        return "done" if VERBS[self.kind].after == state else "failed"


def power_of(op: VmOperation) -> base.Power | None:
    """What its host says of the machine now; None if the host does not know it."""
    for found in op.hypervisor.states():
        if found.uuid == op.vm.uuid:
            return found.power
    return None


def put_away(op: VmOperation) -> None:
    """Power a machine off and let its host forget it, with the ports of its NICs."""
    op.hypervisor.destroy(op.vm.uuid)
    op.hypervisor.undefine(op.vm.uuid)
    for nic in op.nic_specs():
        op.network.unplug(op.vm.uuid, nic)


def storage_host(vm: VirtualMachine, pool: PrimaryStorage) -> Host:
    """A host that is up and reaches the pool, the machine's own or last one first."""
    found = host_at_hand(pool, near=(vm.host_id, vm.last_host_id))
    if found is None:
        raise HostUnreachable(f"no host that is up reaches the pool {pool.name}")
    return found


def machine_spec(op: VmOperation) -> base.MachineSpec:
    vm, host = op.vm, op.host
    disks: list[base.DiskSpec] = []
    for volume in op.volumes:
        storage = op.world.storage(host, volume.pool)  # type: ignore[arg-type]
        disks.append(base.DiskSpec(path=storage.path(volume.image), serial=str(volume.uuid)[:20]))
    root = op.world.storage(host, op.volumes[0].pool)  # type: ignore[arg-type]
    disks.append(base.DiskSpec(path=root.path(vm.seed), format="raw", read_only=True))
    return base.MachineSpec(
        uuid=vm.uuid,
        name=vm.machine_name,
        vcpus=vm.offering.vcpus,
        memory_mib=vm.offering.memory_mib,
        disks=disks,
        nics=op.nic_specs(),
        accelerator="kvm" if host.accelerator == "kvm" else "tcg",
        arch=vm.template.arch,
        title=vm.name,
    )


def seed_of(op: VmOperation) -> bytes:
    vm = op.vm
    networks: Sequence[SeedNic] = [
        SeedNic(
            mac=nic.mac,
            address=f"{nic.ip.address}/{nic.network.prefix_length}",
            gateway=nic.network.gateway,
            dns=tuple(nic.network.zone.dns),
            mtu=nic.network.mtu,
        )
        for nic in op.nics
        if nic.network is not None and nic.ip is not None
    ]
    return build_seed(
        SeedSpec(
            instance_id=str(vm.uuid),
            hostname=vm.hostname,
            ssh_keys=tuple(vm.ssh_keys.order_by("pk").values_list("public_key", flat=True)),
            user_data=secrets.unseal(VirtualMachine, vm.uuid, "user_data", vm.user_data),
            networks=tuple(networks),
        )
    )


class ClaimHost(Step):
    """Claims on a host what the machine lacks yet, then a place in the host's work. A machine that ran
    before lacks CPU and memory only: its disks and addresses it never gave up. An account that was disabled
    since it was asked for gets nothing: its machines may have been stopped already."""

    atomic = True

    def do(self, op: VmOperation) -> Outcome:
        require_active(op.vm.account)
        placement.place(op.vm)
        resource = f"host:{op.host.uuid}"
        if locks.take_slot(op.job, resource, settings.JOB_SLOTS_PER_HOST):
            return None
        return WaitFor(f"slot:{resource}", "waiting_for_host")

    def undo(self, op: VmOperation) -> Outcome:
        placement.release_compute(op.vm)
        return None


class PlugNics(Step):
    def do(self, op: VmOperation) -> Outcome:
        for nic in op.nic_specs():
            op.network.plug(op.vm.uuid, nic)
        return None

    def undo(self, op: VmOperation) -> Outcome:
        if op.vm.host is not None:
            for nic in op.nic_specs():
                op.network.unplug(op.vm.uuid, nic)
        return None


class DefineMachine(Step):
    def do(self, op: VmOperation) -> Outcome:
        op.hypervisor.define(machine_spec(op))
        return None

    def undo(self, op: VmOperation) -> Outcome:
        if op.vm.host is not None:
            op.hypervisor.undefine(op.vm.uuid)
        return None


class StartMachine(Step):
    def do(self, op: VmOperation) -> Outcome:
        op.hypervisor.start(op.vm.uuid, paused=bool(op.args.get("paused", op.vm.start_paused)))
        return None

    def undo(self, op: VmOperation) -> Outcome:
        if op.vm.host is not None:
            op.hypervisor.destroy(op.vm.uuid)
        return None


class AskGuest(Step):
    """Asks the guest to power off and looks again each second until it has, or the grace is over."""

    def do(self, op: VmOperation) -> Outcome:
        asked = op.memo.get("asked_at")
        if asked is None:
            op.hypervisor.shutdown(op.vm.uuid)
            op.memo["asked_at"] = asked = time.time()
        if power_of(op) in {None, base.Power.OFF}:
            return None
        waited = time.time() - asked
        if waited >= settings.STOP_GRACE_SECONDS:
            return None
        percent = int(100 * waited / settings.STOP_GRACE_SECONDS) // 2
        return Later(min(1.0, settings.STOP_GRACE_SECONDS), percent, "waiting_for_guest")

    def undo(self, op: VmOperation) -> Outcome:
        """What was asked cannot be unasked: a guest that still obeys within the grace is powered on
        again, unless someone waits who will take its power anyway."""
        if power_of(op) == base.Power.OFF:
            op.hypervisor.start(op.vm.uuid)
            return None
        since = op.memo.setdefault("unasked_at", time.time())
        waited_for = Job.objects.filter(state=JobState.WAITING, waiting_for=f"lock:{lock_of(op.vm)}")
        if time.time() - since >= settings.STOP_GRACE_SECONDS or waited_for.exists():
            return None
        return Later(min(1.0, settings.STOP_GRACE_SECONDS), note="waiting_for_guest")


class ForceOff(Step):
    no_undo = "it comes after the point of no return"

    def do(self, op: VmOperation) -> Outcome:
        if op.vm.host is not None:
            op.hypervisor.destroy(op.vm.uuid)
        return None


class ForgetMachine(Step):
    """A machine that is off is known to no host: it may start on another one."""

    no_undo = "it comes after the point of no return"

    def do(self, op: VmOperation) -> Outcome:
        if op.vm.host is not None:
            op.hypervisor.undefine(op.vm.uuid)
            for nic in op.nic_specs():
                op.network.unplug(op.vm.uuid, nic)
        return None


class ReleaseCompute(Step):
    atomic = True
    no_undo = "it comes after the point of no return"

    def do(self, op: VmOperation) -> Outcome:
        placement.release_compute(op.vm)
        return None
