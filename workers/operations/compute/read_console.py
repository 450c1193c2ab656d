"""Read a machine's console log for someone who looks at it."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from django.utils import timezone

from apps.compute.models import ConsoleLog, VirtualMachine
from workers.operation import Operation, Outcome, Step


class ReadConsole(Step):
    no_undo = "it only looks"

    def do(self, op: ReadConsoleLog) -> Outcome:
        if op.vm is not None and op.vm.host is not None:
            hypervisor = op.world.hypervisor(op.vm.host)
            op.text = hypervisor.console_log(op.vm.uuid, limit_bytes=ConsoleLog.MAX_BYTES)
        return None


class ReadConsoleLog(Operation):
    """The text stays out of the memo: a console may show what only its owner should see. A worker
    that is lost between reading and storing costs one reading: whoever looks next asks again."""

    kind = "vm.read_console"
    steps = (ReadConsole,)
    text: bytes | None = None

    @cached_property
    def vm(self) -> VirtualMachine | None:
        """None if the machine has gone meanwhile."""
        return VirtualMachine.objects.select_related("host").filter(uuid=self.job.target_uuid).first()

    def succeeded(self) -> None:
        if self.text is None or self.vm is None:
            return
        text = self.text.decode("utf-8", "replace").replace("\0", "")
        ConsoleLog.objects.update_or_create(vm=self.vm, defaults={"text": text, "read_at": timezone.now()})

    def resolved(self) -> Literal["done", "failed"]:
        """It only looks: there is nothing to settle."""
        return "failed"
