"""The parts of the cloud, declared once: what each is called, what it lies in, and what is done to it.

Pages, forms and addresses of all of them derive from this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.network import services as network
from apps.portal.infrastructure import forms
from apps.portal.service_forms import ServiceForm
from apps.storage import services as storage
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.storage.mounts import MOUNT_OPTIONS
from apps.zones import services as zones
from apps.zones.models import Cluster, Host, Pod, Region, Zone

Label = str | Promise
Act = Callable[..., Any]


@dataclass(frozen=True)
class Part:
    """`kind` is in the names of addresses, `plural` in their paths; `parent` is the kind above it.
    `initial` reads the form's values from a row."""

    kind: str
    plural: str
    model: type[Model]
    icon: str
    label: Label
    new_label: Label
    change_label: Label
    remove_label: Label
    new_form: type[ServiceForm]
    change_form: type[ServiceForm]
    create: Act
    remove: Act
    change: Act
    enable: Act | None = None
    disable: Act | None = None
    parent: str = ""
    related: tuple[str, ...] = ()
    initial: Callable[[Any], dict[str, Any]] = lambda row: {"name": row.name}

    def permission(self, verb: str) -> str:
        """What it takes to do that to one; hosts are added, the rest is created."""
        noun = self.kind.replace("-", "_")
        return f"{noun}.add" if (noun, verb) == ("host", "create") else f"{noun}.{verb}"

    @property
    def switches(self) -> bool:
        """Whether it can be disabled. Templates ask this: naming a service there would call it."""
        return self.enable is not None

    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model._default_manager.all()
        return rows.select_related(*self.related) if self.related else rows


def _initial(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda row: {name: getattr(row, name) for name in names}


def _zone_initial(zone: Zone) -> dict[str, Any]:
    return {"name": zone.name, "dns": ", ".join(zone.dns), "internal_dns": ", ".join(zone.internal_dns)}


def _pod_initial(pod: Pod) -> dict[str, Any]:
    own = _initial("name", "gateway", "guest_start", "guest_end", "reserved_start", "reserved_end")(pod)
    return own | {"bridge": pod.network.bridge, "mtu": pod.network.mtu}


def _pool_initial(pool: PrimaryStorage) -> dict[str, Any]:
    own = _initial("name", "server", "path", "settings", "overprovision_percent")(pool)
    return own | {MOUNT_OPTIONS: pool.settings.get(MOUNT_OPTIONS, "")}


def _add_host(actor: Actor, *, cluster: Cluster, **given: Any) -> Host:
    if cluster.hypervisor == "simulator":
        given["driver"] = Host.Driver.SIMULATOR
        if cluster.arch != "x86_64":  # which they have anyway
            given["extra"] = {"arch": cluster.arch}
    return zones.add_host(actor, cluster=cluster, **given)[0]


def _change_host(actor: Actor, host: Host, **given: Any) -> Host:
    return zones.change_host(actor, host, **given)[0]


_SWITCH = (zones.enable, zones.disable)
_SWITCH_STORAGE = (storage.enable_storage, storage.disable_storage)

PARTS: dict[str, Part] = {
    part.kind: part
    for part in (
        Part(
            "region",
            "regions",
            Region,
            "geo-alt",
            _("Region"),
            _("Create a region"),
            _("Rename the region"),
            _("Remove the region"),
            forms.RegionForm,
            forms.RegionForm,
            zones.create_region,
            zones.remove_region,
            zones.change_region,
        ),
        Part(
            "zone",
            "zones",
            Zone,
            "building",
            _("Zone"),
            _("Create a zone"),
            _("Change the zone"),
            _("Remove the zone"),
            forms.NewZoneForm,
            forms.ZoneForm,
            zones.create_zone,
            zones.remove_zone,
            zones.change_zone,
            *_SWITCH,
            parent="region",
            related=("region",),
            initial=_zone_initial,
        ),
        Part(
            "pod",
            "pods",
            Pod,
            "hdd-network",
            _("Pod"),
            _("Create a pod"),
            _("Change the pod"),
            _("Remove the pod"),
            forms.NewPodForm,
            forms.PodForm,
            network.create_pod,
            network.remove_pod,
            network.change_pod,
            *_SWITCH,
            parent="zone",
            related=("zone__region", "network"),
            initial=_pod_initial,
        ),
        Part(
            "cluster",
            "clusters",
            Cluster,
            "hdd-stack",
            _("Cluster"),
            _("Create a cluster"),
            _("Change the cluster"),
            _("Remove the cluster"),
            forms.NewClusterForm,
            forms.ClusterForm,
            zones.create_cluster,
            zones.remove_cluster,
            zones.change_cluster,
            *_SWITCH,
            parent="pod",
            related=("pod__zone__region",),
            initial=_initial("name", "cpu_overcommit_percent", "memory_overcommit_percent"),
        ),
        Part(
            "host",
            "hosts",
            Host,
            "server",
            _("Host"),
            _("Add a host"),
            _("Change the host"),
            _("Remove the host"),
            forms.HostForm,
            forms.ChangeHostForm,
            _add_host,
            zones.remove_host,
            _change_host,
            *_SWITCH,
            parent="cluster",
            related=("cluster__pod__zone__region", "pod", "zone"),
            initial=_initial("name", "address", "port", "username", "host_key", "uri"),
        ),
        Part(
            "primary-storage",
            "primary-storages",
            PrimaryStorage,
            "device-hdd",
            _("Primary storage"),
            _("Create a primary storage"),
            _("Change the primary storage"),
            _("Remove the primary storage"),
            forms.NewPrimaryStorageForm,
            forms.PrimaryStorageForm,
            storage.create_primary_storage,
            storage.remove_primary_storage,
            storage.change_primary_storage,
            *_SWITCH_STORAGE,
            related=("zone__region", "cluster__pod__zone__region", "host"),
            initial=_pool_initial,
        ),
        Part(
            "secondary-storage",
            "secondary-storages",
            SecondaryStorage,
            "images",
            _("Secondary storage"),
            _("Create a secondary storage"),
            _("Change the secondary storage"),
            _("Remove the secondary storage"),
            forms.NewSecondaryStorageForm,
            forms.SecondaryStorageForm,
            storage.create_secondary_storage,
            storage.remove_secondary_storage,
            storage.change_secondary_storage,
            *_SWITCH_STORAGE,
            parent="zone",
            related=("zone__region",),
            initial=_initial("name", "server", "path"),
        ),
    )
}


def part_of(row: Model) -> Part:
    """The declaration that a row belongs to."""
    return next(part for part in PARTS.values() if part.model is type(row))


def above(row: Any) -> list[Any]:
    """The rows that this one lies in, from the region down."""
    found: list[Any] = []
    for name in ("cluster", "pod", "zone", "region"):
        row = getattr(row, name, None) or row
        if row not in found and type(row).__name__.lower() == name:
            found.insert(0, row)
    return found
