"""What accounts own here, as `apps.accounts.ownership` asks for it: machines come to rest and go."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, QuerySet

from apps.accounts import ownership
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.compute.services.edit import protect_vm
from apps.compute.services.lifecycle import destroy_vm, dismiss_vm, expunge_vm, stop_vm
from apps.compute.services.offerings import delete_ssh_key
from apps.compute.states import State
from apps.core.errors import CloudError
from apps.jobs.models import Job, JobState

_WORKING = (State.RUNNING, State.STARTING, State.STOPPING, State.MIGRATING)


def bring_to_rest(actor: Actor, accounts: QuerySet[Account], job: Job) -> int:
    """Ask the machines that run to stop. One that starts or moves now is asked when it does so no more."""
    working = VirtualMachine.objects.filter(account__in=accounts, state__in=_WORKING)
    for vm in working.filter(state=State.RUNNING).order_by("pk")[: ownership.AT_ONCE]:
        try:
            stop_vm(actor, vm, parent=job)
        except CloudError:  # another job has it
            continue
    return working.count()


def release_machine(actor: Actor, vm: VirtualMachine, job: Job) -> None:
    """Its account goes, so protection from deletion does not hold it."""
    if vm.delete_protection:
        protect_vm(actor, vm, protected=False)
    if vm.state == State.ERROR:
        dismiss_vm(actor, vm)
    elif vm.state == State.DESTROYED:
        expunge_vm(actor, vm, parent=job)
    else:
        destroy_vm(actor, vm, parent=job)


def release_ssh_key(actor: Actor, key: SshKeyPair, job: Job) -> None:
    delete_ssh_key(actor, key)


def halted(owner: Account | Domain) -> QuerySet[VirtualMachine]:
    """The machines that were stopped because this account or domain was disabled, and still are: whose
    last stop was a child of that job, with nothing done since."""
    stops = Job.objects.filter(
        target_uuid=OuterRef("uuid"), kind="vm.stop", state=JobState.DONE, parent__target_uuid=owner.uuid
    ).filter(parent__kind__in=("account.halt", "domain.halt"), finished_at__gte=OuterRef("state_changed_at"))
    stopped = VirtualMachine.objects.filter(
        account__in=ownership.accounts_of(owner), state=State.STOPPED, state_changed_at__isnull=False
    )
    return stopped.filter(Exists(stops)).order_by(F("name_sort"), F("pk"))


def declare() -> None:
    """Called once, when the app is ready."""
    ownership.register(ownership.Owned(VirtualMachine, 10, release=release_machine, at_rest=bring_to_rest))
    ownership.register(ownership.Owned(SshKeyPair, 40, release=release_ssh_key))
