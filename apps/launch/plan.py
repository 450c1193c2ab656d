"""What a document would do to the cloud: created, changed, left as it is, refused.

Parts and rows meet by name within what they belong to. Nothing is ever removed: what the document does
not name stays. Planning only looks.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.names import fold
from apps.launch import compare
from apps.launch.document import Document, HostPart, PodPart, Where
from apps.launch.findings import Findings
from apps.launch.judge import judge
from apps.launch.neighbours import look_at_neighbours
from apps.launch.reader import read_document
from apps.launch.world import World, read_world
from apps.network.models import IpAddress
from apps.storage.models import PrimaryStorage
from apps.storage.services import holdings_of
from apps.zones.models import Host


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a row, by the document's word for it."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Item:
    """One part of the document and what becomes of it. `row` is None for what is to be created."""

    action: Action
    kind: str
    name: str
    within: str
    where: Where
    part: Any
    row: Any = None
    differences: tuple[Difference, ...] = ()


@dataclass
class Plan:
    """`document` is None if the text could not be read."""

    document: Document | None
    findings: Findings
    items: list[Item] = field(default_factory=list)
    world: World = field(default_factory=World)

    @property
    def changes(self) -> list[Item]:
        return [item for item in self.items if item.action is not Action.KEEP]

    @property
    def kept(self) -> int:
        return sum(item.action is Action.KEEP for item in self.items)

    @property
    def refused(self) -> bool:
        return self.document is None or self.findings.refuse

    @property
    def digest(self) -> str:
        """The same for the same changes: who saw one plan does not apply another by mistake."""
        told = [[item.action, item.kind, item.within, item.name, _change(item)] for item in self.changes]
        whole = [told, [[one.level, one.code, one.place] for one in self.findings]]
        return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()


def _change(item: Item) -> Any:
    """All that a new part is, whatever line it stands on; of one that is there, what becomes different."""
    if item.action is Action.CREATE:
        return {name: value for name, value in asdict(item.part).items() if name != "where"}
    return [[one.name, one.before, one.after] for one in item.differences]


def plan_document(actor: Actor, text: str) -> Plan:
    """What applying the text would do now. Changes nothing and contacts nobody."""
    policy.require(actor, "zone.plan")
    document, findings = read_document(text)
    if document is None:
        return Plan(None, findings)
    judge(document, findings)
    if findings.refuse:
        return Plan(document, findings)
    plan = Plan(document, findings, world=read_world(document.zone.region, document.zone.name))
    _Planner(plan, document).fill()
    look_at_neighbours(document, plan.world, findings)
    return plan


class _Planner:
    def __init__(self, plan: Plan, document: Document) -> None:
        self.plan, self.document = plan, document
        self.world, self.findings = plan.world, plan.findings

    def fill(self) -> None:
        document, world = self.document, self.world
        zone = document.zone
        action = Action.KEEP if world.region else Action.CREATE
        where = Where("region", zone.where.line)
        self.plan.items.append(Item(action, "region", zone.region, "", where, zone, world.region))
        self._add("zone", zone, zone.region, world.zone, compare.zone)
        for pod in document.pods:
            row = world.pods.get(fold(pod.name))
            self._add("pod", pod, zone.name, row, compare.pod)
            self._look_at_addresses(pod, row)
        for cluster in document.clusters:
            there = world.clusters.get((fold(cluster.pod), fold(cluster.name)))
            self._add("cluster", cluster, cluster.pod, there, compare.cluster)
        for host in document.hosts:
            key = (fold(host.pod), fold(host.cluster), fold(host.name))
            self._add("host", host, f"{host.pod} / {host.cluster}", world.hosts.get(key), compare.host)
        for pool in document.primaries:
            owner = " / ".join(filter(None, (pool.pod, pool.cluster, pool.host))) or zone.name
            self._add("primary_storage", pool, owner, world.primaries.get(fold(pool.name)), compare.primary)
        for storage in document.secondaries:
            found = world.secondaries.get(fold(storage.name))
            self._add("secondary_storage", storage, zone.name, found, compare.secondary)
        self._look_for_strangers()

    def _add(self, kind: str, part: Any, within: str, row: Any, look: Any) -> None:
        if row is None:
            self.plan.items.append(Item(Action.CREATE, kind, part.name, within, part.where, part))
            return
        compared: compare.Compared = look(part, row)
        for name, (before, after) in compared.fixed.items():
            if before != after:
                self._refuse(part, name, "fixed_field", before=_said(before), after=_said(after))
        found = tuple(
            Difference(name, before, after)
            for name, (before, after) in compared.settable.items()
            if before != after
        )
        if any(one.name in compare.PLACE_OF_FILES for one in found) and hasattr(row, "driver"):
            self._look_at_holdings(kind, part, row)
        action = Action.CHANGE if found else Action.KEEP
        self.plan.items.append(Item(action, kind, part.name, within, part.where, part, row, found))

    def _look_at_holdings(self, kind: str, part: Any, row: Any) -> None:
        if kind in {"primary_storage", "secondary_storage"} and (counts := holdings_of(row)):
            self._refuse(part, "path", "place_in_use", counts=counts)

    def _look_at_addresses(self, pod: PodPart, row: Any) -> None:
        """Of a pod that is there: addresses that machines hold stay in the guest range. Of a new one: its
        subnet is nobody's in the zone."""
        if row is None:
            subnet = IPv4Network(pod.cidr)
            first, last = int(subnet.network_address), int(subnet.broadcast_address)
            for other in self.world.pods.values():
                if other.subnet_first <= last and first <= other.subnet_last:
                    self._refuse(pod, "netmask", "subnet_overlaps", cidr=other.cidr, pod=other.name)
            return
        if (row.guest_start, row.guest_end) == pod.guest:
            return
        held = IpAddress.objects.filter(network__pod=row).exclude(holder=None)
        bounds = tuple(int(IPv4Address(address)) for address in pod.guest)
        if outside := held.exclude(number__range=bounds).count():
            self._refuse(pod, "guest", "range_in_use", count=outside)

    def _look_for_strangers(self) -> None:
        """Addresses and exports that other rows of the cloud have already."""
        ours = {row.pk for row in self.world.hosts.values()}
        taken, local = {}, set()
        for pk, name, address, port, uri, driver in Host.objects.values_list(
            "pk", "name", "address", "port", "uri", "driver"
        ):
            if pk not in ours and address:
                taken[address, port] = name
            elif pk not in ours and driver == Host.Driver.LIBVIRT:
                local.add(uri)
        simulated = {
            (fold(one.pod), fold(one.name)) for one in self.document.clusters if one.hypervisor == "simulator"
        }
        for host in self.document.hosts:
            self._look_at_way(host, taken, local, simulated=(fold(host.pod), fold(host.cluster)) in simulated)
        own = {row.pk for row in self.world.primaries.values()}
        exports = {
            (server, path): name
            for pk, server, path, name in PrimaryStorage.objects.exclude(server="").values_list(
                "pk", "server", "path", "name"
            )
            if pk not in own
        }
        for pool in self.document.primaries:
            if pool.server and (other := exports.get((pool.server, pool.path))):
                self._refuse(pool, "path", "export_taken", other=other)

    def _look_at_way(
        self, host: HostPart, taken: dict[tuple[str, int], str], local: set[str], *, simulated: bool
    ) -> None:
        if host.address and (other := taken.get((host.address, host.port))):
            self._refuse(host, "address", "address_taken", other=other)
        if not host.address and not simulated:
            if host.uri in local:
                self._refuse(host, "address", "this_machine_twice")
            local.add(host.uri)

    def _refuse(self, part: Any, name: str, reason: str, **params: Any) -> None:
        self.findings.refused(reason, f"{part.where.place}.{name}", part.where.line, **params)


def _said(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
