"""What a host can promise, and claiming a part of it: one conditional UPDATE, on any database."""

from __future__ import annotations

from django.conf import settings
from django.db.models import BigIntegerField, F
from django.db.models.functions import Cast, Greatest

from apps.core import sql
from apps.zones.models import Cluster, Host


def set_capacity(host: Host) -> None:
    """Work out the capacity from the host's facts and its cluster's overcommit. Does not save."""
    cluster = host.cluster
    host.capacity_vcpus = host.cpu_cores * cluster.cpu_overcommit_percent // 100
    usable_mib = max(0, host.memory_mib - settings.HOST_RESERVE_MEMORY_MIB)
    host.capacity_memory_mib = usable_mib * cluster.memory_overcommit_percent // 100


def set_capacities(cluster: Cluster) -> None:
    """The same for all hosts of a cluster whose overcommit changed, in one statement."""
    usable_mib = Cast(Greatest(F("memory_mib") - settings.HOST_RESERVE_MEMORY_MIB, 0), BigIntegerField())
    Host.objects.filter(cluster=cluster).update(
        capacity_vcpus=F("cpu_cores") * cluster.cpu_overcommit_percent / 100,
        capacity_memory_mib=usable_mib * cluster.memory_overcommit_percent / 100,
    )


def machine_memory_mib(memory_mib: int) -> int:
    """What a guest of this memory takes from its host: QEMU's own overhead counts."""
    return memory_mib + settings.MACHINE_OVERHEAD_MEMORY_MIB


_CLAIM = """
UPDATE zones_host SET allocated_vcpus = allocated_vcpus + %(vcpus)s,
  allocated_memory_mib = allocated_memory_mib + %(memory)s
WHERE id = %(host)s
"""
_IF_IT_FITS = """
  AND allocated_vcpus <= capacity_vcpus - %(vcpus)s
  AND allocated_memory_mib <= capacity_memory_mib - %(memory)s
"""


def claim(host_id: int, *, vcpus: int, memory_mib: int, beyond: bool = False) -> bool:
    """Take this much of the host; False if it does not have it any more. `beyond` records what
    already runs there, whether it fits or not."""
    statement = _CLAIM if beyond else _CLAIM + _IF_IT_FITS
    return bool(sql.changed(statement, {"host": host_id, "vcpus": vcpus, "memory": memory_mib}))


def give_back(host_id: int, *, vcpus: int, memory_mib: int) -> None:
    Host.objects.filter(pk=host_id).update(
        allocated_vcpus=F("allocated_vcpus") - vcpus,
        allocated_memory_mib=F("allocated_memory_mib") - memory_mib,
    )
