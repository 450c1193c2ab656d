"""What there is to know of a part of the cloud, as lines of a label and a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.network.models import IpAddress
from apps.portal.infrastructure.forms import DRIVER_LABELS
from apps.portal.infrastructure.gauges import grouped
from apps.portal.templatetags.portal import mib
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.storage.mounts import MOUNT_OPTIONS
from apps.zones.models import Cluster, Host, Pod, Region, Zone


@dataclass(frozen=True, slots=True)
class Fact:
    """`code` is for what is typed as it stands; `href` leads to what it names."""

    label: str
    text: str
    code: bool = False
    href: str = ""


def facts_of(row: Any) -> list[Fact]:
    found = _FACTS[type(row)](row) if type(row) in _FACTS else []
    return [fact for fact in found if fact.text]


def _zone(zone: Zone) -> list[Fact]:
    return [
        Fact(_("Network"), zone.get_network_type_display()),
        Fact(_("Name servers of the guests"), ", ".join(zone.dns) or _("none")),
        Fact(_("Name servers of the portal's own system"), ", ".join(zone.internal_dns) or _("none")),
    ]


def _pod(pod: Pod) -> list[Fact]:
    addresses = IpAddress.objects.filter(network__pod=pod)
    numbers = {"taken": grouped(addresses.exclude(holder=None).count()), "all": grouped(addresses.count())}
    return [
        Fact(_("Subnet"), pod.cidr, code=True),
        Fact(_("Gateway"), pod.gateway, code=True),
        Fact(_("Addresses of guests"), f"{pod.guest_start} – {pod.guest_end}", code=True),
        Fact(_("Addresses in use"), _("%(taken)s of %(all)s") % numbers),
        Fact(
            _("Reserved addresses"),
            f"{pod.reserved_start} – {pod.reserved_end}" if pod.reserved_start else _("none"),
            code=bool(pod.reserved_start),
        ),
        Fact(_("Bridge"), pod.network.bridge, code=True),
        Fact(_("MTU"), grouped(pod.network.mtu)),
    ]


def _cluster(cluster: Cluster) -> list[Fact]:
    return [
        Fact(_("Hypervisor"), cluster.get_hypervisor_display()),
        Fact(_("Processor architecture"), cluster.arch, code=True),
        Fact(_("CPU overcommit"), _("%(n)s %%") % {"n": grouped(cluster.cpu_overcommit_percent)}),
        Fact(_("Memory overcommit"), _("%(n)s %%") % {"n": grouped(cluster.memory_overcommit_percent)}),
    ]


def _host(host: Host) -> list[Fact]:
    local = _("the machine that the workers run on")
    way = f"{host.username}@{host.address}:{host.port}" if host.address else local
    known = [
        Fact(_("Reached as"), way, code=bool(host.address)),
        Fact(_("Logs in with"), _("a key of its own") if host.private_key else _("the portal's own key")),
    ]
    if not host.cpu_cores:
        return known
    cpu = {"n": grouped(host.cpu_cores), "mhz": grouped(host.cpu_mhz)}
    accelerators = {"kvm": _("KVM, by the processor itself"), "tcg": _("none: QEMU emulates, slowly")}
    return [
        Fact(_("Processor"), host.cpu_model),
        Fact(_("Cores"), _("%(n)s at %(mhz)s MHz") % cpu if host.cpu_mhz else cpu["n"]),
        Fact(_("Memory"), mib(host.memory_mib)),
        Fact(_("Version of the hypervisor"), host.hypervisor_version),
        Fact(_("Acceleration"), accelerators.get(host.accelerator, host.accelerator)),
        *known,
    ]


def _primary(pool: PrimaryStorage) -> list[Fact]:
    owner = pool.host or pool.cluster
    kind = "host" if pool.host else "cluster"
    belongs = (
        [Fact(_("Belongs to"), owner.name, href=reverse(f"portal:{kind}", args=[owner.uuid]))]
        if owner
        else []
    )
    return [
        Fact(_("Reached from"), pool.get_scope_display()),
        *belongs,
        *_place(pool),
        Fact(_("Mount options"), pool.settings.get(MOUNT_OPTIONS, ""), code=True),
        Fact(_("Overprovisioning"), _("%(n)s %%") % {"n": grouped(pool.overprovision_percent)}),
    ]


def _place(storage: PrimaryStorage | SecondaryStorage) -> list[Fact]:
    """Where its files lie: a server with what it exports, or a folder."""
    exported = [
        Fact(_("Server"), storage.server, code=True),
        Fact(_("Exported folder"), storage.path, code=True),
    ]
    kind = Fact(_("Kind of storage"), str(DRIVER_LABELS.get(storage.driver, storage.driver)))
    return [kind, *exported] if storage.server else [kind, Fact(_("Folder"), storage.path, code=True)]


def _secondary(storage: SecondaryStorage) -> list[Fact]:
    templates = storage.templates.exclude(state="Deleted").count()
    return [
        *_place(storage),
        Fact(_("Images"), grouped(templates), href=reverse("portal:templates")),
    ]


_FACTS: dict[type[Any], Any] = {
    Region: lambda _region: [],
    Zone: _zone,
    Pod: _pod,
    Cluster: _cluster,
    Host: _host,
    PrimaryStorage: _primary,
    SecondaryStorage: _secondary,
}
