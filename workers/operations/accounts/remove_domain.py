"""Remove a domain: each account in it and below by a child, then the domains from the deepest up."""

from __future__ import annotations

from django.db.models.functions import Length

from apps.accounts.closing import lock_of
from apps.accounts.locks import lock_tree
from apps.accounts.models import Domain, Grant, Invitation, MappingRule, Membership, Role
from apps.accounts.ownership import AT_ONCE
from apps.accounts.recheck import recheck
from apps.accounts.roles.ready import user_role_id
from apps.core.errors import CloudError
from apps.jobs.models import Job
from apps.jobs.services import submit
from workers.operation import Outcome, PointOfNoReturn, Step
from workers.operations.accounts.base import OwnerOperation
from workers.operations.accounts.remove_account import SeeThatItIsDue


class RemoveAccounts(Step):
    no_undo = "it comes after the point of no return"

    def do(self, op: RemoveDomain) -> Outcome:
        """At most AT_ONCE are under way, however many there are."""
        op.give_up_if_in_vain()
        under_way = Job.objects.filter(parent=op.job, finished_at=None)
        asked = set(under_way.values_list("target_uuid", flat=True))
        for account in op.accounts.exclude(uuid__in=asked).order_by("pk")[: max(0, AT_ONCE - len(asked))]:
            keys = [lock_of(account)]
            try:
                submit(op.actor, "account.remove", account, account=account, lock_keys=keys, parent=op.job)
            except CloudError:  # its own removal is at work
                continue
        return op.come_again("waiting_for_children") if op.accounts.exists() else None


class RemoveDomain(OwnerOperation):
    kind = "domain.remove"
    steps = (SeeThatItIsDue, PointOfNoReturn, RemoveAccounts)

    def succeeded(self) -> None:
        """Its custom roles go first, and with them what was granted, offered or mapped by them elsewhere;
        what their holders gave ends."""
        lock_tree()
        gone = Grant.objects.filter(domain__path__within=self.domain.path)
        people = set(gone.exclude(user=None).values_list("user", flat=True))
        roles = Role.objects.filter(domain__path__within=self.domain.path)
        people |= set(Membership.objects.filter(role__in=roles).values_list("user", flat=True))
        Membership.objects.filter(role__in=roles).update(role=user_role_id())
        for rows in (Grant.objects, Invitation.objects, MappingRule.objects):
            rows.filter(role__in=roles).delete()
        roles.delete()
        inside = Domain.objects.filter(path__within=self.domain.path)
        for depth in inside.order_by(Length("path").desc()).values_list(Length("path"), flat=True).distinct():
            inside.annotate(depth=Length("path")).filter(depth=depth).delete()
        recheck([key for key in people if key is not None])

    @property
    def domain(self) -> Domain:
        assert isinstance(self.owner, Domain)  # noqa: S101 - by the job's kind
        return self.owner
