"""A batch: waits for its children and sums them up. It holds no lock of theirs."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from apps.core.errors import CloudError
from apps.jobs.models import Job, JobState
from workers.operation import Operation, Outcome, Step, WaitFor


class BatchIncomplete(CloudError):
    """Some of the batch failed; each child says why. `params`: done, failed."""

    code = "batch_incomplete"


class AwaitChildren(Step):
    def do(self, op: DeployBatch) -> Outcome:
        waiting = self.undo(op)
        if waiting is not None:
            return waiting
        failed = op.children[JobState.FAILED] + op.children[JobState.CANCELLED]
        if failed:
            raise BatchIncomplete(done=op.children[JobState.DONE], failed=failed)
        return None

    def undo(self, op: DeployBatch) -> Outcome:
        """The children undo themselves; the batch has ended when all of them have."""
        children = op.children
        ended = sum(children[state] for state in Job.ENDED)
        if ended < sum(children.values()):
            return WaitFor(f"children:{op.job.uuid}", "waiting_for_children")
        return None


class DeployBatch(Operation):
    kind = "vm.deploy_batch"
    steps = (AwaitChildren,)

    @property
    def children(self) -> Counter[str]:
        return Counter(Job.objects.filter(parent=self.job).values_list("state", flat=True))

    def resolved(self) -> Literal["done", "failed"]:
        """Its children stand for themselves."""
        return "failed"
