"""Force stop: pull the plug."""

from __future__ import annotations

from workers.operation import PointOfNoReturn
from workers.operations.compute.base import ForceOff, ForgetMachine, ReleaseCompute, VmOperation


class ForceStopVm(VmOperation):
    kind = "vm.force_stop"
    steps = (PointOfNoReturn, ForceOff, ForgetMachine, ReleaseCompute)
