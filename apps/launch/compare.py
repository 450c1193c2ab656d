"""What of a part differs from its row, and which of that can be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.names import fold
from apps.launch.document import ClusterPart, HostPart, PodPart, PrimaryPart, SecondaryPart, ZonePart
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.zones.models import Cluster, Host, Pod, Zone

Pairs = Mapping[str, tuple[Any, Any]]
"""By the document's word for it: what is there, and what the document says."""

PLACE_OF_FILES = ("server", "path", "settings")


@dataclass(frozen=True, slots=True)
class Compared:
    """`fixed` is what is a row's for good."""

    settable: Pairs
    fixed: Pairs


def zone(part: ZonePart, row: Zone) -> Compared:
    settable = {
        "name": (row.name, part.name),
        "public_dns": (row.dns, list(part.public_dns)),
        "internal_dns": (row.internal_dns, list(part.internal_dns)),
        "enabled": (row.enabled, part.enabled),
    }
    return Compared(settable, {"network_type": (row.network_type, part.network_type)})


def pod(part: PodPart, row: Pod) -> Compared:
    network = row.network
    reserved = (row.reserved_start, row.reserved_end) if row.reserved_start else None
    settable = {
        "name": (row.name, part.name),
        "gateway": (row.gateway, part.gateway),
        "guest": (_range((row.guest_start, row.guest_end)), _range(part.guest)),
        "reserved_system_ips": (_range(reserved), _range(part.reserved)),
        "bridge": (network.bridge, part.bridge),
        "mtu": (network.mtu, part.mtu),
        "enabled": (row.enabled, part.enabled),
    }
    return Compared(settable, {"netmask": (row.cidr, part.cidr)})


def _range(ends: tuple[str | None, str | None] | None) -> str:
    return f"{ends[0]} - {ends[1]}" if ends else ""


def cluster(part: ClusterPart, row: Cluster) -> Compared:
    percents = ("cpu_overcommit_percent", "memory_overcommit_percent")
    settable = _pairs(part, row, "name", *percents, "enabled")
    return Compared(settable, _pairs(part, row, "hypervisor", "arch"))


def host(part: HostPart, row: Host) -> Compared:
    """A document without a host key leaves the one that is trusted."""
    settable = _pairs(part, row, "name", "address", "port", "username", "uri", "enabled")
    if part.host_key:
        settable["host_key"] = (row.host_key, part.host_key)
    return Compared(settable, _pairs(part, row, "extra"))


def primary(part: PrimaryPart, row: PrimaryStorage) -> Compared:
    settable = _pairs(part, row, "name", *PLACE_OF_FILES, "overprovision_percent", "enabled")
    owned = (row.host or row.cluster) if row.scope != "zone" else None
    owner = {"scope": (row.scope, part.scope)}
    if part.scope == row.scope and owned is not None:
        own = row.host.cluster if row.host else row.cluster
        assert own is not None  # noqa: S101 - its scope says so
        there = (own.pod.name_key, own.name_key, row.host.name_key if row.host else "")
        wanted = tuple(map(fold, (part.pod, part.cluster, part.host if row.host else "")))
        if there != wanted:
            owner[part.scope] = (owned.name, part.host or part.cluster)
    return Compared(settable, {**owner, "protocol": (row.driver, part.driver)})


def secondary(part: SecondaryPart, row: SecondaryStorage) -> Compared:
    settable = _pairs(part, row, "name", "server", "path", "enabled")
    return Compared(settable, {"protocol": (row.driver, part.driver)})


def _pairs(part: Any, row: Any, *names: str) -> dict[str, tuple[Any, Any]]:
    return {name: (getattr(row, name), getattr(part, name)) for name in names}
