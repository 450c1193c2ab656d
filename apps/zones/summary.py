"""What hosts are made of, promise and have left, added up by cluster in one statement."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Self

from django.conf import settings
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Greatest, Least

from apps.zones.models import Host, HostState


@dataclass(slots=True)
class HostLoad:
    """Sums over hosts. `free_*` is what hosts that may get new machines can still take; a host that
    promised more than it has counts as full, so free is not capacity less allocated."""

    hosts: int = 0
    disabled_hosts: int = 0
    hosts_by_state: dict[str, int] = field(default_factory=dict)
    cpu_cores: int = 0
    memory_mib: int = 0
    reserve_mib: int = 0
    capacity_vcpus: int = 0
    capacity_memory_mib: int = 0
    allocated_vcpus: int = 0
    allocated_memory_mib: int = 0
    free_vcpus: int = 0
    free_memory_mib: int = 0

    def add(self, other: Self) -> None:
        for part in fields(self):
            mine, theirs = getattr(self, part.name), getattr(other, part.name)
            if isinstance(mine, dict):
                for state, count in theirs.items():
                    mine[state] = mine.get(state, 0) + count
            else:
                setattr(self, part.name, mine + theirs)


_SUMS: dict[str, Any] = {
    "cpu_cores": Sum("cpu_cores"),
    "memory_mib": Sum("memory_mib"),
    "reserve_mib": Sum(Least(F("memory_mib"), settings.HOST_RESERVE_MEMORY_MIB)),
    "capacity_vcpus": Sum("capacity_vcpus"),
    "capacity_memory_mib": Sum("capacity_memory_mib"),
    "allocated_vcpus": Sum("allocated_vcpus"),
    "allocated_memory_mib": Sum("allocated_memory_mib"),
    "free_vcpus": Sum(Greatest(F("capacity_vcpus") - F("allocated_vcpus"), 0)),
    "free_memory_mib": Sum(Greatest(F("capacity_memory_mib") - F("allocated_memory_mib"), 0)),
}


def loads_by_cluster(hosts: QuerySet[Host]) -> dict[int, HostLoad]:
    """The clusters' keys with the sums over those of their hosts that are among `hosts`."""
    found: dict[int, HostLoad] = {}
    sums = {f"sum_{name}": total for name, total in _SUMS.items()}
    switches = ("enabled", "cluster__enabled", "pod__enabled", "zone__enabled")
    groups = hosts.order_by().values("cluster_id", "state", *switches)
    for group in groups.annotate(number=Count("pk"), **sums):
        takes_more = group["state"] == HostState.UP and all(group[switch] for switch in switches)
        values = {
            name: int(group[f"sum_{name}"]) for name in _SUMS if takes_more or not name.startswith("free_")
        }
        number = group["number"]
        found.setdefault(group["cluster_id"], HostLoad()).add(
            HostLoad(
                hosts=number,
                disabled_hosts=0 if group["enabled"] else number,
                hosts_by_state={group["state"]: number},
                **values,
            )
        )
    return found
