"""Deploy: find a host, clone the template, write the seed, define and start the machine."""

from __future__ import annotations

from typing import Any, Literal

from apps.accounts.actor import Actor
from apps.compute import placement
from apps.compute.services.lifecycle import release_quota
from apps.compute.states import State
from apps.core.errors import CloudError
from apps.jobs.models import Job, JobState
from apps.jobs.services import submit
from apps.storage.models import TemplateCopy, Volume
from apps.storage.use import use_template_copy
from workers.operation import Outcome, Step, WaitFor
from workers.operations.compute.base import (
    ClaimHost,
    DefineMachine,
    PlugNics,
    StartMachine,
    VmOperation,
    seed_of,
)


class TemplateUnavailable(CloudError):
    """The template could not be brought into the pool. `params["job"]` is the copy that failed."""

    code = "template_unavailable"


class PickHost(ClaimHost):
    """Claims pool room and addresses as well: a new machine has none."""

    def undo(self, op: VmOperation) -> Outcome:
        placement.release_everything(op.vm)
        return None


class FetchTemplate(Step):
    """Counts a use of the template in the volume's pool; the first one has it copied there."""

    atomic = True

    def do(self, op: DeployVm) -> Outcome:
        for volume in op.volumes:
            waiting = self._fetch(op, volume)
            if waiting is not None:
                return waiting
        return None

    def _fetch(self, op: DeployVm, volume: Volume) -> WaitFor | None:
        if volume.template is None or use_template_copy(volume):
            return None
        self._refuse_after_failure(op)
        pool, template = volume.pool, volume.template
        assert pool is not None  # noqa: S101 - PickHost gave it one
        copy = submit(
            Actor.system("a machine needs the template"),
            "template.copy",
            template,
            lock_keys=[f"template:{template.uuid}:pool:{pool.uuid}"],
            on_busy="join",
            pool=str(pool.uuid),
            host=str(op.host.uuid),
        )
        op.memo["copy_job"] = str(copy.uuid)
        return WaitFor(f"job:{copy.uuid}", "waiting_for_template")

    @staticmethod
    def _refuse_after_failure(op: DeployVm) -> None:
        former = Job.objects.filter(uuid=op.memo.get("copy_job")).first()
        if former is not None and former.state in {JobState.FAILED, JobState.CANCELLED, JobState.STUCK}:
            reason = (former.error or {}).get("code", "internal")
            raise TemplateUnavailable(job=str(former.uuid), reason=reason)

    def undo(self, op: DeployVm) -> Outcome:
        for volume in op.volumes:
            placement.release_template_copy(volume)
        return None


class CreateVolumes(Step):
    def do(self, op: DeployVm) -> Outcome:
        for volume in op.volumes:
            copy: TemplateCopy | None = volume.template_copy
            assert copy is not None  # noqa: S101 - FetchTemplate saw to it
            storage = op.world.storage(op.host, volume.pool)  # type: ignore[arg-type]
            storage.clone(copy.template.image, volume.image, volume.size_bytes)
        return None

    def undo(self, op: DeployVm) -> Outcome:
        for volume in op.volumes:
            if volume.pool is not None:
                op.world.storage(op.host, volume.pool).delete(volume.image)
        return None


class WriteSeed(Step):
    def do(self, op: DeployVm) -> Outcome:
        op.world.storage(op.host, op.volumes[0].pool).write_seed(op.vm.seed, seed_of(op))  # type: ignore[arg-type]
        return None

    def undo(self, op: DeployVm) -> Outcome:
        pool = op.volumes[0].pool
        if pool is not None:
            op.world.storage(op.host, pool).delete(op.vm.seed)
        return None


class DeployVm(VmOperation):
    kind = "vm.deploy"
    steps = (PickHost, FetchTemplate, CreateVolumes, WriteSeed, PlugNics, DefineMachine, StartMachine)

    def failed(self, error: dict[str, Any]) -> None:
        """An Error row holds nothing but the reason."""
        release_quota(self.vm)
        self.vm.move_to(State.ERROR, error=self.remember(error))

    def resolve(self) -> None:
        """A machine that runs is a deploy that worked; of any other nothing is to remain."""
        super().resolve()
        if self.memo["found"] == "running" or self.vm.host is None:
            return
        self.take_back(WriteSeed, CreateVolumes)

    def resolved(self) -> Literal["done", "failed"]:
        if self.memo["found"] == "running":
            self.vm.move_to(State.RUNNING, error=None)
            return "done"
        placement.release_everything(self.vm)
        self.failed(self.job.error or {})
        return "failed"
