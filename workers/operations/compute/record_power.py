"""Follow the host: a machine that went off, or was started, behind our back.

Host sync submits this after two reports in a row that agree; the operation looks once more itself,
holding the machine's lock, and only then changes anything.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from apps.compute import placement
from apps.compute.states import State
from apps.zones.models import Host
from workers.drivers import base
from workers.operation import Outcome, PointOfNoReturn, Step
from workers.operations.compute.base import VmOperation, put_away


class LookAgain(Step):
    no_undo = "it only looks"

    def do(self, op: RecordPower) -> Outcome:
        found = [state for state in op.hypervisor.states() if state.uuid == op.vm.uuid]
        op.memo["power"] = found[0].power if found else "missing"
        return None


class PutAway(Step):
    """What is off is forgotten by the host; what runs although it is in the trash is powered off."""

    no_undo = "it comes after the point of no return"

    def do(self, op: RecordPower) -> Outcome:
        if op.settles_to in {State.STOPPED, State.DESTROYED}:
            put_away(op)
        return None


class RecordPower(VmOperation):
    kind = "vm.record_power"
    steps = (LookAgain, PointOfNoReturn, PutAway)

    @cached_property
    def reported_by(self) -> Host:
        return Host.objects.get(uuid=self.args["host"])

    @property
    def host(self) -> Host:
        return self.reported_by

    @property
    def settles_to(self) -> State:
        runs = self.memo.get("power") in {base.Power.RUNNING, base.Power.PAUSED}
        if self.vm.state == State.DESTROYED:
            return State.DESTROYED
        elsewhere = self.vm.host_id != self.reported_by.pk
        if self.vm.state == State.RUNNING and (elsewhere or self.memo.get("power") == base.Power.UNKNOWN):
            return State.RUNNING
        return State.RUNNING if runs else State.STOPPED

    def succeeded(self) -> None:
        state = self.settles_to
        if state == State.RUNNING and self.vm.host_id is None:
            placement.claim_compute_on(self.vm, self.reported_by, beyond=True)
        if state == State.STOPPED:
            placement.release_compute(self.vm)
        if state != self.vm.state:
            self.vm.move_to(state, beyond=True)

    def resolve(self) -> None:
        """The look at the host is what settles it."""
        LookAgain().do(self)
        PutAway().do(self)

    def resolved(self) -> Literal["done", "failed"]:
        self.succeeded()
        return "done"
