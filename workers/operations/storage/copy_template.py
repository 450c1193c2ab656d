"""Copy a template into a pool, once; every volume made from it there is a thin layer on top."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from django.db.models import QuerySet

from apps.core.errors import StateConflict
from apps.storage.models import PrimaryStorage, Template, TemplateCopy
from apps.storage.reach import host_at_hand
from apps.zones.models import Host, HostState
from workers import hosts
from workers.drivers import base
from workers.drivers.base import TaskPhase
from workers.drivers.errors import CommandFailed
from workers.operation import Later, Operation, Outcome, Step


class ReserveCopy(Step):
    """The row says who makes the copy; one that is ready already is left alone."""

    atomic = True

    def do(self, op: CopyTemplate) -> Outcome:
        if op.template.state != Template.State.READY:
            state, wanted = op.template.state, Template.State.READY.value
            raise StateConflict(reason="wrong_state", state=state, wanted=wanted, verb=op.kind)
        copy, _ = TemplateCopy.objects.get_or_create(template=op.template, pool=op.pool)
        op.memo["already"] = copy.state == TemplateCopy.State.READY
        op.memo["hosts"] = [op.args["host"]]
        return None

    def undo(self, op: CopyTemplate) -> Outcome:
        op.copies().filter(state=TemplateCopy.State.COPYING).delete()
        return None


class CopyImage(Step):
    """A host that went down leaves the copy to another one: each writes under a name of its own, and
    whoever is done first renames the same content to the image's name."""

    def do(self, op: CopyTemplate) -> Outcome:
        if op.memo["already"]:
            return None
        if op.host.state != HostState.UP and (other := host_at_hand(op.pool)):
            op.memo["hosts"].append(str(other.uuid))
            return Later(0, note="copying_template")
        template = op.template
        if mount := hosts.mount_of(template.secondary_storage):
            op.world.mounts(op.host).mount(mount)
        source = f"{template.secondary_storage.folder}/{template.image}.qcow2"
        storage, task = op.storage_on(op.host), op.task_on(op.host)
        status = storage.import_image(task, source, template.image, template.virtual_size_bytes)
        if status.phase == TaskPhase.RUNNING:
            return Later(0.2 if status.percent is None else 1.0, status.percent, "copying_template")
        if status.phase != TaskPhase.DONE:
            storage.cancel_import(task, template.image)
            raise CommandFailed(status.output[-2000:])
        return None

    def undo(self, op: CopyTemplate) -> Outcome:
        """A host that is down cannot be asked: what it may still write is a whole copy, or has a name
        that nobody looks for."""
        if op.memo.get("already", True):
            return None
        used = Host.objects.filter(uuid__in=op.memo["hosts"])
        for host in used if len(used) == 1 else used.filter(state=HostState.UP):
            if not op.storage_on(host).cancel_import(op.task_on(host), op.template.image):
                return Later(0.5, note="ending_copy")
        return None


class CopyTemplate(Operation):
    kind = "template.copy"
    steps = (ReserveCopy, CopyImage)

    @cached_property
    def template(self) -> Template:
        return Template.objects.select_related("secondary_storage").get(uuid=self.job.target_uuid)

    @cached_property
    def pool(self) -> PrimaryStorage:
        return PrimaryStorage.objects.get(uuid=self.args["pool"])

    @property
    def host(self) -> Host:
        """The host that makes the copy now: the last of those that were asked to."""
        return Host.objects.get(uuid=self.memo["hosts"][-1])

    def storage_on(self, host: Host) -> base.PrimaryStorage:
        return self.world.storage(host, self.pool)

    def task_on(self, host: Host) -> str:
        return f"{self.job.uuid}-copy{self.memo['hosts'].index(str(host.uuid))}"

    def copies(self) -> QuerySet[TemplateCopy]:
        return TemplateCopy.objects.filter(template=self.template, pool=self.pool)

    def succeeded(self) -> None:
        self.copies().filter(state=TemplateCopy.State.COPYING).update(state=TemplateCopy.State.READY)

    def resolve(self) -> None:
        self.take_back(CopyImage)

    def resolved(self) -> Literal["done", "failed"]:
        self.copies().filter(state=TemplateCopy.State.COPYING).delete()
        return "failed"
