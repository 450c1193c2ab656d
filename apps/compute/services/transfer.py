"""Handing a machine over to another account, with its disks, its network cards and copies of its keys.

Where it runs and what it is reached by stay as they are. What was done to it stays in the old account's
record; what is done from now on comes to the new one's.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from apps.accounts import audit, policy, quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account
from apps.accounts.standing import require_active
from apps.compute.models import SshKeyPair, VirtualMachine, VmNamePart
from apps.compute.services.lifecycle import release_quota
from apps.compute.states import State
from apps.compute.verbs import VERBS, lock_of
from apps.core.constraints import insert
from apps.core.errors import InvalidInput, NameTaken, ResourceBusy, StateConflict
from apps.core.names import MAX_NAME
from apps.jobs import events
from apps.jobs.models import JobLock
from apps.storage.models import Template, Volume


@dataclass(frozen=True, slots=True)
class Plan:
    """What a transfer would do. `same_name` counts machines of this name in the other account: names need
    not differ. `hidden_template`: its members do not see the image; the machine keeps its disk, but they
    make no other one from it. `user_data`: they can read what the machine was given."""

    amount: Amount
    standing: list[quota.Standing]
    volumes: int
    addresses: int
    keys_copied: list[str]
    keys_there: list[str]
    same_name: int
    hidden_template: bool
    user_data: bool


def plan_transfer(actor: Actor, vm: VirtualMachine, *, account: Account) -> Plan:
    """Refuse what `transfer_vm` would refuse now, and say what it would do. Only reads."""
    refuse_transfer(actor, vm, account)
    amount = vm.quota_in(State(vm.state), quota.counting_of(account))
    quota.check(account, amount, member_id=vm.created_by_id)
    theirs = set(SshKeyPair.objects.filter(account=account).values_list("public_key", flat=True))
    keys = list(vm.ssh_keys.order_by("name_sort", "pk"))
    there = [key.name for key in keys if key.public_key in theirs]
    return Plan(
        amount=amount,
        standing=quota.standing(account, amount, member_id=vm.created_by_id),
        volumes=vm.volumes().count(),
        addresses=vm.nics.exclude(ip=None).count(),
        keys_copied=[key.name for key in keys if key.public_key not in theirs],
        keys_there=there,
        same_name=VirtualMachine.objects.filter(account=account, name_key=vm.name_key).count(),
        hidden_template=_is_hidden(vm.template, account),
        user_data=bool(vm.user_data),
    )


@transaction.atomic
def transfer_vm(actor: Actor, vm: VirtualMachine, *, account: Account) -> VirtualMachine:
    """Give the machine to another account. It must be allowed to go here and to come there, there has to be
    room in the quota there, and no job may have the machine."""
    refuse_transfer(actor, vm, account)
    quota.lock_root()
    vm = (
        VirtualMachine.objects.select_for_update(of=("self",)).select_related("account__domain").get(pk=vm.pk)
    )
    refuse_transfer(actor, vm, account)
    before = vm.account
    release_quota(vm)
    state = State(vm.state)
    quota.follow(account, lambda counting: vm.quota_in(state, counting), member_id=vm.created_by_id)
    changes = audit.compared({"account": before}, {"account": account})
    events.record(actor, "vm.transfer", vm, changes=changes, to=str(account.uuid))
    _give(vm, account)
    events.record(actor, "vm.receive", vm, changes=changes)
    return vm


def refuse_transfer(actor: Actor, vm: VirtualMachine, account: Account) -> None:
    """What forbids it, whatever the quotas are."""
    policy.require(actor, "vm.transfer", vm)
    policy.require(actor, "vm.receive", account)
    if vm.account_id == account.pk:
        raise InvalidInput("same_account", place="account")
    require_active(account)
    refuse_now(vm, JobLock.objects.select_related("job").filter(key=lock_of(vm)).first())


def refuse_now(vm: VirtualMachine, held: JobLock | None) -> None:
    """What forbids it of the machine alone: its state, or a job that has it."""
    VERBS["vm.transfer"].refuse_unless_allowed(vm)
    if held is not None:
        raise ResourceBusy(job=str(held.job.uuid), kind=held.job.kind)


def _is_hidden(template: Template, account: Account) -> bool:
    return not template.is_public and template.account_id != account.pk


def _give(vm: VirtualMachine, account: Account) -> None:
    """Compare-and-set: whoever changes its size, or gives it away too, does so before or after."""
    mine = VirtualMachine.objects.filter(pk=vm.pk, account=vm.account, state=vm.state)
    if not mine.update(account=account):
        raise StateConflict(reason="state_moved", state=vm.state)
    Volume.objects.filter(attachment__vm=vm).update(account=account)
    vm.account = account
    VmNamePart.index([vm], anew=True)
    vm.ssh_keys.set([_key_of(account, key) for key in vm.ssh_keys.order_by("pk")])


def _key_of(account: Account, key: SshKeyPair) -> SshKeyPair:
    """The same key in the other account: one that it has, or a copy under a name that is free there."""
    there = SshKeyPair.objects.filter(account=account, public_key=key.public_key).order_by("pk").first()
    if there is not None:
        return there
    for name in (key.name, *(f"{key.name[: MAX_NAME - 5]} ({number})" for number in range(2, 100))):
        copy = SshKeyPair(account=account, name=name, public_key=key.public_key, fingerprint=key.fingerprint)
        try:
            return insert(copy)
        except NameTaken:
            continue
    raise NameTaken(place="name", kind="SSH key pair")
