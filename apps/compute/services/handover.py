"""Handing over all machines of an account, as when somebody leaves: each for itself, with its own result.

What comes along with a machine is `transfer`'s to say. Images and keys that no machine uses stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts import policy, quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account
from apps.accounts.standing import require_active
from apps.compute.models import VirtualMachine, quota_amounts
from apps.compute.services.bulk import MAX_AT_ONCE, Outcome, Result
from apps.compute.services.transfer import refuse_now, transfer_vm
from apps.compute.states import State
from apps.compute.verbs import lock_of
from apps.core.errors import CloudError, DomainQuotaExceeded, InvalidInput, QuotaExceeded
from apps.jobs.models import JobLock

A_QUERY = 1000


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of the machines, or would; `left` counts those that come with the next request."""

    results: list[Result]
    left: int


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What is refused of itself has an error. `standing` is the other account's quota with all the rest,
    whose sum may be more than it allows: then the first ones go."""

    batch: Batch
    amount: Amount
    standing: list[quota.Standing]


def plan_handover(actor: Actor, source: Account, *, account: Account) -> BatchPlan:
    """What `hand_over_machines` would do now. Only reads."""
    rows = _machines(actor, source, account)
    total, vms = rows.count(), list(rows[:MAX_AT_ONCE])
    errors, sizes = _refused(vms), _sizes(source, account, vms)
    results: list[Result] = []
    amount = Amount()
    for vm in vms:
        error = errors.get(vm.pk)
        results.append(Result(vm, Outcome.REFUSED if error else Outcome.DONE, error=error))
        amount += Amount() if error else sizes[vm.pk]
    left = max(0, total - MAX_AT_ONCE)
    return BatchPlan(Batch(results, left), amount, quota.standing(account, amount))


def hand_over_machines(actor: Actor, source: Account, *, account: Account) -> Batch:
    """Give the account's machines away, up to MAX_AT_ONCE of them: what is refused for one leaves the others
    alone and counts for nothing, so that asking again always reaches the rest. However many are refused,
    all are judged by a few statements: one is tried where nothing is known against it, and of those of one
    size and one member that the quota refuses, the first. Only where so many sizes and members are refused
    that MAX_AT_ONCE were tried in vain, the rest is left too."""
    vms = list(_machines(actor, source, account))
    errors, sizes = _refused(vms), _sizes(source, account, vms)
    too_much: dict[tuple[int | None, Amount], CloudError] = {}
    results: list[Result] = []
    given = 0
    for number, vm in enumerate(vms):
        if MAX_AT_ONCE in (given, len(too_much)):
            return Batch(results, len(vms) - number)
        size = (vm.created_by_id, sizes[vm.pk])
        known = errors.get(vm.pk) or too_much.get(size)
        result = Result(vm, Outcome.REFUSED, error=known) if known else _hand_over(actor, vm, account)
        if result is None:  # gone meanwhile, or somebody else's already
            continue
        results.append(result)
        given += result.outcome is Outcome.DONE
        if isinstance(result.error, QuotaExceeded | DomainQuotaExceeded):
            too_much[size] = result.error
    return Batch(results, 0)


def _machines(actor: Actor, source: Account, account: Account) -> QuerySet[VirtualMachine]:
    policy.require(actor, "vm.transfer", source)  # and so each of its machines
    policy.require(actor, "vm.receive", account)
    if source.pk == account.pk:
        raise InvalidInput("same_account", place="account")
    require_active(account)
    rows = VirtualMachine.objects.filter(account=source)
    rows = rows.select_related("account__domain", "template", "offering")
    return policy.visible(actor, rows).order_by("name_sort", "pk")


def _refused(vms: Sequence[VirtualMachine]) -> dict[int, CloudError]:
    """What forbids it of each machine alone, by its key: its state, or a job that has it."""
    found: dict[int, CloudError] = {}
    for begin in range(0, len(vms), A_QUERY):
        some = vms[begin : begin + A_QUERY]
        rows = JobLock.objects.filter(key__in=[lock_of(vm) for vm in some]).select_related("job")
        held = {row.key: row for row in rows}
        for vm in some:
            try:
                refuse_now(vm, held.get(lock_of(vm)))
            except CloudError as error:
                found[vm.pk] = error
    return found


def _sizes(source: Account, account: Account, vms: Sequence[VirtualMachine]) -> dict[int, Amount]:
    """What each machine of the one would count in the other."""
    counting = quota.counting_of(account)
    whole = quota_amounts(vms, VirtualMachine.objects.filter(account=source))
    return {vm.pk: vm.counted_in(State(vm.state), counting, whole[vm.pk]) for vm in vms}


def _hand_over(actor: Actor, vm: VirtualMachine, account: Account) -> Result | None:
    row = VirtualMachine.objects.select_related("account__domain", "template")
    found = row.filter(pk=vm.pk, account=vm.account_id).first()
    if found is None:
        return None
    try:
        with transaction.atomic():
            return Result(transfer_vm(actor, found, account=account), Outcome.DONE)
    except CloudError as error:
        return Result(found, Outcome.REFUSED, error=error)
