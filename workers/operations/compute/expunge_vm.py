"""Expunge: the disks, the seed and the rows go. Nothing brings them back."""

from __future__ import annotations

from typing import Literal

from apps.compute import placement
from apps.compute.services.lifecycle import delete_rows, release_quota
from apps.zones.models import HostState
from workers.operation import Outcome, PointOfNoReturn, Step
from workers.operations.compute.base import VmOperation, storage_host


class DeleteFiles(Step):
    no_undo = "it comes after the point of no return"

    def do(self, op: ExpungeVm) -> Outcome:
        for index, volume in enumerate(op.volumes):
            if volume.pool is None:
                continue
            storage = op.world.storage(storage_host(op.vm, volume.pool), volume.pool)
            storage.delete(volume.image)
            if index == 0:
                storage.delete(op.vm.seed)
        return None


class ForgetConsole(Step):
    """A host that is down keeps the log until it is cleaned by hand: it must not keep the disks' room."""

    no_undo = "it comes after the point of no return"

    def do(self, op: ExpungeVm) -> Outcome:
        host = op.vm.last_host
        if host is not None and host.state == HostState.UP:
            op.world.hypervisor(host).remove_console_log(op.vm.uuid)
        return None


class ExpungeVm(VmOperation):
    kind = "vm.expunge"
    steps = (PointOfNoReturn, DeleteFiles, ForgetConsole)

    def succeeded(self) -> None:
        placement.release_everything(self.vm)
        release_quota(self.vm)
        delete_rows(self.vm)

    def resolve(self) -> None:
        """There is one way out: what is left of the files goes."""
        DeleteFiles().do(self)

    def resolved(self) -> Literal["done", "failed"]:
        self.succeeded()
        return "done"
