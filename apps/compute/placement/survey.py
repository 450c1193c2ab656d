"""One look at a zone, decided in SQL: which hosts fit, and why each of the others does not.

Rules about clusters are judged once a cluster. The hosts that keep all rules are ordered by the
strategy and the ten best come back; the others are counted by cluster and first reason, and the
largest counts come back with sums of the rest. Only when nothing fits all groups of hosts that break
the same rules are read, a mask of bits each, for the nearest of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from apps.compute.placement import rules
from apps.compute.placement.reasons import Reason
from apps.compute.placement.request import PlacementRequest
from apps.compute.placement.rules import BIT, Strategy
from apps.core import sql

BEST = 10
MAX_COUNTS = 20
KEEP_SECONDS = 1.0
MAX_KEPT = 256
FULL = 2**20  # a fullness beyond which no difference is made
SPAN = 2 ** len(Reason)  # more than any reason's bit, so that a cluster and a reason go into one number
IDS = 2**41  # more than there are keys, so that fullness and key go into one 64-bit number

_CLUSTERS = """
WITH pod AS MATERIALIZED (
  SELECT p.id, p.enabled,
    (SELECT count(*) FROM (
       SELECT 1 FROM network_ipaddress a
       WHERE a.network_id = n.id AND a.holder IS NULL
         AND (a.free_after IS NULL OR a.free_after <= %(now)s)
       LIMIT {nics}) AS enough) AS free_addresses
  FROM zones_pod p LEFT JOIN network_network n ON n.pod_id = p.id
  WHERE p.zone_id = %(zone)s),
room AS MATERIALIZED (SELECT scope, cluster_id FROM storage_primarystorage WHERE {room}),
judged AS MATERIALIZED (
  SELECT c.id, {mask} AS mask
  FROM zones_cluster c JOIN pod ON pod.id = c.pod_id JOIN zones_zone z ON z.id = %(zone)s)
SELECT zone.has_pool, zone.host_has_pool, judged.id, judged.mask
FROM (SELECT EXISTS (SELECT 1 FROM room WHERE scope = 'zone') AS has_pool,
        EXISTS (SELECT 1 FROM room WHERE scope = 'host') AS host_has_pool) AS zone
  LEFT JOIN judged ON judged.mask <> 0
"""

_HOSTS = """
SELECT h.id, h.uuid, h.name, c.id, c.uuid, c.name, p.id, p.uuid, p.name, n.id, {mask}, h.fullness,
  h.capacity_vcpus - h.allocated_vcpus, h.capacity_memory_mib - h.allocated_memory_mib
FROM zones_host h JOIN zones_cluster c ON c.id = h.cluster_id JOIN zones_pod p ON p.id = c.pod_id
  LEFT JOIN network_network n ON n.pod_id = p.id
WHERE h.id IN (
  SELECT h.id FROM zones_host h WHERE h.zone_id = %(zone)s AND {where} ORDER BY {order} LIMIT {limit})
ORDER BY {order}
"""

_GROUPS = """
SELECT h.cluster_id, {mask} AS mask, count(*) AS hosts, min({rank}) AS "rank"
FROM zones_host h WHERE h.zone_id = %(zone)s AND NOT ({fits}) GROUP BY 1, 2
"""

_COUNTS = """
WITH tally AS MATERIALIZED (
  SELECT h.cluster_id * {span} + {first} AS mark, count(*) AS hosts
  FROM zones_host h WHERE h.zone_id = %(zone)s GROUP BY 1),
largest AS (
  SELECT mark, hosts FROM tally WHERE mark IS NOT NULL ORDER BY hosts DESC, mark LIMIT {limit})
SELECT c.uuid, c.name, l.mark %% {span}, l.hosts
FROM largest l JOIN zones_cluster c ON c.id = l.mark / {span}
UNION ALL
SELECT NULL, NULL, mark %% {span}, CAST(sum(hosts) AS bigint) FROM tally GROUP BY 3
"""

_ROOMS = """
SELECT pod_id, sum(CASE WHEN by_vcpus < by_memory THEN by_vcpus ELSE by_memory END)
FROM (
  SELECT h.pod_id, (h.capacity_vcpus - h.allocated_vcpus) / %(vcpus)s AS by_vcpus,
    (h.capacity_memory_mib - h.allocated_memory_mib) / %(memory)s AS by_memory
  FROM zones_host h WHERE h.zone_id = %(zone)s AND {fits}) AS hosts
GROUP BY 1
"""

_ADDRESSES = """
SELECT count(*) FROM (
  SELECT 1 FROM network_ipaddress a JOIN network_network n ON n.id = a.network_id
  WHERE n.pod_id = %(of_pod)s AND a.holder IS NULL AND (a.free_after IS NULL OR a.free_after <= %(now)s)
  LIMIT %(most)s) AS free
"""

_DISKS = """
SELECT sum((promised_bytes - allocated_bytes) / %(disk)s) FROM storage_primarystorage WHERE {room}
"""


_kept: dict[tuple[Any, ...], tuple[float, list[tuple[Any, ...]]]] = {}
"""When and what this process counted last, by statement and its parameters."""


class HostView(NamedTuple):
    """A row of _HOSTS. `mask` has the rules about hosts that it breaks; `fullness` is in permille."""

    pk: int
    uuid: UUID | str
    name: str
    cluster_id: int
    cluster_uuid: UUID | str
    cluster_name: str
    pod_id: int
    pod_uuid: UUID | str
    pod_name: str
    network_id: int | None
    mask: int
    fullness: int
    free_vcpus: int
    free_memory_mib: int


class HostGroup(NamedTuple):
    """Hosts of one cluster that break the same rules; `rank` (fullness, then id, in one number) is
    that of the first of them, the least full one."""

    cluster_id: int
    mask: int
    hosts: int
    rank: int


class HostCount(NamedTuple):
    """How many hosts fall to a reason: of one cluster, or of all clusters not named (uuid None)."""

    uuid: UUID | str | None
    name: str | None
    reason: Reason
    hosts: int


class Survey:
    """What a request finds in its zone. Whether anything fits is decided by `best`."""

    def __init__(self, request: PlacementRequest) -> None:
        self.request = request
        self._params = rules.params_of(request)
        self.memory_mib: int = self._params["memory"]
        mask = rules.mask(rules.cluster_rules(request, self._params))
        rows = self._fetch(_CLUSTERS.format(mask=mask, room=rules.ROOM, nics=int(request.nics)))
        has_pool, host_has_pool = rows[0][:2]
        self.broken: dict[int, int] = {cluster: broken for *_zone, cluster, broken in rows if cluster}
        own_pools_matter = bool(host_has_pool and not has_pool)
        self._rules = rules.host_rules(request, self._params, own_pools_matter=own_pools_matter)
        self._mask = rules.mask(self._rules)
        self._fits = rules.fits(self._rules, self.broken)
        self._fits_somewhere = False

    def best(self) -> list[HostView]:
        """The hosts to try, in order: the machine's last host if it fits, then the ten best."""
        best = self.read_hosts(self._fits, order=rules.order(self.request.strategy), limit=BEST)
        self._fits_somewhere = bool(best)
        if self.request.last_host_id is None or self.request.is_pinned:
            return best
        last = self.read_hosts(f"h.id = %(last)s AND {self._fits}", {"last": self.request.last_host_id})
        return [*last, *(host for host in best if host not in last)][:BEST]

    def score(self, host: HostView) -> int:
        """0 to 1000. Where the strategy prefers none of the hosts that fit, all have 1000."""
        full = min(1000, host.fullness)
        by_strategy: dict[str, int] = {Strategy.SPREAD: 1000 - full, Strategy.PACK: full}
        return by_strategy.get(self.request.strategy, 1000)

    @cached_property
    def _tally(self) -> tuple[list[HostCount], dict[Reason | None, int]]:
        """The MAX_COUNTS largest counts by cluster and first reason, and all hosts by first reason; those
        that fit have none. One statement, so that they add up while others change the hosts."""
        first = rules.first_broken(self._rules, self.broken)
        rows = self._counted(_COUNTS.format(first=first, span=SPAN, limit=MAX_COUNTS))
        reasons: dict[int | None, Reason] = {bit: reason for reason, bit in BIT.items()}
        named = [HostCount(uuid, name, reasons[bit], hosts) for uuid, name, bit, hosts in rows if uuid]
        return named, {reasons.get(bit): hosts for uuid, _name, bit, hosts in rows if not uuid}

    def _counted(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of the counts. To count all hosts is most of the work of a placement: where machines of
        a size come one after another and find room, what was counted less than KEEP_SECONDS ago
        stands. Why nothing fits is always told as it is now."""
        key = (statement, *(value for name, value in sorted(self._params.items()) if name != "now"))
        now = time.monotonic()
        counted_at, rows = _kept.get(key, (-math.inf, []))
        if self._fits_somewhere and now - counted_at < KEEP_SECONDS:
            return rows
        rows = self._fetch(statement)
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        _kept[key] = (now, rows)
        return rows

    @cached_property
    def counts(self) -> list[HostCount]:
        """How many hosts do not fit, by cluster and first reason: the MAX_COUNTS largest, the rest of
        each reason in one."""
        named, totals = self._tally
        rest = {reason: hosts for reason, hosts in totals.items() if reason}
        for count in named:
            rest[count.reason] -= count.hosts
        return named + [HostCount(None, None, reason, hosts) for reason, hosts in rest.items() if hosts]

    @property
    def considered(self) -> int:
        """All hosts of the zone."""
        return sum(self._tally[1].values())

    @property
    def fitting(self) -> int:
        return self._tally[1].get(None, 0)

    def room(self, most: int) -> int:
        """How many such machines the zone has room for, counted up to `most`. Never too few: where pools
        are of single clusters or hosts, their room may be elsewhere than that for CPU and memory."""
        rooms = [(pod, int(room)) for pod, room in self._fetch(_ROOMS.format(fits=self._fits))]
        found = sum(min(room, self._addresses(pod, most)) for pod, room in rooms)
        if self.request.disk_bytes:
            ((disks,),) = self._fetch(_DISKS.format(room=rules.ROOM))
            found = min(found, int(disks or 0))
        return min(found, most)

    def _addresses(self, pod: int, most: int) -> int:
        if not self.request.nics:
            return most
        params = {"of_pod": pod, "most": most * self.request.nics}
        ((free,),) = self._fetch(_ADDRESSES, params)
        return int(free) // self.request.nics

    @cached_property
    def groups(self) -> list[HostGroup]:
        """All hosts that do not fit. Each group's mask has the rules about its cluster too."""
        rank = f"CASE WHEN h.fullness < {FULL} THEN h.fullness ELSE {FULL} END * {IDS} + h.id"
        statement = _GROUPS.format(mask=self._mask, fits=self._fits, rank=rank)
        return [
            HostGroup(cluster, mask | self.broken.get(cluster, 0), hosts, rank)
            for cluster, mask, hosts, rank in self._fetch(statement)
        ]

    def nearest(self, distance: Callable[[tuple[Reason, ...]], Any], limit: int) -> list[HostView]:
        """The hosts that do not fit at the least distance by their reasons, the least full first among
        equals.

        Each of the first `limit` groups, by distance and the rank of its first host, has a host that
        comes before all hosts of the groups after them: no other group need be read.
        """
        far = {mask: distance(rules.reasons_in(mask)) for mask in {group.mask for group in self.groups}}
        ranked = sorted(self.groups, key=lambda group: (far[group.mask], group.rank))[:limit]
        found: list[HostView] = []
        for group in ranked:
            mask = f"({self._mask}) | {self.broken.get(group.cluster_id, 0)}"
            where = f"h.cluster_id = {group.cluster_id} AND ({mask}) = {group.mask}"
            found += self.read_hosts(where, order="h.fullness, h.id", limit=limit)
        found.sort(key=lambda host: (far[self.mask_of(host)], host.fullness, host.pk))
        return found[:limit]

    def mask_of(self, host: HostView) -> int:
        """All rules that the host breaks, those about its cluster too."""
        return host.mask | self.broken.get(host.cluster_id, 0)

    def reasons_of(self, host: HostView) -> tuple[Reason, ...]:
        return rules.reasons_in(self.mask_of(host))

    def read_hosts(
        self, where: str, params: dict[str, Any] | None = None, *, order: str = "h.id", limit: int = 1
    ) -> list[HostView]:
        """Hosts of the zone by a constant SQL condition and order. They are chosen by what the index
        holds, before anything else is read."""
        statement = _HOSTS.format(mask=self._mask, where=where, order=order, limit=int(limit))
        return [HostView._make(row) for row in self._fetch(statement, params)]

    def _fetch(self, statement: str, params: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return sql.rows(statement, self._params | (params or {}))


def public_id(uuid: UUID | str) -> str:
    """A public id as text: rows read from SQLite have it as 32 digits."""
    return str(uuid if isinstance(uuid, UUID) else UUID(uuid))
