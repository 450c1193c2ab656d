"""Hosts: why one is in its state and what to do, how its capacity comes about, what is on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import StrayMachine, VirtualMachine
from apps.core.errors import CloudError, NotFound
from apps.core.messages import host_trouble
from apps.portal.infrastructure.gauges import host_gauges, pool_gauges, sums_of_host
from apps.portal.infrastructure.parts import PARTS
from apps.portal.infrastructure.views import find, frame_of
from apps.portal.pages import complain, page_for
from apps.storage.reach import pools_reached_by
from apps.zones import services
from apps.zones.keys import fingerprint
from apps.zones.models import Host
from apps.zones.trouble import troubles_of

MACHINES_SHOWN = 50
POOLS_SHOWN = 20
SEEN_TWICE = 2
_ASK_THE_HOST = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"


@page_for("capacity.read")
def host_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    host = find(actor, PARTS["host"], uuid)
    machines = policy.visible(actor, VirtualMachine.objects.filter(host=host))
    count = machines.count()
    shown = machines.select_related("account", "offering").order_by("name_sort", "pk")[:MACHINES_SHOWN]
    pools = policy.visible(actor, pools_reached_by(host).order_by("name_sort", "pk"))[:POOLS_SHOWN]
    context: dict[str, Any] = frame_of(actor, host) | {
        "troubles": [host_trouble(code) for code in troubles_of(host)],
        "gauges": host_gauges(host),
        "sums": sums_of_host(host, count) if host.cpu_cores else [],
        "machines": shown,
        "machine_count": count,
        "more_machines": count > MACHINES_SHOWN,
        "pools": [(pool, pool_gauges(pool)) for pool in pools],
        "strays": StrayMachine.objects.filter(host=host, sightings__gte=SEEN_TWICE).order_by("id")[
            :MACHINES_SHOWN
        ],
        "shown_fingerprint": fingerprint(host.shown_key) if host.shown_key else "",
        "trusted_fingerprint": fingerprint(host.host_key) if host.host_key else "",
    }
    return render(request, "portal/infrastructure/host.html", context)


@require_POST
@page_for("capacity.read")
def host_reconnect(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    host = find(actor, PARTS["host"], uuid)
    return _act(request, host, lambda: services.reconnect_host(actor, host))


@page_for("capacity.read")
def host_trust(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """Show the fingerprint once more, and take the key that was looked at as the host's own."""
    host = find(actor, PARTS["host"], uuid)
    if request.method == "POST":
        key = request.POST.get("key", "")
        return _act(request, host, lambda: services.trust_host_key(actor, host, key=key))
    policy.require(actor, PARTS["host"].permission("trust_key"), host)
    if not host.shown_key:
        raise NotFound
    context = {"row": host, "fingerprint": fingerprint(host.shown_key), "command": _ASK_THE_HOST}
    return render(request, "portal/infrastructure/trust.html", context)


def _act(request: HttpRequest, host: Host, act: Any) -> HttpResponse:
    try:
        act()
    except NotFound:
        raise
    except CloudError as error:
        complain(request, error)
    else:
        messages.info(request, _("The host is being reached; this page follows it."))
    return redirect("portal:host", host.uuid)
