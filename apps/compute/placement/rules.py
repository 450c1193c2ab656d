"""What placement asks of a cluster and of a host: every rule one SQL condition that must hold.

The text is constant but for the keys of rows; every other value is a parameter. `h` is a host, `c`
its cluster, `pod` and `z` are where that is, and `room` are the pools with room for the new volumes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.compute.models import VirtualMachine
from apps.compute.placement.reasons import Reason
from apps.compute.placement.request import PlacementRequest
from apps.storage.models import PrimaryStorage
from apps.zones.capacity import machine_memory_mib

Rules = dict[Reason, str]
Strategy = VirtualMachine.Strategy
NO_KEY = -1  # the key of no row: comparing with NULL would be neither true nor false

ROOM = "zone_id = %(zone)s AND enabled AND allocated_bytes <= promised_bytes - %(disk)s"

_CLUSTER_RULES = {
    Reason.ZONE_DISABLED: "z.enabled",
    Reason.POD_DISABLED: "pod.enabled",
    Reason.CLUSTER_DISABLED: "c.enabled",
    Reason.WRONG_ARCH: "c.arch = %(arch)s",
    Reason.OTHER_POD: "pod.id = %(pod)s",
    Reason.UNREACHABLE_VOLUME: "c.id = %(reaching_cluster)s",
    Reason.NO_POOL: (
        "c.id IN (SELECT cluster_id FROM room WHERE scope = 'cluster')"
        " OR EXISTS (SELECT 1 FROM room WHERE scope <> 'cluster')"
    ),
    Reason.NO_ADDRESS: "pod.free_addresses >= %(nics)s",
}
_HOST_RULES = {
    Reason.NOT_PINNED_HOST: "h.id = %(pinned)s",
    Reason.EXCLUDED: "h.id NOT IN ({excluded})",
    Reason.UNREACHABLE_VOLUME: "h.id = %(reaching_host)s",
    Reason.HOST_DISABLED: "h.enabled",
    Reason.HOST_DOWN: "h.state = 'Up'",
    Reason.TOO_SMALL: "h.capacity_vcpus >= %(vcpus)s AND h.capacity_memory_mib >= %(memory)s",
    Reason.NO_VCPUS: "h.allocated_vcpus <= h.capacity_vcpus - %(vcpus)s",
    Reason.NO_MEMORY: "h.allocated_memory_mib <= h.capacity_memory_mib - %(memory)s",
    Reason.NO_POOL: (
        "(h.cluster_id IN (SELECT cluster_id FROM storage_primarystorage WHERE scope = 'cluster' AND {room})"
        " OR h.id IN (SELECT host_id FROM storage_primarystorage WHERE scope = 'host' AND {room}))"
    ),
}
BIT = {reason: 1 << index for index, reason in enumerate(Reason)}

_IMPLIED = {Reason.TOO_SMALL}  # by the two rules after it, since nothing allocated is negative

_ORDER = {
    Strategy.SPREAD: "h.fullness, h.id",
    Strategy.PACK: "h.fullness DESC, h.id",
    Strategy.FIRST_FIT: "h.cluster_id, h.id",
    Strategy.PINNED: "h.id",
}


def fits(host_rules: Rules, broken: Mapping[int, int]) -> str:
    """The condition that a host keeps all its rules and is of no cluster that breaks one."""
    conditions = [rule for reason, rule in host_rules.items() if reason not in _IMPLIED]
    if broken:
        conditions.append(f"h.cluster_id NOT IN ({keys(broken)})")
    return " AND ".join(conditions)


def order(strategy: str) -> str:
    """In which the strategy prefers hosts that fit; ties by id."""
    return _ORDER[Strategy(strategy)]


def params_of(request: PlacementRequest) -> dict[str, Any]:
    """The parameters of all rules."""
    return {
        "zone": request.zone_id,
        "vcpus": request.vcpus,
        "memory": machine_memory_mib(request.memory_mib),
        "disk": request.disk_bytes,
        "nics": request.nics,
        "arch": request.arch,
        "now": connection.ops.adapt_datetimefield_value(timezone.now()),
        "pod": request.pod_id or NO_KEY,
        "pinned": request.pinned_host_id or NO_KEY,
        **_reaching(request),
    }


def _reaching(request: PlacementRequest) -> dict[str, int | None]:
    """The cluster and the host that alone reach the placed volumes; None if any does, NO_KEY if none
    does, since no host reaches pools of two clusters or of two hosts."""
    owners: dict[str, set[int]] = {"cluster": set(), "host": set(), "zone": set()}
    if request.pool_ids:
        pools = PrimaryStorage.objects.filter(pk__in=request.pool_ids)
        for scope, cluster, host in pools.values_list("scope", "cluster_id", "host_id"):
            owners[scope].add(cluster or host or NO_KEY)
    return {
        f"reaching_{scope}": (owners[scope].pop() if len(owners[scope]) == 1 else NO_KEY)
        if owners[scope]
        else None
        for scope in ("cluster", "host")
    }


def cluster_rules(request: PlacementRequest, params: Mapping[str, Any]) -> Rules:
    """The rules about clusters that this request asks for."""
    asked = {
        Reason.OTHER_POD: request.pod_id is not None,
        Reason.UNREACHABLE_VOLUME: params["reaching_cluster"] is not None,
        Reason.NO_POOL: request.disk_bytes > 0,
        Reason.NO_ADDRESS: request.nics > 0,
    }
    return {reason: rule for reason, rule in _CLUSTER_RULES.items() if asked.get(reason, True)}


def host_rules(request: PlacementRequest, params: Mapping[str, Any], *, own_pools_matter: bool) -> Rules:
    """The rules about hosts that this request asks for. `own_pools_matter` where some host has a pool
    of its own with room and the zone has none."""
    asked = {
        Reason.NOT_PINNED_HOST: request.is_pinned,
        Reason.EXCLUDED: bool(request.excluded_host_ids),
        Reason.UNREACHABLE_VOLUME: params["reaching_host"] is not None,
        Reason.NO_POOL: request.disk_bytes > 0 and own_pools_matter,
    }
    filled = {"excluded": keys(request.excluded_host_ids), "room": ROOM}
    return {reason: rule.format(**filled) for reason, rule in _HOST_RULES.items() if asked.get(reason, True)}


def mask(rules: Rules) -> str:
    """The sum of the bits of all rules that are broken; 0 if none is."""
    return " + ".join(f"CASE WHEN {rule} THEN 0 ELSE {BIT[reason]} END" for reason, rule in rules.items())


def first_broken(rules: Rules, clusters: Mapping[int, int]) -> str:
    """The bit of the first reason of a host that does not fit, by its own rules and by the masks of
    `clusters`."""
    conditions: dict[Reason, str] = {reason: f"NOT ({rule})" for reason, rule in rules.items()}
    for reason in {reason for broken in clusters.values() for reason in reasons_in(broken)}:
        there = f"h.cluster_id IN ({keys(pk for pk, broken in clusters.items() if broken & BIT[reason])})"
        conditions[reason] = f"{conditions[reason]} OR {there}" if reason in conditions else there
    told = (f"WHEN {conditions[reason]} THEN {bit}" for reason, bit in BIT.items() if reason in conditions)
    return f"CASE {' '.join(told)} END"


def reasons_in(broken: int) -> tuple[Reason, ...]:
    """The reasons that a mask stands for, in their order."""
    return tuple(reason for reason, bit in BIT.items() if broken & bit)


def keys(numbers: Iterable[int]) -> str:
    """Keys for an IN list."""
    return ",".join(str(int(number)) for number in numbers) or str(NO_KEY)
