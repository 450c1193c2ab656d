"""Reboot: off as a stop does it, on again where it was."""

from __future__ import annotations

from workers.operation import PointOfNoReturn
from workers.operations.compute.base import AskGuest, ForceOff, StartMachine, VmOperation


class RebootVm(VmOperation):
    kind = "vm.reboot"
    steps = (AskGuest, PointOfNoReturn, ForceOff, StartMachine)
