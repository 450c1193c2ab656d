"""Delete a template: first its copies that nobody builds on, then its file."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from apps.core.errors import ObjectInUse
from apps.storage.models import Template, TemplateCopy
from apps.storage.reach import host_at_hand
from apps.storage.services_templates import release_quota
from workers import hosts, images
from workers.drivers.errors import HostUnreachable
from workers.operation import Operation, Outcome, PointOfNoReturn, Step


class RetireCopies(Step):
    """From here on no new volume builds on them; ObjectInUse if one does already."""

    atomic = True

    def do(self, op: DeleteTemplate) -> Outcome:
        copies = TemplateCopy.objects.filter(template=op.template)
        copies.filter(state=TemplateCopy.State.READY, uses=0).update(state=TemplateCopy.State.RETIRED)
        left = copies.exclude(state=TemplateCopy.State.RETIRED).count()
        if left:
            raise ObjectInUse(what="volumes", count=left)
        return None

    def undo(self, op: DeleteTemplate) -> Outcome:
        copies = TemplateCopy.objects.filter(template=op.template, state=TemplateCopy.State.RETIRED)
        copies.update(state=TemplateCopy.State.READY)
        return None


class DeleteCopies(Step):
    no_undo = "it comes after the point of no return"

    def do(self, op: DeleteTemplate) -> Outcome:
        for copy in TemplateCopy.objects.filter(template=op.template).select_related("pool"):
            host = host_at_hand(copy.pool)
            if host is None:
                raise HostUnreachable(f"no host that is up reaches the pool {copy.pool.name}")
            op.world.storage(host, copy.pool).delete(op.template.image)
        return None


class DeleteImage(Step):
    no_undo = "it comes after the point of no return"

    def do(self, op: DeleteTemplate) -> Outcome:
        """A file counts as removed when it is not there: so be sure to look where it would be."""
        if mount := hosts.mount_of(op.template.secondary_storage):
            op.world.local("images.mount", lambda: images.mount(mount), deadline=20.0)
        op.world.local("images.remove", lambda: images.remove(op.file), deadline=20.0)
        return None


class DeleteTemplate(Operation):
    kind = "template.delete"
    steps = (RetireCopies, PointOfNoReturn, DeleteCopies, DeleteImage)

    @cached_property
    def template(self) -> Template:
        return Template.objects.select_related("secondary_storage", "account__domain").get(
            uuid=self.job.target_uuid
        )

    @property
    def file(self) -> Path:
        return Path(self.template.secondary_storage.folder) / f"{self.template.image}.qcow2"

    def succeeded(self) -> None:
        TemplateCopy.objects.filter(template=self.template).delete()
        deleting = Template.objects.filter(pk=self.template.pk, state=Template.State.DELETING)
        if deleting.update(state=Template.State.DELETED):
            release_quota(self.template)

    def failed(self, error: dict[str, Any]) -> None:
        deleting = Template.objects.filter(pk=self.template.pk, state=Template.State.DELETING)
        deleting.update(state=self.args.get("state_before", Template.State.READY))

    def resolve(self) -> None:
        DeleteCopies().do(self)
        DeleteImage().do(self)

    def resolved(self) -> Literal["done", "failed"]:
        self.succeeded()
        return "done"
