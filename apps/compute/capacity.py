"""What the cloud has, promised and has left, from the whole of it down to clusters: few statements,
whatever the number of hosts, pools and machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Count, Model, Q

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.reach import Reach
from apps.compute.models import VirtualMachine
from apps.storage.models import PrimaryStorage
from apps.storage.summary import PoolLoad, loads_by_place
from apps.zones.models import Cluster, Host, Pod, Region, Zone
from apps.zones.summary import HostLoad, loads_by_cluster

Within = Region | Zone | Pod | Cluster
_Key = tuple[type[Model], int | None]


@dataclass(slots=True)
class Place:
    """A part of the cloud with the sums over all that is below it. The whole has no row.

    Machines that are on no host count for their pod, or their zone while they have none.
    """

    kind: str
    row: Any = None
    hosts: HostLoad = field(default_factory=HostLoad)
    storage: PoolLoad = field(default_factory=PoolLoad)
    machines_by_state: dict[str, int] = field(default_factory=dict)
    machines_on_hosts: int = 0
    children: list[Place] = field(default_factory=list)

    @property
    def machines(self) -> int:
        return sum(self.machines_by_state.values())

    @property
    def overhead_mib(self) -> int:
        """How much of the allocated memory is QEMU's own, beside what guests were given."""
        return self.machines_on_hosts * settings.MACHINE_OVERHEAD_MEMORY_MIB

    def below(self) -> Iterator[Place]:
        """It and all below it, from the top."""
        yield self
        for child in self.children:
            yield from child.below()

    def of_kind(self, kind: str) -> list[Place]:
        return [place for place in self.below() if place.kind == kind]


_HOSTS = {Region: "zone__region", Zone: "zone", Pod: "pod", Cluster: "cluster"}
_MACHINES = {Region: "zone__region", Zone: "zone", Pod: "pod", Cluster: "host__cluster"}
_CLUSTERS = {Region: "pod__zone__region", Zone: "pod__zone", Pod: "pod", Cluster: "pk"}
_PODS = {Region: "zone__region", Zone: "zone", Pod: "pk", Cluster: "clusters"}
_ZONES = {Region: "region", Zone: "pk", Pod: "pods", Cluster: "pods__clusters"}
_ABOVE: tuple[tuple[type[Model], str, type[Model]], ...] = (
    (Host, "cluster", Cluster),
    (Cluster, "pod", Pod),
    (Pod, "zone", Zone),
    (Zone, "region", Region),
)
_REGIONS = {Region: "pk", Zone: "zones", Pod: "zones__pods", Cluster: "zones__pods__clusters"}


def capacity_of(actor: Actor, within: Within | None = None) -> Place:
    """The whole cloud as a tree of regions, zones, pods and clusters, or the part that `within` is,
    with its own children; seven statements. Of places that the actor reaches in part, only that part
    counts."""
    policy.require_somewhere(actor, "capacity.read")
    seen = _seen(actor.reach("capacity.read"))
    whole = Place("cloud")
    places: dict[tuple[type[Model], int], Place] = {}
    for model, paths, parent in (
        (Region, _REGIONS, None),
        (Zone, _ZONES, (Region, "region_id")),
        (Pod, _PODS, (Zone, "zone_id")),
        (Cluster, _CLUSTERS, (Pod, "pod_id")),
    ):
        rows = model._default_manager.filter(_inside(paths, within), seen[model]).order_by("name_sort", "pk")
        for row in rows:
            above = places.get((parent[0], getattr(row, parent[1]))) if parent else whole
            if above is not None:  # else both were made since the rows above were read
                place = places[model, row.pk] = Place(model.__name__.lower(), row)
                above.children.append(place)
    _add_hosts(whole, places, within, seen[Host])
    _add_pools(whole, places, within, seen[PrimaryStorage])
    _add_machines(whole, places, within, seen[VirtualMachine])
    if within is None:
        return whole
    if (type(within), within.pk) not in places:
        raise policy.Refused(actor, "capacity.read", within)
    return places[type(within), within.pk]


def _seen(reach: Reach) -> dict[type[Model], Q]:
    """Of each kind the rows within the reach; of places also those that hold one of them."""
    kinds: tuple[type[Model], ...] = (Host, Cluster, Pod, Zone, Region, PrimaryStorage, VirtualMachine)
    seen = {model: policy.scope_of(model).where(reach) for model in kinds}
    if not reach.everything:
        for below, column, above in _ABOVE:
            inside = below._default_manager.filter(seen[below]).values(column)
            seen[above] |= Q(pk__in=inside)
    return seen


def _inside(paths: dict[type[Any], str], within: Within | None) -> Q:
    return Q() if within is None else Q(**{paths[type(within)]: within.pk})


def _chain(whole: Place, places: dict[Any, Place], *keys: _Key) -> list[Place]:
    """From the whole down to the lowest place that is known: each of `keys` names one level."""
    found = [places[key] for key in keys if key in places]
    return [whole, *found]


def _above_cluster(places: dict[Any, Place], cluster: int | None) -> list[_Key]:
    if (Cluster, cluster) not in places:
        return []
    row = places[Cluster, cluster].row
    return [(Pod, row.pod_id), (Cluster, cluster)]


def _above_zone(places: dict[Any, Place], zone: int | None) -> list[_Key]:
    if (Zone, zone) not in places:
        return []
    return [(Region, places[Zone, zone].row.region_id), (Zone, zone)]


def _add_hosts(whole: Place, places: dict[Any, Place], within: Within | None, seen: Q) -> None:
    for cluster, load in loads_by_cluster(Host.objects.filter(_inside(_HOSTS, within), seen)).items():
        low = _above_cluster(places, cluster)
        zone = places[low[0]].row.zone_id if low else None
        for place in _chain(whole, places, *_above_zone(places, zone), *low):
            place.hosts.add(load)


def _add_pools(whole: Place, places: dict[Any, Place], within: Within | None, seen: Q) -> None:
    pools = PrimaryStorage.objects.filter(seen)
    if isinstance(within, Pod | Cluster):
        path = "pod" if isinstance(within, Pod) else "pk"
        pools = pools.filter(
            Q(**{f"cluster__{path}": within.pk}) | Q(**{f"host__cluster__{path}": within.pk})
        )
    else:
        pools = pools.filter(_inside(_HOSTS, within))
    for (zone, cluster), load in loads_by_place(pools).items():
        keys = [*_above_zone(places, zone), *_above_cluster(places, cluster)]
        for place in _chain(whole, places, *keys):
            place.storage.add(load)


def _add_machines(whole: Place, places: dict[Any, Place], within: Within | None, seen: Q) -> None:
    machines = VirtualMachine.objects.filter(_inside(_MACHINES, within), seen).order_by()
    groups = machines.values_list("zone", "pod", "host__cluster", "state").annotate(Count("pk"))
    for zone, pod, cluster, state, count in groups:
        keys: list[_Key] = [*_above_zone(places, zone), (Pod, pod), (Cluster, cluster)]
        for place in _chain(whole, places, *keys):
            place.machines_by_state[state] = place.machines_by_state.get(state, 0) + count
            place.machines_on_hosts += count if cluster else 0
