"""Hosts and storages as lists."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.messages import host_trouble
from apps.core.words.codes import CODES
from apps.core.words.hosts import HOST_TROUBLES
from apps.portal.infrastructure.gauges import cpu_gauge, memory_gauge, storage_gauge
from apps.portal.infrastructure.parts import PARTS
from apps.portal.list_cells import badge
from apps.portal.list_columns import CREATED, ENABLED, ENABLED_FILTER, name_of
from apps.portal.list_filters import Choice, Control, Found, Label, Option, Owner, Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page_for
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.zones.api import InTrouble
from apps.zones.models import Cluster, Host, HostState, Pod, Zone
from apps.zones.trouble import has_trouble, troubles_of


class Trouble:
    """Hosts that need an eye, or those that do not; or, by its code, those that have one certain trouble."""

    name, label, operators = "trouble", _("Needs an eye"), True

    def condition(self, text: str, found: Found) -> Q:
        return has_trouble(text) if _is_code(text) else InTrouble().condition(self.name, text)

    def control(self, text: str, found: Found) -> Control:
        words: list[tuple[str, Label]] = [("true", _("Needs an eye")), ("false", _("All is well"))]
        if _is_code(text):
            words.append((text, host_trouble(text).title))
        options = [Option(value, label, text == value) for value, label in words]
        return Control(self.name, self.label, "select", text, options)


def _is_code(text: str) -> bool:
    return text in HOST_TROUBLES or text in CODES


def _trouble(host: Host) -> str:
    return "; ".join(host_trouble(code).title for code in troubles_of(host))


def _state(host: Host) -> SafeString:
    badges = [badge("host", host.state)] + ([] if host.enabled else [badge("enabled", host.enabled)])
    return format_html_join(" ", "{}", ((one,) for one in badges))


def _path(row: Any) -> SafeString:
    return format_html("<code>{}</code>", row.path)


HOSTS = ListPage(
    key="hosts",
    title=_("Hosts"),
    rows=lambda: Host.objects.select_related("zone", "pod", "cluster"),
    columns=(
        name_of("host"),
        Column("state", _("State"), lambda host: host.get_state_display(), html=_state, order="state"),
        Column("trouble", _("What is the matter"), _trouble),
        Column("cpu", _("CPU"), lambda host: cpu_gauge(host.allocated_vcpus, host.capacity_vcpus).text),
        Column(
            "memory",
            _("Memory"),
            lambda host: memory_gauge(host.allocated_memory_mib, host.capacity_memory_mib).text,
        ),
        Column("full", _("How full"), lambda host: f"{host.fullness / 10:.0f} %", order="fullness"),
        Column("zone", _("Zone"), lambda host: host.zone.name),
        Column("pod", _("Pod"), lambda host: host.pod.name, shown=False),
        Column("cluster", _("Cluster"), lambda host: host.cluster.name),
        Column("address", _("Address"), lambda host: host.address, shown=False),
        Column("model", _("Processor"), lambda host: host.cpu_model, shown=False),
        Column("seen", _("Last report"), lambda host: host.last_seen_at, shown=False),
        CREATED,
    ),
    filters=(
        Search(_("Name")),
        Choice("state", _("State"), HostState.choices, several=True),
        ENABLED_FILTER,
        Trouble(),
        Owner("zone", _("Zone"), Zone.objects.all),
        Owner("pod", _("Pod"), Pod.objects.all),
        Owner("cluster", _("Cluster"), Cluster.objects.all),
    ),
    empty=Empty(
        _("No hosts yet"),
        _("A host runs machines. It belongs to a cluster of its like."),
        "portal:host-new",
        _("Add a host"),
        "server",
    ),
    template="portal/infrastructure/list.html",
    live="hosts",
)


def _fill(used: int, total: int) -> str:
    return storage_gauge(used, total).text


PRIMARY = ListPage(
    key="primary-storages",
    title=_("Primary storage"),
    rows=lambda: PrimaryStorage.objects.select_related("zone", "cluster", "host"),
    columns=(
        name_of("primary-storage"),
        ENABLED,
        Column("scope", _("Reached from"), lambda pool: pool.get_scope_display()),
        Column(
            "owner",
            _("Belongs to"),
            lambda pool: (pool.host or pool.cluster or pool.zone).name,
        ),
        Column(
            "allocated",
            _("Allocated"),
            lambda pool: _fill(pool.allocated_bytes, pool.promised_bytes),
            order="allocated_bytes",
        ),
        Column("used", _("Written"), lambda pool: _fill(pool.used_bytes, pool.capacity_bytes)),
        Column("zone", _("Zone"), lambda pool: pool.zone.name),
        Column("driver", _("Driver"), lambda pool: pool.driver, shown=False),
        Column("path", _("Folder"), lambda pool: pool.path, html=_path, shown=False),
        CREATED,
    ),
    filters=(
        Search(_("Name")),
        ENABLED_FILTER,
        Choice("scope", _("Reached from"), PrimaryStorage.Scope.choices),
        Owner("zone", _("Zone"), Zone.objects.all),
        Owner("cluster", _("Cluster"), Cluster.objects.all),
        Owner("host", _("Host"), Host.objects.all),
    ),
    empty=Empty(
        _("No primary storage yet"),
        _("It holds the disks of machines: a folder of one host, or one that hosts share."),
        "portal:primary-storage-new",
        _("Create a primary storage"),
        "device-hdd",
    ),
    template="portal/infrastructure/list.html",
    live="pools",
)

SECONDARY = ListPage(
    key="secondary-storages",
    title=_("Secondary storage"),
    rows=lambda: SecondaryStorage.objects.select_related("zone"),
    columns=(
        name_of("secondary-storage"),
        ENABLED,
        Column("zone", _("Zone"), lambda storage: storage.zone.name),
        Column("path", _("Folder"), lambda storage: storage.path, html=_path),
        CREATED,
    ),
    filters=(Search(_("Name")), ENABLED_FILTER, Owner("zone", _("Zone"), Zone.objects.all)),
    empty=Empty(
        _("No secondary storage yet"),
        _("It keeps the images that machines are made from, one at least in each zone."),
        "portal:secondary-storage-new",
        _("Create a secondary storage"),
        "images",
    ),
    template="portal/infrastructure/list.html",
    live="secondary-storages",
)


@page_for("capacity.read")
def host_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return HOSTS.respond(request, actor, part=PARTS["host"], new_url=_new_url(actor, "host"))


@page_for("capacity.read")
def primary_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return PRIMARY.respond(
        request, actor, part=PARTS["primary-storage"], new_url=_new_url(actor, "primary-storage")
    )


@page_for("capacity.read")
def secondary_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return SECONDARY.respond(
        request, actor, part=PARTS["secondary-storage"], new_url=_new_url(actor, "secondary-storage")
    )


def _new_url(actor: Actor, kind: str) -> str:
    """Where a new one is made, for who may do that anywhere."""
    return f"portal:{kind}-new" if policy.somewhere(actor, PARTS[kind].permission("create")) else ""
