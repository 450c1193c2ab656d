"""Start a stopped machine: on its last host if that has room, else on another of its pod."""

from __future__ import annotations

from workers.operations.compute.base import ClaimHost, DefineMachine, PlugNics, StartMachine, VmOperation


class StartVm(VmOperation):
    kind = "vm.start"
    steps = (ClaimHost, PlugNics, DefineMachine, StartMachine)
