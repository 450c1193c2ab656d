"""Connect a primary storage: learn its size from a host that reaches it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from apps.storage.models import PrimaryStorage
from apps.zones.models import Host
from workers.operation import Operation, Outcome, Step


class ReadPool(Step):
    no_undo = "it only looks"

    def do(self, op: ConnectPrimaryStorage) -> Outcome:
        facts = op.world.storage(Host.objects.get(uuid=op.args["host"]), op.pool).facts()
        op.memo["capacity_bytes"], op.memo["used_bytes"] = facts.capacity_bytes, facts.used_bytes
        return None


class ConnectPrimaryStorage(Operation):
    kind = "primary_storage.connect"
    steps = (ReadPool,)

    @cached_property
    def pool(self) -> PrimaryStorage:
        return PrimaryStorage.objects.get(uuid=self.job.target_uuid)

    def succeeded(self) -> None:
        record_facts(self.pool, self.memo)

    def resolved(self) -> Literal["done", "failed"]:
        """It only looks: there is nothing to settle."""
        return "failed"


def record_facts(pool: PrimaryStorage, facts: dict[str, Any]) -> None:
    """Write a pool's size; `promised_bytes` follows from it and from its overprovisioning."""
    promised = facts["capacity_bytes"] * pool.overprovision_percent // 100
    PrimaryStorage.objects.filter(pk=pool.pk).update(
        capacity_bytes=facts["capacity_bytes"], used_bytes=facts["used_bytes"], promised_bytes=promised
    )
