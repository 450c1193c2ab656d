"""Connect a secondary storage: mount it on the portal's own machine and see whether it can be written."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from apps.storage.models import SecondaryStorage
from workers import hosts, images
from workers.operation import Operation, Outcome, Step


class OpenStorage(Step):
    no_undo = "a folder, or a mount, that nothing uses does no harm"

    def do(self, op: ConnectSecondaryStorage) -> Outcome:
        folder, mount = Path(op.storage.folder), hosts.mount_of(op.storage)
        op.world.local("images.open_folder", lambda: images.open_folder(folder, mount), deadline=20.0)
        return None


class ConnectSecondaryStorage(Operation):
    kind = "secondary_storage.connect"
    steps = (OpenStorage,)

    @cached_property
    def storage(self) -> SecondaryStorage:
        return SecondaryStorage.objects.get(uuid=self.job.target_uuid)

    def resolved(self) -> Literal["done", "failed"]:
        """There is nothing to settle."""
        return "failed"
