"""The whole cloud on one page: as a tree, or as a picture."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.capacity import Place, capacity_of
from apps.compute.services.recount import recount_counters
from apps.core.errors import NotFound
from apps.core.words.counts import counted
from apps.portal.infrastructure.gauges import host_gauges, place_gauges
from apps.portal.infrastructure.heat import BY, MAX_CELLS, Group, cell_of_cluster, cells_by_cluster
from apps.portal.infrastructure.parts import PARTS
from apps.portal.pages import page_for
from apps.zones.models import Host, Zone

HOSTS_IN_TREE = 200
HOSTS_SHOWN_OPEN = 20
CLUSTERS_IN_TREE = 400
_BELOW = {"region": "zone", "zone": "pod", "pod": "cluster", "cluster": "host"}


@page_for("capacity.read")
def infrastructure(request: HttpRequest, actor: Actor) -> HttpResponse:
    picture = request.GET.get("view") == "picture"
    zone = _zone(actor, request.GET.get("zone", ""))
    whole = capacity_of(actor, zone)
    context: dict[str, Any] = {
        "whole": whole,
        "zone": zone,
        "zones": Zone.objects.select_related("region").order_by("region__name_sort", "name_sort", "pk"),
        "may_launch": policy.somewhere(actor, "zone.apply"),
        "may_add_region": policy.may(actor, "region.create"),
        "may_recount": policy.may(actor, "capacity.recount", zone),
        "picture": picture,
        "gauges": place_gauges(whole),
        "empty": not whole.children and zone is None,
    }
    context |= _picture(request, actor, whole) if picture else _tree(actor, whole)
    return render(request, "portal/infrastructure/overview.html", context)


def _zone(actor: Actor, text: str) -> Zone | None:
    """The zone that the address narrows the page to; a text that names none narrows nothing."""
    try:
        return policy.find(actor, Zone.objects.all(), text) if text else None
    except NotFound:
        return None


def _hosts(actor: Actor, whole: Place) -> QuerySet[Host]:
    rows = policy.visible(actor, Host.objects.all())
    return rows if whole.row is None else rows.filter(zone=whole.row)


def _picture(request: HttpRequest, actor: Actor, whole: Place) -> dict[str, Any]:
    by = request.GET.get("by", "")
    by = by if by in BY else "cpu"
    labels = {"cpu": _("By CPU"), "memory": _("By memory"), "state": _("By state")}
    single = whole.hosts.hosts <= MAX_CELLS
    cells = cells_by_cluster(_hosts(actor, whole), by) if single else {}
    zones = []
    for zone in whole.of_kind("zone"):
        pods = []
        for pod in zone.children:
            if single:
                groups = [Group(cluster, cells.get(cluster.row.pk, [])) for cluster in pod.children]
            else:
                groups = [Group(pod, [cell_of_cluster(cluster, by) for cluster in pod.children])]
            pods.append((pod, groups))
        zones.append((zone, pods))
    return {"by": by, "bys": labels.items(), "single": single, "picture_zones": zones}


def _tree(actor: Actor, whole: Place) -> dict[str, Any]:
    with_hosts = whole.hosts.hosts <= HOSTS_IN_TREE
    hosts: dict[int, list[dict[str, Any]]] = {}
    if with_hosts:
        for host in _hosts(actor, whole).order_by("name_sort", "pk"):
            hosts.setdefault(host.cluster_id, []).append({"row": host, "gauges": host_gauges(host)})
    deep = len(whole.of_kind("cluster")) <= CLUSTERS_IN_TREE
    top = [whole] if whole.row is not None else whole.children
    return {"branches": [_branch(place, hosts, deep) for place in top]}


def _branch(place: Place, hosts: dict[int, list[dict[str, Any]]], deep: bool) -> dict[str, Any]:
    """A place with what is drawn below it. Clusters of a very large cloud are left to their pod's page."""
    below = place.children if deep or place.kind in {"region", "zone"} else []
    inside = place.hosts.hosts if place.kind == "cluster" else len(below)
    return {
        "place": place,
        "part": PARTS[place.kind],
        "url": f"portal:{place.kind}",
        "row": place.row,
        "gauges": place_gauges(place),
        "inside": counted(_BELOW[place.kind], inside),
        "children": [_branch(child, hosts, deep) for child in below],
        "hosts": hosts.get(place.row.pk, []) if place.kind == "cluster" else [],
        "open": place.kind != "cluster" or sum(map(len, hosts.values())) <= HOSTS_SHOWN_OPEN,
        "hidden": len(place.children) - len(below),
    }


@page_for("capacity.read")
def recount(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Ask, count, and show what was found on the same page. Mending is a second, separate act."""
    zone = _zone(actor, request.POST.get("zone", request.GET.get("zone", "")))
    policy.require(actor, "capacity.recount", zone)
    context: dict[str, Any] = {"zone": zone}
    if request.method == "POST":
        fix = request.POST.get("act") == "fix"
        context |= {"drifts": recount_counters(actor, zone=zone, fix=fix), "counted": True, "fixed": fix}
    return render(request, "portal/infrastructure/recount.html", context)
