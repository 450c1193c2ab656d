"""A zone as its document: planning it again finds nothing to do. No secret is in it: the hosts' public
keys are, private keys are not."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network
from typing import Any

import yaml

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.launch.document import DEFAULT_BRIDGE, DEFAULT_URI
from apps.launch.world import World, world_of
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.zones.models import Cluster, Host, Pod, Zone

Section = dict[str, Any]
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_ALONE = (
    ("pod", "pods"),
    ("cluster", "clusters"),
    ("host", "hosts"),
    ("primary_storage", "primary_storages"),
    ("secondary_storage", "secondary_storages"),
)


def export_zone(actor: Actor, zone: Zone) -> str:
    """The zone's YAML."""
    policy.require(actor, "zone.export", zone)
    return dump(describe(world_of(zone)))


def dump(sections: Section) -> str:
    return str(yaml.dump(sections, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100))


def describe(world: World) -> Section:
    """The sections of a zone's document. A part that is alone stands in the singular."""
    assert world.zone is not None and world.region is not None  # noqa: S101, PT018 - it is there
    clusters = Counter(name for _pod, name in world.clusters)
    hosts = Counter(name for _pod, _cluster, name in world.hosts)
    lists: dict[str, list[Section]] = {
        "pods": [_pod(row) for row in world.pods.values()],
        "clusters": [_cluster(row) for row in world.clusters.values()],
        "hosts": [
            _host(row, world.clusters[pod, cluster], clusters)
            for (pod, cluster, _name), row in world.hosts.items()
        ],
        "primary_storages": [_primary(row, clusters, hosts) for row in world.primaries.values()],
        "secondary_storages": [_secondary(row) for row in world.secondaries.values()],
    }
    found: Section = {"region": {"name": world.region.name}, "zone": _zone(world.zone)}
    for singular, plural in _ALONE:
        rows = lists[plural]
        if len(rows) == 1:
            found[singular] = rows[0]
        elif rows:
            found[plural] = rows
    return found


def _without(section: Section, row: Any, **usual: Any) -> Section:
    """The section without what is usual or empty; `enabled` only where it is not."""
    kept = {
        name: value
        for name, value in section.items()
        if value not in ("", None, {}, []) and (name not in usual or usual[name] != value)
    }
    return kept if row.enabled else {**kept, "enabled": False}


def _zone(row: Zone) -> Section:
    return _without(
        {
            "name": row.name,
            "network_type": row.network_type,
            "public_dns": row.dns,
            "internal_dns": row.internal_dns,
        },
        row,
    )


def _pod(row: Pod) -> Section:
    reserved = {"start": row.reserved_start, "end": row.reserved_end} if row.reserved_start else None
    network = row.network
    return _without(
        {
            "name": row.name,
            "gateway": row.gateway,
            "netmask": str(IPv4Network(row.cidr).netmask),
            "reserved_system_ips": reserved,
            "guest": {"start": row.guest_start, "end": row.guest_end},
            "bridge": network.bridge,
            "mtu": network.mtu,
        },
        row,
        bridge=DEFAULT_BRIDGE,
        mtu=1500,
    )


def _cluster(row: Cluster) -> Section:
    return _without(
        {
            "name": row.name,
            "pod": row.pod.name,
            "hypervisor": row.hypervisor,
            "arch": row.arch,
            "cpu_overcommit_percent": row.cpu_overcommit_percent,
            "memory_overcommit_percent": row.memory_overcommit_percent,
        },
        row,
    )


def _host(row: Host, cluster: Cluster, names: Counter[str]) -> Section:
    return _without(
        {
            "name": row.name,
            "pod": cluster.pod.name if names[cluster.name_key] > 1 else "",
            "cluster": cluster.name,
            "address": row.address,
            "ssh_port": row.port,
            "username": row.username,
            "host_key": row.host_key,
            "uri": row.uri,
            "extra": row.extra,
        },
        row,
        ssh_port=22,
        username="root",
        uri=DEFAULT_URI,
    )


def _primary(row: PrimaryStorage, clusters: Counter[str], hosts: Counter[str]) -> Section:
    cluster = row.host.cluster if row.host else row.cluster
    twice = cluster is not None and clusters[cluster.name_key] > 1
    host_twice = row.host is not None and hosts[row.host.name_key] > 1
    return _without(
        {
            "name": row.name,
            "pod": cluster.pod.name if cluster and (twice or host_twice) else "",
            "cluster": cluster.name if cluster and (row.scope == "cluster" or host_twice) else "",
            "host": row.host.name if row.host else "",
            "protocol": row.driver,
            "server": row.server,
            "path": row.path,
            "settings": row.settings,
            "overprovision_percent": row.overprovision_percent,
        },
        row,
    )


def _secondary(row: SecondaryStorage) -> Section:
    return _without({"name": row.name, "protocol": row.driver, "server": row.server, "path": row.path}, row)
