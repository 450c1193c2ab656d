"""Destroy: power off and into the trash. Disks and addresses stay until it is expunged."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from django.conf import settings
from django.utils import timezone

from apps.compute import placement
from apps.compute.states import State
from workers.operation import PointOfNoReturn
from workers.operations.compute.base import ForceOff, ForgetMachine, ReleaseCompute, VmOperation


class DestroyVm(VmOperation):
    kind = "vm.destroy"
    steps = (PointOfNoReturn, ForceOff, ForgetMachine, ReleaseCompute)

    def succeeded(self) -> None:
        expunge_after = timezone.now() + timedelta(days=settings.TRASH_DAYS)
        self.vm.move_to(State.DESTROYED, error=None, expunge_after=expunge_after)

    def resolved(self) -> Literal["done", "failed"]:
        if self.memo["found"] == "running":
            return super().resolved()
        placement.release_compute(self.vm)
        self.succeeded()
        return "done"
