"""The picture of the cloud: a cell a host, or a cluster where there are too many hosts for a page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.compute.capacity import Place
from apps.zones.models import Host, HostState

MAX_CELLS = 1500
BY = ("cpu", "memory", "state")
_COLUMNS = (
    "uuid",
    "name",
    "cluster_id",
    "state",
    "enabled",
    "allocated_vcpus",
    "capacity_vcpus",
    "allocated_memory_mib",
    "capacity_memory_mib",
)
_SIGNS = {
    HostState.UP: ("✓", "1"),
    HostState.CONNECTING: ("…", "2"),
    HostState.DISCONNECTED: ("✕", "bad"),
    HostState.ALERT: ("!", "bad"),
}


@dataclass(slots=True)
class Cell:
    """What components/heat.html draws: `text` in the cell, `says` in full, `look` its colour and edge."""

    href: str
    text: str
    says: str
    look: str


@dataclass(slots=True)
class Group:
    """The cells of one cluster, or of the clusters of one pod."""

    place: Place
    cells: list[Cell] = field(default_factory=list)


def look_of(percent: int) -> str:
    return "1" if percent < 50 else "2" if percent < 80 else "3" if percent < 95 else "4"


def cells_by_cluster(hosts: QuerySet[Host], by: str) -> dict[int, list[Cell]]:
    """The cells of all these hosts, by their cluster's key; one statement."""
    found: dict[int, list[Cell]] = defaultdict(list)
    for row in hosts.order_by("cluster_id", "name_sort", "pk").values_list(*_COLUMNS):
        host = dict(zip(_COLUMNS, row, strict=True))
        found[host["cluster_id"]].append(_cell(host, by))
    return found


def _cell(host: dict[str, Any], by: str) -> Cell:
    href = reverse("portal:host", args=[host["uuid"]])
    state = HostState(host["state"])
    if not host["enabled"]:
        return Cell(href, "–", _("%(name)s: disabled") % host, "off")
    if by == "state" or state != HostState.UP:
        text, look = _SIGNS[state]
        says = _("%(name)s: %(state)s") % {"name": host["name"], "state": state.label}
        return Cell(href, text, says, look)
    percent = _full(host, by)
    return Cell(href, str(percent), _said(by) % {"name": host["name"], "percent": percent}, look_of(percent))


def cell_of_cluster(place: Place, by: str) -> Cell:
    """A whole cluster: the mean of its hosts, or how many of them are not up."""
    href, hosts = reverse("portal:cluster", args=[place.row.uuid]), place.hosts
    away = hosts.hosts - hosts.hosts_by_state.get(HostState.UP, 0)
    if not place.row.enabled:
        return Cell(href, "–", _("%(name)s: disabled") % {"name": place.row.name}, "off")
    if by == "state":
        words = ngettext(
            "%(name)s: %(away)s of %(hosts)s host is not up",
            "%(name)s: %(away)s of %(hosts)s hosts are not up",
            hosts.hosts,
        )
        says = words % {"name": place.row.name, "away": away, "hosts": hosts.hosts}
        return Cell(href, str(away) if away else "✓", says, "bad" if away else "1")
    percent = _full(
        {
            "allocated_vcpus": hosts.allocated_vcpus,
            "capacity_vcpus": hosts.capacity_vcpus,
            "allocated_memory_mib": hosts.allocated_memory_mib,
            "capacity_memory_mib": hosts.capacity_memory_mib,
        },
        by,
    )
    says = _said(by) % {"name": place.row.name, "percent": percent}
    return Cell(href, str(percent), says, look_of(percent))


def _full(numbers: dict[str, Any], by: str) -> int:
    what = "vcpus" if by == "cpu" else "memory_mib"
    capacity = numbers[f"capacity_{what}"]
    return round(100 * numbers[f"allocated_{what}"] / capacity) if capacity else 0


def _said(by: str) -> str:
    if by == "cpu":
        return _("%(name)s: %(percent)s %% of CPU allocated")
    return _("%(name)s: %(percent)s %% of memory allocated")
