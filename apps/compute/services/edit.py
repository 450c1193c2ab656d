"""Changes to a virtual machine that need no host."""

from __future__ import annotations

from django.db import transaction

from apps.accounts import audit, policy, quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Counting
from apps.compute.models import ServiceOffering, VirtualMachine
from apps.compute.services.deploy import check_tags
from apps.compute.states import Holding, State, holds
from apps.compute.verbs import VERBS
from apps.core.errors import InvalidInput, ResourceBusy, StateConflict
from apps.core.names import clean_name
from apps.jobs import events
from apps.jobs.models import Job


def _allowed(actor: Actor, kind: str, vm: VirtualMachine) -> None:
    policy.require(actor, kind, vm)
    VERBS[kind].refuse_unless_allowed(vm)


@transaction.atomic
def rename_vm(actor: Actor, vm: VirtualMachine, *, name: str) -> VirtualMachine:
    """Change the name people see. The guest's host name stays as it is."""
    _allowed(actor, "vm.rename", vm)
    name = clean_name(name)
    changes = audit.changed(vm, name=name)
    vm.set_name(name)
    vm.save(update_fields=["name", "name_key", "name_sort"])
    events.record(actor, "vm.rename", vm, changes=changes)
    return vm


@transaction.atomic
def tag_vm(actor: Actor, vm: VirtualMachine, *, tags: dict[str, str]) -> VirtualMachine:
    """Replace all tags."""
    _allowed(actor, "vm.tag", vm)
    tags = check_tags(tags)
    changes = audit.changed(vm, tags=tags)
    vm.tags = tags
    vm.save(update_fields=["tags"])
    events.record(actor, "vm.tag", vm, changes=changes)
    return vm


@transaction.atomic
def protect_vm(actor: Actor, vm: VirtualMachine, *, protected: bool) -> VirtualMachine:
    """Switch deletion protection on or off; not on once its deletion was asked for."""
    _allowed(actor, "vm.protect", vm)
    if protected:
        _refuse_while_deleted(vm)
    changes = audit.changed(vm, delete_protection=protected)
    vm.delete_protection = protected
    vm.save(update_fields=["delete_protection"])
    events.record(actor, "vm.protect", vm, changes=changes, delete_protection=protected)
    return vm


def _refuse_while_deleted(vm: VirtualMachine) -> None:
    live = Job.objects.filter(target_uuid=vm.uuid).exclude(state__in=Job.ENDED)
    deletion = live.filter(kind__in=("vm.destroy", "vm.expunge")).first()
    if deletion is not None:
        raise ResourceBusy(job=str(deletion.uuid), kind=deletion.kind)


def size_change(old: ServiceOffering, new: ServiceOffering, counting: Counting) -> Amount:
    """What another size of a stopped machine adds to its account's quota."""
    if Holding.QUOTA_COMPUTE not in holds(State.STOPPED, counting):
        return Amount()
    return Amount(vcpus=new.vcpus - old.vcpus, memory_mib=new.memory_mib - old.memory_mib)


@transaction.atomic
def change_offering(actor: Actor, vm: VirtualMachine, *, offering: ServiceOffering) -> VirtualMachine:
    """Give a stopped machine another size; its disk never shrinks, and grows only by its own verb."""
    _allowed(actor, "vm.change_offering", vm)
    if not offering.enabled:
        raise InvalidInput("offering_disabled", place="offering")
    if offering.memory_mib < vm.template.min_memory_mib:
        raise InvalidInput("offering_too_small", place="offering", memory_mib=vm.template.min_memory_mib)
    old = vm.offering
    quota.lock_root()
    held = VirtualMachine.objects.select_for_update(of=("self",)).get(pk=vm.pk)
    if (held.account_id, held.offering_id) != (vm.account_id, old.pk):
        raise StateConflict(reason="state_moved", state=held.state)
    quota.follow(
        vm.account, lambda counting: size_change(old, offering, counting), member_id=vm.created_by_id
    )
    mine = VirtualMachine.objects.filter(pk=vm.pk, state=State.STOPPED, offering=old, account=vm.account)
    if not mine.update(offering=offering):
        raise StateConflict(reason="state_moved", state=vm.state)
    vm.offering = offering
    changes = audit.compared({"offering": old}, {"offering": offering})
    events.record(actor, "vm.change_offering", vm, changes=changes)
    return vm
