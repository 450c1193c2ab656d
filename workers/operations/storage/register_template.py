"""Register a template: a confined process inspects the upload, then it goes into secondary storage."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from django.conf import settings

from apps.storage.models import Template
from workers import images
from workers.operation import Later, Operation, Outcome, Step


class InspectImage(Step):
    def do(self, op: RegisterTemplate) -> Outcome:
        facts = op.world.local(
            "images.inspect",
            lambda: images.inspect(
                op.incoming,
                max_bytes=settings.TEMPLATE_MAX_BYTES,
                max_virtual_bytes=settings.TEMPLATE_MAX_VIRTUAL_BYTES,
            ),
            deadline=60.0,
        )
        op.memo["size_bytes"], op.memo["virtual_size_bytes"] = facts.file_size_bytes, facts.virtual_size_bytes
        return None

    def undo(self, op: RegisterTemplate) -> Outcome:
        """What was uploaded for a template that is not to be is not kept."""
        op.world.local("images.remove", lambda: images.remove(op.incoming), deadline=20.0)
        return None


class HashImage(Step):
    """Hashing takes minutes for a large image: a task of its own, looked at now and then."""

    def do(self, op: RegisterTemplate) -> Outcome:
        digest = op.world.local(
            "images.digest", lambda: images.digest(op.task_id, op.incoming), deadline=20.0
        )
        if digest is None:
            return Later(0.2, note="hashing_image")
        op.memo["sha256"] = digest
        return None

    def undo(self, op: RegisterTemplate) -> Outcome:
        ended = op.world.local(
            "images.cancel_digest", lambda: images.cancel_digest(op.task_id), deadline=20.0
        )
        return None if ended else Later(0.5)


class StoreImage(Step):
    def do(self, op: RegisterTemplate) -> Outcome:
        op.world.local("images.store", lambda: images.store(op.incoming, op.final), deadline=20.0)
        op.world.local("images.cancel_digest", lambda: images.cancel_digest(op.task_id), deadline=20.0)
        return None

    def undo(self, op: RegisterTemplate) -> Outcome:
        op.world.local("images.remove", lambda: images.remove(op.final), deadline=20.0)
        return None


class RegisterTemplate(Operation):
    kind = "template.register"
    steps = (InspectImage, HashImage, StoreImage)

    @cached_property
    def template(self) -> Template:
        return Template.objects.select_related("secondary_storage").get(uuid=self.job.target_uuid)

    @property
    def task_id(self) -> str:
        return f"{self.job.uuid}-digest"

    @property
    def incoming(self) -> Path:
        return Path(self.template.secondary_storage.folder) / "incoming" / str(self.template.uuid)

    @property
    def final(self) -> Path:
        return Path(self.template.secondary_storage.folder) / f"{self.template.image}.qcow2"

    def succeeded(self) -> None:
        creating = Template.objects.filter(pk=self.template.pk, state=Template.State.CREATING)
        creating.update(
            state=Template.State.READY,
            error=None,
            size_bytes=self.memo["size_bytes"],
            virtual_size_bytes=self.memo["virtual_size_bytes"],
            sha256=self.memo["sha256"],
        )

    def failed(self, error: dict[str, Any]) -> None:
        creating = Template.objects.filter(pk=self.template.pk, state=Template.State.CREATING)
        creating.update(state=Template.State.ERROR, error=error)
        images.remove(self.incoming)  # a job cancelled before its first step has nothing else to undo

    def resolve(self) -> None:
        self.take_back(StoreImage, HashImage, InspectImage)

    def resolved(self) -> Literal["done", "failed"]:
        self.failed(self.job.error or {})
        return "failed"
