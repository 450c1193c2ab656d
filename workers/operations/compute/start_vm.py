"""Start a stopped machine: on its last host if that has room, else on another of its pod."""

from __future__ import annotations

from django.conf import settings

from apps.compute import placement
from apps.jobs import locks
from workers.operation import Outcome, Step, WaitFor
from workers.operations.compute.base import DefineMachine, PlugNics, StartMachine, VmOperation


class ClaimHost(Step):
    """Claims CPU and memory; its disks and addresses it never gave up."""

    atomic = True

    def do(self, op: VmOperation) -> Outcome:
        host = placement.place(op.vm)
        resource = f"host:{host.uuid}"
        if locks.take_slot(op.job, resource, settings.JOB_SLOTS_PER_HOST):
            return None
        return WaitFor(f"slot:{resource}", "waiting_for_host")

    def undo(self, op: VmOperation) -> Outcome:
        placement.release_compute(op.vm)
        return None


class StartVm(VmOperation):
    kind = "vm.start"
    steps = (ClaimHost, PlugNics, DefineMachine, StartMachine)
