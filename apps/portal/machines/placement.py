"""Why a machine is where it is, or nowhere, in plain words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute import placement
from apps.compute.api.serializers import described, explained
from apps.compute.models import VirtualMachine
from apps.portal.copy_as import ApiRequest, portal_of, snippets
from apps.portal.machines.frame import around, machine_of
from apps.portal.pages import page, page_for
from apps.portal.templatetags.portal import mib, size
from apps.zones.models import Host

_WHY = {
    "spread": gettext_lazy("Of the hosts with room it got the emptiest: machines are spread out."),
    "pack": gettext_lazy("Of the hosts with room it got the fullest: machines are packed together."),
    "first-fit": gettext_lazy("It got the first host that has room."),
    "pinned": gettext_lazy("It is pinned to this host."),
}


@page
def placement_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    vm = machine_of(actor, uuid)
    stored = getattr(vm, "placement", None)
    context = around(actor, vm, "machine-placement")
    if stored is not None:
        told = explained(stored.explanation, operator=actor.is_operator)
        context |= {"stored": stored, "told": told, "story": story_of(vm, stored.fits, told)}
        context["misses"] = [_miss(entry) for entry in told.get("near_misses", ())]
    asked = ApiRequest("GET", f"virtual-machines/{uuid}/placement/")
    context["snippets"] = snippets(asked, portal_of(request))
    return render(request, "portal/machines/placement.html", context)


def story_of(vm: VirtualMachine, fits: bool, told: dict[str, Any]) -> list[str]:
    """What happened, a sentence each."""
    wanted, considered, fitting = told["wanted"] or {}, told["considered"] or 0, told["fitting"] or 0
    asked = _("It asked for %(vcpus)s vCPU, %(memory)s of memory and %(disk)s of disk.") % {
        "vcpus": wanted.get("vcpus", 0),
        "memory": mib(wanted.get("memory_mib")),
        "disk": size(wanted.get("disk_bytes")),
    }
    looked = ngettext("%(n)s host was considered.", "%(n)s hosts were considered.", considered)
    had = ngettext("%(n)s had room for it.", "%(n)s had room for it.", fitting)
    numbers = [looked % {"n": considered}, had % {"n": fitting}]
    if not fits:
        return [asked, *numbers, str(told.get("reason_text") or "")]
    chosen = told.get("chosen") or {}
    if chosen.get("last_host"):
        return [asked, *numbers, _("It went back to the host where it was before.")]
    return [asked, *numbers, str(_WHY.get(str(told["strategy"]), ""))]


def _miss(entry: dict[str, Any]) -> dict[str, Any]:
    """A host of an explanation as people read it: what it lacks with units."""
    shown: dict[str, Callable[[int], str]] = {
        "vcpus": lambda n: ngettext("%(n)s vCPU", "%(n)s vCPUs", n) % {"n": n},
        "memory_mib": mib,
        "disk_bytes": size,
        "addresses": lambda n: ngettext("%(n)s address", "%(n)s addresses", n) % {"n": n},
    }
    lacking = [shown[name](amount) for name, amount in (entry.get("lacking") or {}).items() if amount > 0]
    return {**entry, "lacks": ", ".join(lacking)}


@page_for("placement.read_hosts")
def placement_hosts(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """Every host of the zone, judged anew."""
    vm = machine_of(actor, uuid)
    policy.require(actor, "placement.read_hosts", vm)
    after = request.GET.get("after") or None
    if after is not None:
        after = str(policy.find(actor, Host.objects.all(), after, place="after").uuid)
    found = placement.explain_all(placement.request_of(vm), after=after)
    context = {
        **around(actor, vm, "machine-placement"),
        "considered": found["considered"],
        "fitting": found["fitting"],
        "hosts": [_miss(described(host)) for host in found["hosts"]],
        "next": found["next"],
        "after": after,
    }
    return render(request, "portal/machines/placement_hosts.html", context)
