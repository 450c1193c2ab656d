"""What there is of a zone already, read by a constant number of queries, however many rows it has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from apps.core.models import NamedRow
from apps.core.names import fold
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.zones.models import Cluster, Host, Pod, Region, Zone

N = TypeVar("N", bound=NamedRow)


@dataclass
class World:
    """A zone's rows by the folded names of their parents and their own."""

    region: Region | None = None
    zone: Zone | None = None
    pods: dict[str, Pod] = field(default_factory=dict)
    clusters: dict[tuple[str, str], Cluster] = field(default_factory=dict)
    hosts: dict[tuple[str, str, str], Host] = field(default_factory=dict)
    primaries: dict[str, PrimaryStorage] = field(default_factory=dict)
    secondaries: dict[str, SecondaryStorage] = field(default_factory=dict)


def read_world(region: str, zone: str) -> World:
    """The zone of this name in the region of this name, as far as they are there."""
    world = World(Region.objects.filter(name_key=fold(region)).first())
    if world.region is not None:
        zones = Zone.objects.select_related("region")
        world.zone = zones.filter(region=world.region, name_key=fold(zone)).first()
    return fill(world) if world.zone is not None else world


def world_of(zone: Zone) -> World:
    return fill(World(zone.region, zone))


def fill(world: World) -> World:
    zone = world.zone
    world.pods = _by_name(Pod.objects.filter(zone=zone).select_related("network"))
    clusters = list(Cluster.objects.filter(pod__zone=zone).select_related("pod").order_by("id"))
    world.clusters = {(one.pod.name_key, one.name_key): one for one in clusters}
    cluster_keys = {one.pk: key for key, one in world.clusters.items()}
    hosts = Host.objects.filter(zone=zone).defer("private_key", "shown_key").order_by("id")
    world.hosts = {(*cluster_keys[one.cluster_id], one.name_key): one for one in hosts}
    pools = PrimaryStorage.objects.filter(zone=zone).select_related("cluster__pod", "host__cluster__pod")
    world.primaries = _by_name(pools)
    world.secondaries = _by_name(SecondaryStorage.objects.filter(zone=zone))
    return world


def _by_name(rows: Iterable[N]) -> dict[str, N]:
    return {row.name_key: row for row in sorted(rows, key=lambda row: row.pk)}
