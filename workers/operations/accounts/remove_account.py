"""Remove: the time of grace is over. All that the account owned is released kind by kind, each thing by a
child or at once; then the account goes, with its memberships and its quota."""

from __future__ import annotations

from apps.accounts import ownership
from apps.accounts.closing import refuse_unless_due
from apps.accounts.locks import lock_tree
from apps.accounts.models import Account, Domain, Membership, User
from apps.accounts.recheck import recheck
from apps.accounts.sessions import cut_off_each
from workers.operation import Outcome, PointOfNoReturn, Step
from workers.operations.accounts.base import OwnerOperation


class SeeThatItIsDue(Step):
    """StateConflict if it is not: nothing goes that somebody can still take back."""

    atomic = True
    no_undo = "it only looks"

    def do(self, op: RemoveAccount) -> Outcome:
        refuse_unless_due(op.owner)
        return None


class ReleaseAll(Step):
    no_undo = "it comes after the point of no return"

    def do(self, op: RemoveAccount) -> Outcome:
        op.give_up_if_in_vain()
        if ownership.release_all(op.actor, op.accounts, op.job, op.heir):
            return op.come_again("waiting_for_children")
        return None


class RemoveAccount(OwnerOperation):
    kind = "account.remove"
    steps = (SeeThatItIsDue, PointOfNoReturn, ReleaseAll)

    @property
    def heir(self) -> Account | None:
        """The account's own, else that of the nearest domain above that closes with it."""
        account = self.owner
        assert isinstance(account, Account)  # noqa: S101 - by the job's kind
        if account.heir is not None:
            return account.heir
        above = Domain.objects.in_bulk(account.domain.ancestor_ids())
        heirs = (above[key].heir for key in reversed(account.domain.ancestor_ids()))
        return next((heir for heir in heirs if heir is not None), None)

    def succeeded(self) -> None:
        """What members gave on the strength of their membership ends with it. Its service accounts go with
        it, and what they gave, wherever that was."""
        people = list(Membership.objects.filter(account__in=self.accounts).values_list("user", flat=True))
        lock_tree()
        robots = User.objects.filter(service_of__in=self.accounts)
        keys = list(robots.values_list("pk", flat=True))
        cut_off_each(keys)
        robots.update(is_active=False)
        recheck(keys)
        robots.delete()
        self.owner.delete()
        recheck(people)
