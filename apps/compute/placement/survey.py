"""One look at a zone, decided in SQL: which hosts fit, and why each of the others does not.

Rules about a cluster, its pod or its zone are judged once a cluster. Every rule about a host is one
SQL condition: the hosts that keep them all are ordered by the strategy; the others are grouped by
cluster and by a mask of the rules they break. So ten thousand hosts come back as ten rows and a few
a cluster. `share` is the scarcer of free CPU and free memory in permille of the host's capacity,
after placement; `rank` is the share and then the id, in one 64-bit number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apps.compute.models import VirtualMachine
from apps.compute.placement.reasons import Reason
from apps.compute.placement.request import PlacementRequest
from apps.storage.models import PrimaryStorage
from apps.zones.capacity import machine_memory_mib

Strategy = VirtualMachine.Strategy
BEST = 10
_NONE = -1  # the key of no row: comparing with NULL would be neither true nor false

_CLUSTERS = """
WITH pod AS MATERIALIZED (
  SELECT p.id, p.uuid, p.name, p.enabled, n.id AS network_id,
    (SELECT count(*) FROM (
       SELECT 1 FROM network_ipaddress a
       WHERE a.network_id = n.id AND a.holder IS NULL
         AND (a.free_after IS NULL OR a.free_after <= %(now)s)
       LIMIT %(nics)s) AS enough) AS free_addresses
  FROM zones_pod p LEFT JOIN network_network n ON n.pod_id = p.id
  WHERE p.zone_id = %(zone)s),
room AS MATERIALIZED (
  SELECT scope, cluster_id FROM storage_primarystorage
  WHERE {room})
SELECT c.id, c.uuid, c.name, c.arch, pod.id, pod.uuid, pod.name, pod.network_id, pod.free_addresses,
  EXISTS (SELECT 1 FROM room WHERE scope = 'zone'),
  EXISTS (SELECT 1 FROM room WHERE scope = 'host'),
  z.enabled, (SELECT count(*) FROM zones_host h WHERE h.zone_id = %(zone)s), {mask}
FROM zones_cluster c JOIN pod ON pod.id = c.pod_id JOIN zones_zone z ON z.id = %(zone)s
ORDER BY c.id
"""

_ROOM = "zone_id = %(zone)s AND enabled AND allocated_bytes <= promised_bytes - %(disk)s"

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
_BIT = {reason: 1 << index for index, reason in enumerate(Reason)}

_SHARE = (
    "{greatest}({least}("
    "(h.capacity_vcpus - h.allocated_vcpus - %(vcpus)s) * CAST(1000 AS bigint)"
    " / {greatest}(h.capacity_vcpus, 1),"
    " (h.capacity_memory_mib - h.allocated_memory_mib - %(memory)s) * CAST(1000 AS bigint)"
    " / {greatest}(h.capacity_memory_mib, 1)), -1000000)"
)
_STANDARD = {"greatest": "greatest", "least": "least"}
_FUNCTIONS = {"sqlite": {"greatest": "max", "least": "min"}}
_ORDER = {
    Strategy.SPREAD: "{share} DESC, h.id",
    Strategy.PACK: "{share}, h.id",
    Strategy.FIRST_FIT: "h.cluster_id, h.id",
    Strategy.PINNED: "h.id",
}


class ClusterView(NamedTuple):
    """A row of _CLUSTERS. `free_addresses` of its pod are counted only as far as needed."""

    pk: int
    uuid: UUID | str
    name: str
    arch: str
    pod_id: int
    pod_uuid: UUID | str
    pod_name: str
    network_id: int | None
    free_addresses: int
    zone_has_pool: bool  # these two: one with room for the new volumes
    some_host_has_pool: bool
    zone_enabled: bool
    hosts_in_zone: int
    mask: int  # the rules about clusters that it breaks


class HostGroup(NamedTuple):
    """Hosts of one cluster that break the same rules; `rank` is that of the one nearest to fitting."""

    cluster: int
    mask: int
    hosts: int
    rank: int


@dataclass(frozen=True, slots=True)
class HostView:
    """One host and how it stands. `share` is negative where something is lacking."""

    pk: int
    uuid: UUID | str
    name: str
    cluster: ClusterView
    reasons: tuple[Reason, ...]
    share: int
    free_vcpus: int
    free_memory_mib: int


class Survey:
    """What a request finds in its zone. Whether anything fits is decided by `best`."""

    def __init__(self, request: PlacementRequest) -> None:
        self.request = request
        self.memory_mib = machine_memory_mib(request.memory_mib)
        self.params: dict[str, Any] = {
            "zone": request.zone_id,
            "vcpus": request.vcpus,
            "memory": self.memory_mib,
            "disk": request.disk_bytes,
            "nics": request.nics,
            "now": connection.ops.adapt_datetimefield_value(timezone.now()),
            "arch": request.arch,
            "pod": request.pod_id or _NONE,
            "pinned": request.pinned_host_id or _NONE,
        }
        self._reaching = _reaching(request.pool_ids)
        for scope, keys in self._reaching.items():  # no host reaches pools of two clusters or two hosts
            self.params[f"reaching_{scope}"] = keys[0] if len(keys) == 1 else _NONE
        statement = _CLUSTERS.format(mask=_mask(self._cluster_rules()), room=_ROOM)
        rows = [ClusterView._make(row) for row in self._fetch(statement)]
        self.clusters = {row.pk: row for row in rows}
        self.considered = rows[0].hosts_in_zone if rows else 0
        self._rules = self._host_rules(rows)
        self._mask = _mask(self._rules)
        self._share = _SHARE.format(**_FUNCTIONS.get(connection.vendor, _STANDARD))
        self._known: dict[int, tuple[Reason, ...]] = {}

    @cached_property
    def unfit(self) -> list[HostGroup]:
        """The hosts that do not fit."""
        return self._read_unfit("0")

    @property
    def fitting(self) -> int:
        """How many hosts fit, for people: the statements of a survey may see different moments."""
        return max(0, self.considered - sum(group.hosts for group in self.unfit))

    def best(self) -> list[HostView]:
        """The hosts to try, in order: the machine's last host if it fits, then the ten best."""
        order = _ORDER[Strategy(self.request.strategy)].format(share=self._share)
        best = self.read_hosts(self._fits(), order=order, limit=BEST)
        if self.request.last_host_id is None or self.request.is_pinned:
            return best
        last = self.read_hosts("h.id = %(last)s", {"last": self.request.last_host_id}, limit=1)
        fits = [host for host in last if not host.reasons]
        return [*fits, *(host for host in best if host not in fits)][:BEST]

    def mask_of(self, group: HostGroup) -> int:
        """All rules that the group breaks, those about its cluster too: a bit each, in the order of
        Reason."""
        return group.mask | self.clusters[group.cluster].mask

    def reasons_of(self, group: HostGroup) -> tuple[Reason, ...]:
        return self._reasons(self.mask_of(group))

    def score(self, host: HostView) -> int:
        """0 to 1000. Where the strategy prefers none of the hosts that fit, all have 1000."""
        share = max(0, min(1000, host.share))
        by_strategy = {Strategy.SPREAD.value: share, Strategy.PACK.value: 1000 - share}
        return by_strategy.get(self.request.strategy, 1000)

    def nearest(self, distance: Callable[[HostGroup], Any], limit: int) -> list[HostView]:
        """The unfit hosts at the least distance, those with the largest share first among equals.

        Each of the first `limit` groups, by distance and the rank of its first host, has a host that
        comes before all hosts of the groups after them: no other group need be read.
        """
        ranked = self._read_unfit(f"({self._share}) * 2199023255552 - h.id")
        ranked = sorted(ranked, key=lambda group: (distance(group), -group.rank))[:limit]
        found: list[tuple[Any, int, int, HostView]] = []
        for group in ranked:
            where = f"h.cluster_id = {group.cluster} AND ({self._mask}) = {group.mask}"
            hosts = self.read_hosts(where, order=f"{self._share} DESC, h.id", limit=limit)
            found += [(distance(group), -host.share, host.pk, host) for host in hosts]
        return [host for *_key, host in sorted(found, key=lambda entry: entry[:3])][:limit]

    def read_hosts(
        self, where: str, params: dict[str, Any] | None = None, *, order: str = "h.id", limit: int
    ) -> list[HostView]:
        """Hosts of the zone by a constant SQL condition and order."""
        chosen = f"SELECT h.id FROM zones_host h WHERE h.zone_id = %(zone)s AND {where}"  # noqa: S608 - constants
        statement = (  # the index is enough to choose by
            f"SELECT h.id, h.uuid, h.name, h.cluster_id, {self._mask}, {self._share},"  # noqa: S608 - constants
            " h.capacity_vcpus - h.allocated_vcpus, h.capacity_memory_mib - h.allocated_memory_mib"
            f" FROM zones_host h WHERE h.id IN ({chosen} ORDER BY {order} LIMIT {limit}) ORDER BY {order}"
        )
        return [
            HostView(
                pk=pk,
                uuid=uuid,
                name=name,
                cluster=self.clusters[cluster],
                reasons=self._reasons(self.clusters[cluster].mask | mask),
                share=share,
                free_vcpus=vcpus,
                free_memory_mib=memory,
            )
            for pk, uuid, name, cluster, mask, share, vcpus, memory in self._fetch(statement, params)
            if cluster in self.clusters  # else it came after the clusters were read
        ]

    def _fetch(self, statement: str, params: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, {**self.params, **(params or {})})
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def _cluster_rules(self) -> dict[Reason, str]:
        """The rules about clusters that this request asks for."""
        request = self.request
        asked = {
            Reason.OTHER_POD: request.pod_id is not None,
            Reason.UNREACHABLE_VOLUME: bool(self._reaching["cluster"]),
            Reason.NO_POOL: request.disk_bytes > 0,
            Reason.NO_ADDRESS: request.nics > 0,
        }
        return {reason: rule for reason, rule in _CLUSTER_RULES.items() if asked.get(reason, True)}

    def _host_rules(self, rows: Sequence[ClusterView]) -> dict[Reason, str]:
        """The rules about hosts that this request asks for. Only keys are put into the text, no input."""
        request = self.request
        local = any(row.some_host_has_pool and not row.zone_has_pool for row in rows[:1])
        asked = {
            Reason.NOT_PINNED_HOST: request.is_pinned,
            Reason.EXCLUDED: bool(request.excluded_host_ids),
            Reason.UNREACHABLE_VOLUME: bool(self._reaching["host"]),
            Reason.NO_POOL: request.disk_bytes > 0 and local,
        }
        filled = {"excluded": _keys(request.excluded_host_ids), "room": _ROOM}
        return {
            reason: rule.format(**filled) for reason, rule in _HOST_RULES.items() if asked.get(reason, True)
        }

    def _fits(self) -> str:
        """The condition that a host keeps all rules and its cluster breaks none."""
        rules = list(self._rules.values())
        if broken := [row.pk for row in self.clusters.values() if row.mask]:
            rules.append(f"h.cluster_id NOT IN ({_keys(broken)})")
        return " AND ".join(rules)

    def _read_unfit(self, rank: str) -> list[HostGroup]:
        statement = (
            f"SELECT h.cluster_id, {self._mask} AS mask, count(*), max({rank})"  # noqa: S608 - constants
            f" FROM zones_host h WHERE h.zone_id = %(zone)s AND NOT ({self._fits()}) GROUP BY 1, 2"
        )
        groups = map(HostGroup._make, self._fetch(statement))
        return [group for group in groups if group.cluster in self.clusters]

    def _reasons(self, mask: int) -> tuple[Reason, ...]:
        if mask not in self._known:
            self._known[mask] = tuple(reason for reason, bit in _BIT.items() if mask & bit)
        return self._known[mask]


def _reaching(pool_ids: Sequence[int]) -> dict[str, list[int]]:
    """The clusters and hosts that alone reach these pools, by scope; a zone's pool asks nothing."""
    owners: dict[str, set[int]] = {"cluster": set(), "host": set(), "zone": set()}
    if pool_ids:
        pools = PrimaryStorage.objects.filter(pk__in=pool_ids)
        for scope, cluster, host in pools.values_list("scope", "cluster_id", "host_id"):
            owners[scope].add(cluster or host or _NONE)
    return {scope: sorted(keys) for scope, keys in owners.items()}


def _mask(rules: dict[Reason, str]) -> str:
    return " + ".join(f"CASE WHEN {rule} THEN 0 ELSE {_BIT[reason]} END" for reason, rule in rules.items())


def _keys(keys: Iterable[int]) -> str:
    """Keys for an IN list."""
    return ",".join(str(int(key)) for key in keys) or str(_NONE)


def public_id(uuid: UUID | str) -> str:
    """A public id as text: rows read from SQLite have it as 32 digits."""
    return str(uuid if isinstance(uuid, UUID) else UUID(uuid))
