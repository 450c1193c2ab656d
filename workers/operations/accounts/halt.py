"""Halt: what was disabled comes to rest. Each machine is stopped by a child; one that is busy is asked later,
and what was enabled again meanwhile is left alone. A machine that was stopped stays so: whoever enables its
account is offered to start it."""

from __future__ import annotations

from apps.accounts import ownership
from apps.accounts.standing import verdict
from workers.operation import Outcome, PointOfNoReturn, Step
from workers.operations.accounts.base import OwnerOperation


class HaltMachines(Step):
    no_undo = "it comes after the point of no return"

    def do(self, op: HaltAccount) -> Outcome:
        op.give_up_if_in_vain()
        if verdict(op.owner).is_active or not ownership.bring_to_rest(op.actor, op.accounts, op.job):
            return None
        return op.come_again("waiting_for_children")


class HaltAccount(OwnerOperation):
    kind = "account.halt"
    steps = (PointOfNoReturn, HaltMachines)


class HaltDomain(HaltAccount):
    kind = "domain.halt"
