"""One act on several machines: each for itself, with a result of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine
from apps.compute.services.actions import ACTIONS
from apps.core.errors import CloudError, InvalidInput
from apps.jobs.models import Job

MAX_AT_ONCE = 200


class Outcome(StrEnum):
    DONE = "done"
    SUBMITTED = "submitted"  # `job` does it
    REFUSED = "refused"  # `error` says why and what to do; nothing was changed


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one machine."""

    vm: VirtualMachine
    outcome: Outcome
    job: Job | None = None
    error: CloudError | None = None


def act_on_many(actor: Actor, kind: str, vms: Sequence[VirtualMachine]) -> list[Result]:
    """Do `kind` ("vm.stop") to each of the machines, in the order given: what is refused for one leaves
    the others alone. InvalidInput for a kind that is no act, for none and for more than MAX_AT_ONCE."""
    if kind not in ACTIONS:
        raise InvalidInput("not_a_choice", place="kind", known=", ".join(ACTIONS))
    if not 1 <= len(vms) <= MAX_AT_ONCE:
        raise InvalidInput("out_of_range", place="ids", low=1, high=MAX_AT_ONCE)
    return [_act(actor, kind, vm) for vm in vms]


def _act(actor: Actor, kind: str, vm: VirtualMachine) -> Result:
    try:
        with transaction.atomic():
            answer = ACTIONS[kind](actor, vm)
    except CloudError as error:
        return Result(vm, Outcome.REFUSED, error=error)
    if isinstance(answer, Job):
        return Result(vm, Outcome.SUBMITTED, job=answer)
    return Result(vm, Outcome.DONE)
