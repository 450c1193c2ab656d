"""A document becomes rows: all of it or nothing, through the use cases that people have too.

Nothing is contacted. Hosts begin Connecting, each with its own job, and storages with theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.errors import CloudError, StateConflict
from apps.core.names import fold
from apps.jobs import events
from apps.launch.document import ClusterPart, HostPart, PodPart, PrimaryPart, SecondaryPart, ZonePart
from apps.launch.findings import Findings, Level
from apps.launch.models import Launch
from apps.launch.plan import Action, Item, Plan, plan_document
from apps.launch.told import told_finding
from apps.network.services import change_pod, create_pod
from apps.storage.services import (
    change_primary_storage,
    change_secondary_storage,
    create_primary_storage,
    create_secondary_storage,
    disable_storage,
    enable_storage,
)
from apps.zones.keys import clean_private_key
from apps.zones.models import Cluster, Host, Region, Zone
from apps.zones.services import (
    add_host,
    change_cluster,
    change_host,
    change_zone,
    create_cluster,
    create_region,
    create_zone,
    disable,
    enable,
)


class DocumentRefused(CloudError):
    """The document cannot be applied as it stands; nothing was changed."""

    code = "document_refused"
    status = 422

    def __init__(self, findings: Findings) -> None:
        refused = [one for one in findings if one.level is Level.REFUSED]
        told = [told_finding(one) for one in refused]
        first = told[0]
        super().__init__(
            place=first["place"], count=len(told), findings=told, at=first["place"], why=first["detail"]
        )
        self.findings = findings


@dataclass
class Applied:
    """`launch` follows what was begun; None where there was nothing to do."""

    plan: Plan
    zone: Zone
    launch: Launch | None


@transaction.atomic
def apply_document(actor: Actor, text: str, *, seen: str = "", private_key: str = "") -> Applied:
    """Do what `plan_document` says, in one transaction. With `seen`, the digest of the plan that somebody
    looked at, only exactly that is done: StateConflict otherwise. `private_key` logs in to the hosts that
    are new, instead of the portal's own key; InvalidInput if it is none. DocumentRefused if the document
    cannot be applied."""
    policy.require(actor, "zone.apply")
    private_key = clean_private_key(private_key) if private_key else ""
    plan = plan_document(actor, text)
    if plan.refused:
        raise DocumentRefused(plan.findings)
    if seen and seen != plan.digest:
        raise StateConflict(reason="plan_moved")
    work = _Work(actor, plan, private_key)
    work.run()
    if not plan.changes:
        return Applied(plan, work.zone, None)
    events.record(
        actor,
        "zone.apply",
        work.zone,
        created=sum(item.action is Action.CREATE for item in plan.changes),
        changed=sum(item.action is Action.CHANGE for item in plan.changes),
    )
    launch = Launch.objects.create(
        zone=work.zone, user=actor.user, actor_label=actor.label, parts=work.launched
    )
    return Applied(plan, work.zone, launch)


@dataclass
class _Work:
    actor: Actor
    plan: Plan
    private_key: str
    rows: dict[tuple[str, ...], Any] = field(default_factory=dict)
    launched: dict[str, list[str]] = field(default_factory=dict)

    @property
    def zone(self) -> Zone:
        zone: Zone = self.rows["zone",]
        return zone

    def run(self) -> None:
        does: dict[str, Callable[[Item], Any]] = {
            "region": self._region,
            "zone": self._zone,
            "pod": self._pod,
            "cluster": self._cluster,
            "host": self._host,
            "primary_storage": self._primary,
            "secondary_storage": self._secondary,
        }
        for item in self.plan.items:
            with self.plan.findings.catching(item.where.place, item.where.line):
                row = item.row if item.action is Action.KEEP else does[item.kind](item)
                self.rows[_key(item)] = row
            if self.plan.findings.refuse:  # someone else was faster since the plan was made
                raise DocumentRefused(self.plan.findings)

    def _region(self, item: Item) -> Region:
        return create_region(self.actor, name=item.part.region)

    def _zone(self, item: Item) -> Any:
        part: ZonePart = item.part
        servers = {"dns": part.public_dns, "internal_dns": part.internal_dns}
        if item.row is None:
            zone = create_zone(
                self.actor,
                region=self.rows["region",],
                name=part.name,
                network_type=part.network_type,
                **servers,
            )
        else:
            zone = change_zone(self.actor, item.row, name=part.name, **servers)
        return self._switched(zone, part.enabled)

    def _pod(self, item: Item) -> Any:
        part: PodPart = item.part
        start, end = part.reserved or (None, None)
        given: dict[str, Any] = {
            "name": part.name,
            "gateway": part.gateway,
            "guest_start": part.guest[0],
            "guest_end": part.guest[1],
            "reserved_start": start,
            "reserved_end": end,
            "bridge": part.bridge,
            "mtu": part.mtu,
        }
        if item.row is None:
            pod = create_pod(self.actor, zone=self.zone, cidr=part.cidr, **given)
        else:
            pod = change_pod(self.actor, item.row, **given)
        return self._switched(pod, part.enabled)

    def _cluster(self, item: Item) -> Any:
        part: ClusterPart = item.part
        given: dict[str, Any] = {
            "name": part.name,
            "cpu_overcommit_percent": part.cpu_overcommit_percent,
            "memory_overcommit_percent": part.memory_overcommit_percent,
        }
        if item.row is None:
            pod = self.rows["pod", fold(part.pod)]
            cluster = create_cluster(self.actor, pod=pod, hypervisor=part.hypervisor, arch=part.arch, **given)
        else:
            cluster = change_cluster(self.actor, item.row, **given)
        return self._switched(cluster, part.enabled)

    def _host(self, item: Item) -> Any:
        part: HostPart = item.part
        given: dict[str, Any] = {
            name: getattr(part, name) for name in ("name", "address", "port", "username", "uri")
        }
        if part.host_key:
            given["host_key"] = part.host_key
        if item.row is None:
            cluster: Cluster = self.rows["cluster", fold(part.pod), fold(part.cluster)]
            driver = Host.Driver.SIMULATOR if cluster.hypervisor == "simulator" else Host.Driver.LIBVIRT
            key = self.private_key if driver == Host.Driver.LIBVIRT and part.address else ""
            host, _job = add_host(
                self.actor, cluster=cluster, driver=driver, extra=part.extra, private_key=key, **given
            )
        else:
            host, _again = change_host(self.actor, item.row, **given)
        self._follow("hosts", host)
        return self._switched(host, part.enabled)

    def _primary(self, item: Item) -> Any:
        part: PrimaryPart = item.part
        given: dict[str, Any] = {
            name: getattr(part, name)
            for name in ("name", "server", "path", "settings", "overprovision_percent")
        }
        if item.row is None:
            owner = (fold(part.pod), fold(part.cluster))
            pool, _job = create_primary_storage(
                self.actor,
                zone=self.zone,
                scope=part.scope,
                cluster=self.rows["cluster", *owner] if part.scope == "cluster" else None,
                host=self.rows["host", *owner, fold(part.host)] if part.scope == "host" else None,
                driver=part.driver,
                **given,
            )
        else:
            pool, _job = change_primary_storage(self.actor, item.row, **given)
        self._follow("primary_storages", pool)
        return self._switched_storage(pool, part.enabled)

    def _secondary(self, item: Item) -> Any:
        part: SecondaryPart = item.part
        given: dict[str, Any] = {name: getattr(part, name) for name in ("name", "server", "path")}
        if item.row is None:
            storage, _job = create_secondary_storage(self.actor, zone=self.zone, driver=part.driver, **given)
        else:
            storage, _made = change_secondary_storage(self.actor, item.row, **given)
        self._follow("secondary_storages", storage)
        return self._switched_storage(storage, part.enabled)

    def _follow(self, kind: str, row: Any) -> None:
        self.launched.setdefault(kind, []).append(str(row.uuid))

    def _switched(self, row: Any, enabled: bool) -> Any:
        if row.enabled == enabled:
            return row
        return (enable if enabled else disable)(self.actor, row)

    def _switched_storage(self, row: Any, enabled: bool) -> Any:
        if row.enabled == enabled:
            return row
        return (enable_storage if enabled else disable_storage)(self.actor, row)


def _key(item: Item) -> tuple[str, ...]:
    """By which parts of the document find what they belong to."""
    part = item.part
    match item.kind:
        case "region" | "zone":
            return (item.kind,)
        case "cluster":
            return (item.kind, fold(part.pod), fold(part.name))
        case "host":
            return (item.kind, fold(part.pod), fold(part.cluster), fold(part.name))
    return (item.kind, fold(part.name))
