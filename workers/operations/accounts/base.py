"""What operations on a whole account or domain share: its row, its accounts, and children that do the
work."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from django.db.models import Count, QuerySet

from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain
from apps.accounts.ownership import accounts_of
from apps.core.errors import CloudError
from apps.jobs.models import Event, Job, JobState
from workers.operation import Later, Operation, WaitFor

TRIES = 3
BUSY_SECONDS = 5.0


class PartsFailed(CloudError):
    """The job of one part failed again and again; it says why. `params`: done, failed."""

    code = "parts_failed"


class OwnerOperation(Operation):
    """Works on the account or domain that the job is about."""

    @cached_property
    def owner(self) -> Account | Domain:
        rows = Account if self.job.target_type == "account" else Domain
        found: Account | Domain = rows._default_manager.get(uuid=self.job.target_uuid)
        return found

    @property
    def accounts(self) -> QuerySet[Account]:
        return accounts_of(self.owner)

    @property
    def actor(self) -> Actor:
        return Actor.system(f"{self.job.kind} {self.job.uuid}")

    def give_up_if_in_vain(self) -> None:
        """PartsFailed, which leaves the job to an operator, once the child of one thing has failed
        TRIES times since somebody last looked after it."""
        failed = Job.objects.filter(parent=self.job, state__in=(JobState.FAILED, JobState.CANCELLED))
        worst = failed.order_by().values("target_uuid").annotate(times=Count("pk")).order_by("-times").first()
        looked_after = Event.objects.filter(job=self.job, phase=Event.Phase.SUBMITTED).count()
        if worst and worst["times"] >= TRIES * max(1, looked_after):
            done = Job.objects.filter(parent=self.job, state=JobState.DONE).count()
            raise PartsFailed(done=done, failed=failed.count())

    def come_again(self, note: str) -> Later | WaitFor:
        """When children have ended; where none is at work, after a while: other jobs have what is left."""
        if Job.objects.filter(parent=self.job, finished_at=None).exists():
            return WaitFor(f"children:{self.job.uuid}", note)
        return Later(BUSY_SECONDS, note=note)

    def resolved(self) -> Literal["done", "failed"]:
        """Its children stand for themselves, and what is still to be done is asked for anew by the sweep."""
        return "failed"
