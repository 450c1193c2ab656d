"""Power and deletion of virtual machines."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.accounts import policy, quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.standing import require_active
from apps.compute import placement
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.compute.verbs import VERBS, lock_of
from apps.core.errors import ResourceBusy
from apps.jobs import events
from apps.jobs.models import Job, JobState
from apps.jobs.services import submit
from apps.storage.models import Volume


@transaction.atomic
def _submit(actor: Actor, kind: str, vm: VirtualMachine, **args: Any) -> Job:
    policy.require(actor, kind, vm)
    VERBS[kind].refuse_unless_allowed(vm)
    if kind in {"vm.start", "vm.reboot"}:
        require_active(vm.account)
    job = submit(actor, kind, vm, lock_keys=[lock_of(vm)], **args)
    if job.state == JobState.WAITING:
        _refuse_second(job)
    return job


def _refuse_second(job: Job) -> None:
    """What waits for the job that it interrupts is asked for once: a second one would come upon whatever
    was done to the machine in between, such as being started again. Called after the other job was told to
    end, which lets one of two such requests at a time come this far."""
    same = Job.objects.filter(target_uuid=job.target_uuid, kind=job.kind, finished_at=None)
    first = same.exclude(pk=job.pk).first()
    if first is not None:
        raise ResourceBusy(job=str(first.uuid), kind=first.kind)


def start_vm(actor: Actor, vm: VirtualMachine, *, paused: bool = False) -> Job:
    if paused:
        policy.require(actor, "vm.start_paused", vm)
    if vm.state == State.STOPPED:
        placement.check(placement.request_of(vm))
    return _submit(actor, "vm.start", vm, paused=paused)


def stop_vm(actor: Actor, vm: VirtualMachine, *, parent: Job | None = None) -> Job:
    """Ask the guest to power off; by force after STOP_GRACE_SECONDS."""
    return _submit(actor, "vm.stop", vm, parent=parent)


def force_stop_vm(actor: Actor, vm: VirtualMachine) -> Job:
    """Power off at once, also while a stop waits for the guest."""
    return _submit(actor, "vm.force_stop", vm)


def reboot_vm(actor: Actor, vm: VirtualMachine) -> Job:
    """Ask the guest to power off (by force after the grace), then power on, on the same host."""
    return _submit(actor, "vm.reboot", vm)


def destroy_vm(actor: Actor, vm: VirtualMachine, *, parent: Job | None = None) -> Job:
    """Power off and put into the trash, from where it can be recovered for TRASH_DAYS."""
    return _submit(actor, "vm.destroy", vm, parent=parent)


def expunge_vm(actor: Actor, vm: VirtualMachine, *, parent: Job | None = None) -> Job:
    """Delete a machine in the trash with its disks, for good."""
    return _submit(actor, "vm.expunge", vm, parent=parent)


@transaction.atomic
def recover_vm(actor: Actor, vm: VirtualMachine) -> VirtualMachine:
    """Take a machine out of the trash; it is Stopped."""
    policy.require(actor, "vm.recover", vm)
    VERBS["vm.recover"].refuse_unless_allowed(vm)
    vm.move_to(State.STOPPED, expunge_after=None)
    events.record(actor, "vm.recover", vm)
    return vm


@transaction.atomic
def dismiss_vm(actor: Actor, vm: VirtualMachine) -> None:
    """Remove the row of a machine whose deploy failed. It holds nothing."""
    policy.require(actor, "vm.dismiss", vm)
    VERBS["vm.dismiss"].refuse_unless_allowed(vm)
    events.record(actor, "vm.dismiss", vm)
    vm.move_to(State.EXPUNGING)
    delete_rows(vm)


def delete_rows(vm: VirtualMachine) -> None:
    """Remove a machine that holds nothing any more, with its disks' and NICs' rows."""
    volumes = list(vm.volumes())
    vm.attachments.all().delete()
    vm.nics.all().delete()
    Volume.objects.filter(pk__in=[volume.pk for volume in volumes]).delete()
    vm.delete()


def release_quota(vm: VirtualMachine) -> None:
    """Give back what the machine counts in the state that it is in."""
    state = State(vm.state)
    quota.follow(
        vm.account, lambda counting: Amount() - vm.quota_in(state, counting), member_id=vm.created_by_id
    )
