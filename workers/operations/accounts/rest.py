"""Rest: nobody who may log in is left in an account, and its time is over. Its machines are stopped, each by
a child; where somebody came back, or looked at it and let it be, nothing is."""

from __future__ import annotations

from apps.accounts import ownership
from apps.accounts.directory import leaving
from apps.accounts.models import Account
from workers.operation import Outcome, PointOfNoReturn, Step
from workers.operations.accounts.base import OwnerOperation


class RestMachines(Step):
    no_undo = "it comes after the point of no return"

    def do(self, op: RestAccount) -> Outcome:
        op.give_up_if_in_vain()
        if not leaving.due().filter(account=op.account).exists():
            return None
        if not ownership.bring_to_rest(op.actor, op.accounts, op.job):
            return None
        return op.come_again("waiting_for_children")


class RestAccount(OwnerOperation):
    kind = "account.rest"
    steps = (PointOfNoReturn, RestMachines)

    @property
    def account(self) -> Account:
        assert isinstance(self.owner, Account)  # noqa: S101 - by the job's kind
        return self.owner

    def succeeded(self) -> None:
        leaving.note_rest(self.account)
