"""Stop: ask the guest, and only when the grace is over power off by force."""

from __future__ import annotations

from workers.operation import PointOfNoReturn
from workers.operations.compute.base import AskGuest, ForceOff, ForgetMachine, ReleaseCompute, VmOperation


class StopVm(VmOperation):
    kind = "vm.stop"
    steps = (AskGuest, PointOfNoReturn, ForceOff, ForgetMachine, ReleaseCompute)
