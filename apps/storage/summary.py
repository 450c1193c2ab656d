"""What pools hold, promise and have left, added up by zone and cluster in one statement."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from django.db.models import Case, Count, F, IntegerField, QuerySet, Sum, When
from django.db.models.functions import Coalesce, Greatest

from apps.storage.models import PrimaryStorage


@dataclass(slots=True)
class PoolLoad:
    """Sums over pools, in bytes. `promised` is capacity times overprovisioning; `used` is what is
    written there, by whomever; `free` is what enabled pools can still take."""

    pools: int = 0
    disabled_pools: int = 0
    capacity_bytes: int = 0
    promised_bytes: int = 0
    allocated_bytes: int = 0
    used_bytes: int = 0
    free_bytes: int = 0

    def add(self, other: Self) -> None:
        for part in fields(self):
            setattr(self, part.name, getattr(self, part.name) + getattr(other, part.name))


_ROOM = Greatest(F("promised_bytes") - F("allocated_bytes"), 0)
_SUMS: dict[str, Any] = {
    "pools": Count("pk"),
    "disabled_pools": Sum(Case(When(enabled=False, then=1), default=0, output_field=IntegerField())),
    "capacity_bytes": Sum("capacity_bytes"),
    "promised_bytes": Sum("promised_bytes"),
    "allocated_bytes": Sum("allocated_bytes"),
    "used_bytes": Sum("used_bytes"),
    "free_bytes": Sum(Case(When(enabled=True, then=_ROOM), default=0)),
}


def loads_by_place(pools: QuerySet[PrimaryStorage]) -> dict[tuple[int, int | None], PoolLoad]:
    """(zone's key, cluster's key) with sums over the pools that belong there. A host's pool counts for
    the host's cluster; one of the whole zone has no cluster."""
    grouped = pools.order_by().values("zone_id", place=Coalesce("cluster_id", "host__cluster_id"))
    groups: Any = grouped.annotate(**{f"sum_{name}": total for name, total in _SUMS.items()})
    return {
        (group["zone_id"], group["place"]): PoolLoad(**{name: int(group[f"sum_{name}"]) for name in _SUMS})
        for group in groups
    }
