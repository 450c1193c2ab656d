"""Handing over all machines of an account, as when somebody leaves: each for itself, with its own result.

What comes along with a machine is `transfer`'s to say. Images and keys that no machine uses stay.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts import policy, quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account
from apps.accounts.standing import require_active
from apps.compute.models import VirtualMachine
from apps.compute.services.bulk import MAX_AT_ONCE, Outcome, Result
from apps.compute.services.transfer import refuse_transfer, transfer_vm
from apps.compute.states import State
from apps.core.errors import CloudError, InvalidInput


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
    results: list[Result] = []
    amount, counting = Amount(), quota.counting_of(account)
    for vm in rows[:MAX_AT_ONCE]:
        try:
            refuse_transfer(actor, vm, account)
        except CloudError as error:
            results.append(Result(vm, Outcome.REFUSED, error=error))
        else:
            results.append(Result(vm, Outcome.DONE))
            amount += vm.quota_in(State(vm.state), counting)
    left = max(0, rows.count() - MAX_AT_ONCE)
    return BatchPlan(Batch(results, left), amount, quota.standing(account, amount))


def hand_over_machines(actor: Actor, source: Account, *, account: Account) -> Batch:
    """Give the account's machines away, up to MAX_AT_ONCE of them: what is refused for one leaves the others
    alone and counts for nothing, so that asking again always reaches the rest."""
    results: list[Result] = []
    given = 0
    rows = _machines(actor, source, account)
    keys = list(rows.values_list("pk", flat=True))
    for number, key in enumerate(keys):
        if given == MAX_AT_ONCE:
            return Batch(results, len(keys) - number)
        vm = rows.filter(pk=key).first()
        if vm is None:  # gone meanwhile, or somebody else's already
            continue
        results.append(_hand_over(actor, vm, account))
        given += results[-1].outcome is Outcome.DONE
    return Batch(results, 0)


def _machines(actor: Actor, source: Account, account: Account) -> QuerySet[VirtualMachine]:
    policy.require(actor, "vm.transfer", source)
    policy.require(actor, "vm.receive", account)
    if source.pk == account.pk:
        raise InvalidInput("same_account", place="account")
    require_active(account)
    rows = VirtualMachine.objects.filter(account=source).select_related("account__domain", "template")
    return policy.visible(actor, rows).order_by("name_sort", "pk")


def _hand_over(actor: Actor, vm: VirtualMachine, account: Account) -> Result:
    try:
        with transaction.atomic():
            return Result(transfer_vm(actor, vm, account=account), Outcome.DONE)
    except CloudError as error:
        return Result(vm, Outcome.REFUSED, error=error)
