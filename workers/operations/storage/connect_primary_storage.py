"""Connect a primary storage: learn its size from a host that reaches it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from django.db.models import BigIntegerField, F
from django.db.models.functions import Cast

from apps.storage.models import PrimaryStorage
from apps.zones.models import Host
from workers.drivers.base import PoolFacts
from workers.drivers.errors import CommandFailed, DriverError, ObjectMissing
from workers.operation import Operation, Outcome, Step
from workers.world import World


def facts_of(world: World, host: Host, pool: PrimaryStorage) -> PoolFacts:
    """The pool's size as this host sees it. What goes wrong is told with the pool's name and place."""
    try:
        return world.storage(host, pool).facts()
    except DriverError as error:
        if isinstance(error, ObjectMissing | CommandFailed):
            reason = "pool_folder_missing" if isinstance(error, ObjectMissing) else "pool_not_reached"
            place = f"{pool.server}:{pool.path}" if pool.server else pool.path
            error.params |= {"reason": reason, "storage": pool.name, "path": place}
        raise


class ReadPool(Step):
    no_undo = "it only looks"

    def do(self, op: ConnectPrimaryStorage) -> Outcome:
        facts = facts_of(op.world, Host.objects.get(uuid=op.args["host"]), op.pool)
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
    percent = Cast(F("overprovision_percent"), BigIntegerField())
    promised = percent * facts["capacity_bytes"] / 100
    PrimaryStorage.objects.filter(pk=pool.pk).update(
        capacity_bytes=facts["capacity_bytes"], used_bytes=facts["used_bytes"], promised_bytes=promised
    )
