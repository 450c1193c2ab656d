"""Regions, zones and clusters: made, changed, taken away when empty. Pods come with their networks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import transaction

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.recheck import forget_place
from apps.core.checks import clean_choice, clean_ipv4, clean_whole
from apps.core.constraints import delete, insert, update
from apps.core.errors import InvalidInput
from apps.core.names import clean_name
from apps.jobs import events
from apps.jobs.events import target_type
from apps.zones import capacity
from apps.zones.models import Cluster, Pod, Region, Zone

_ARCH = re.compile(r"[a-z0-9_]{1,16}")
MAX_DNS = 3
R = TypeVar("R", Region, Zone, Cluster)


@transaction.atomic
def create_region(actor: Actor, *, name: str) -> Region:
    policy.require(actor, "region.create")
    region = insert(Region(name=clean_name(name)))
    events.record(actor, "region.create", region)
    return region


@transaction.atomic
def create_zone(
    actor: Actor,
    *,
    region: Region,
    name: str,
    network_type: str = Zone.NetworkType.BASIC,
    dns: Sequence[str] = (),
    internal_dns: Sequence[str] = (),
) -> Zone:
    """The IPv4 addresses of name servers: `dns` are those that guests of the zone ask, `internal_dns`
    those of the portal's own system there."""
    policy.require(actor, "zone.create", region)
    zone = Zone(
        region=region,
        name=clean_name(name),
        network_type=clean_choice(network_type, Zone.NetworkType, place="network_type"),
        dns=_clean_dns(dns, place="dns"),
        internal_dns=_clean_dns(internal_dns, place="internal_dns"),
    )
    insert(zone)
    events.record(actor, "zone.create", zone)
    return zone


def _clean_dns(servers: object, *, place: str) -> list[str]:
    if not isinstance(servers, list | tuple) or len(servers) > MAX_DNS:
        raise InvalidInput("out_of_range", place=place, low=0, high=MAX_DNS)
    return [str(clean_ipv4(server, place=place)) for server in servers]


def clean_arch(text: object, *, place: str = "arch") -> str:
    if not isinstance(text, str) or not _ARCH.fullmatch(text):
        raise InvalidInput("not_an_architecture", place=place)
    return text


@transaction.atomic
def create_cluster(
    actor: Actor,
    *,
    pod: Pod,
    name: str,
    hypervisor: str = Cluster.Hypervisor.KVM,
    arch: str = "x86_64",
    cpu_overcommit_percent: int = 200,
    memory_overcommit_percent: int = 100,
) -> Cluster:
    policy.require(actor, "cluster.create", pod)
    cluster = insert(
        Cluster(
            pod=pod,
            name=clean_name(name),
            hypervisor=clean_choice(hypervisor, Cluster.Hypervisor, place="hypervisor"),
            arch=clean_arch(arch),
            cpu_overcommit_percent=_clean_cpu_overcommit(cpu_overcommit_percent),
            memory_overcommit_percent=_clean_memory_overcommit(memory_overcommit_percent),
        )
    )
    events.record(actor, "cluster.create", cluster)
    return cluster


def _clean_cpu_overcommit(percent: object) -> int:
    return clean_whole(percent, place="cpu_overcommit_percent", low=100, high=5000)


def _clean_memory_overcommit(percent: object) -> int:
    return clean_whole(percent, place="memory_overcommit_percent", low=100, high=1000)


@transaction.atomic
def change_region(actor: Actor, region: Region, *, name: str | None = None) -> Region:
    policy.require(actor, "region.change", region)
    return _change(actor, region, name=None if name is None else clean_name(name))


@transaction.atomic
def change_zone(
    actor: Actor,
    zone: Zone,
    *,
    name: str | None = None,
    dns: Sequence[str] | None = None,
    internal_dns: Sequence[str] | None = None,
) -> Zone:
    """Change what is given. Machines deployed from now on ask new name servers."""
    policy.require(actor, "zone.change", zone)
    return _change(
        actor,
        zone,
        name=None if name is None else clean_name(name),
        dns=None if dns is None else _clean_dns(dns, place="dns"),
        internal_dns=None if internal_dns is None else _clean_dns(internal_dns, place="internal_dns"),
    )


@transaction.atomic
def change_cluster(
    actor: Actor,
    cluster: Cluster,
    *,
    name: str | None = None,
    cpu_overcommit_percent: int | None = None,
    memory_overcommit_percent: int | None = None,
) -> Cluster:
    """Change what is given. What is promised already stays promised: hosts that are then beyond their
    capacity take nothing new. Hypervisor and architecture are the cluster's for good."""
    policy.require(actor, "cluster.change", cluster)
    cpu, memory = cpu_overcommit_percent, memory_overcommit_percent
    cluster = _change(
        actor,
        cluster,
        name=None if name is None else clean_name(name),
        cpu_overcommit_percent=None if cpu is None else _clean_cpu_overcommit(cpu),
        memory_overcommit_percent=None if memory is None else _clean_memory_overcommit(memory),
    )
    capacity.set_capacities(cluster)
    return cluster


def _change(actor: Actor, row: R, **wanted: Any) -> R:
    """Set what is not None and differs, and record what it was and is."""
    row.refresh_from_db()
    differs = {
        name: value for name, value in wanted.items() if value is not None and getattr(row, name) != value
    }
    if not differs:
        return row
    changes = audit.changed(row, **differs)
    for name, value in differs.items():
        setattr(row, name, value)
    update(row, *differs, *(("name_key", "name_sort") if "name" in differs else ()))
    events.record(actor, f"{target_type(row)}.change", row, changes=changes)
    return row


@transaction.atomic
def remove_region(actor: Actor, region: Region) -> None:
    _remove(actor, "region.remove", region)


@transaction.atomic
def remove_zone(actor: Actor, zone: Zone) -> None:
    _remove(actor, "zone.remove", zone)


@transaction.atomic
def remove_cluster(actor: Actor, cluster: Cluster) -> None:
    _remove(actor, "cluster.remove", cluster)


def _remove(actor: Actor, kind: str, row: Region | Zone | Cluster) -> None:
    policy.require(actor, kind, row)
    forget_place(target_type(row), row.pk)
    events.record(actor, kind, row)
    delete(row)
