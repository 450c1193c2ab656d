"""Primary and secondary storage: how full, who reaches it, what is on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine
from apps.core.errors import CloudError, NotFound
from apps.portal.infrastructure.forms import NewPrimaryStorageForm
from apps.portal.infrastructure.gauges import pool_gauges, sums_of_pool
from apps.portal.infrastructure.parts import PARTS, above
from apps.portal.infrastructure.views import find, frame_of
from apps.portal.pages import complain, page_for
from apps.portal.service_forms import asked
from apps.storage import services
from apps.storage.models import PrimaryStorage, Template, TemplateCopy
from apps.storage.reach import hosts_reaching
from apps.zones.models import HostState

SHOWN = 50


@page_for("capacity.read")
def primary_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    pool = find(actor, PARTS["primary-storage"], uuid)
    kept_there = VirtualMachine.objects.filter(attachments__volume__pool=pool).distinct()
    machines = policy.visible(actor, kept_there)
    reaching = hosts_reaching(pool)
    context = frame_of(actor, pool) | {
        "gauges": pool_gauges(pool),
        "sums": sums_of_pool(pool),
        "machines": machines.select_related("account").order_by("name_sort", "pk")[:SHOWN],
        "machine_count": machines.count(),
        "volume_count": pool.volumes.count(),
        "copies": _copies(actor, pool),
        "reaching": reaching.count(),
        "reaching_up": reaching.filter(state=HostState.UP).count(),
    }
    return render(request, "portal/infrastructure/primary.html", context)


def _copies(actor: Actor, pool: PrimaryStorage) -> list[TemplateCopy]:
    """Of images that tenants keep to themselves nobody is told by the way of a storage."""
    seen = policy.visible(actor, Template.objects.all())
    rows = pool.template_copies.filter(template__in=seen).select_related("template")
    return list(rows.order_by("template__name_sort", "pk")[:SHOWN])


@page_for("capacity.read")
def secondary_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    storage = find(actor, PARTS["secondary-storage"], uuid)
    there = storage.templates.exclude(state=Template.State.DELETED).select_related("account")
    kept = policy.visible(actor, there)
    context = frame_of(actor, storage) | {"templates": kept.order_by("name_sort", "pk")[:SHOWN]}
    return render(request, "portal/infrastructure/secondary.html", context)


@require_POST
@page_for("capacity.read")
def primary_reconnect(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """Have its size read again, by a host that is up."""
    pool = find(actor, PARTS["primary-storage"], uuid)
    try:
        job = services.reconnect_primary_storage(actor, pool)
    except NotFound:
        raise
    except CloudError as error:
        complain(request, error)
    else:
        waits = _("No host that reaches it is up. The first one that connects reads its size.")
        messages.info(request, _("Its size is being read; this page follows it.") if job else waits)
    return redirect("portal:primary-storage", uuid)


@require_POST
@page_for("capacity.read")
def secondary_reconnect(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """See again whether the portal can write there."""
    storage = find(actor, PARTS["secondary-storage"], uuid)
    try:
        services.reconnect_secondary_storage(actor, storage)
    except NotFound:
        raise
    except CloudError as error:
        complain(request, error)
    else:
        messages.info(request, _("It is being looked at; this page follows it."))
    return redirect("portal:secondary-storage", uuid)


@page_for("capacity.read")
def primary_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    policy.require_somewhere(actor, "primary_storage.create")
    owners = _owners(actor, request)
    initial = {"owner": next((key for key in owners if key.endswith(f":{request.GET.get('in', '')}")), "")}
    form = NewPrimaryStorageForm(request.POST if request.method == "POST" else None, initial=initial)
    form.fields["owner"].choices = [(key, label) for key, (label, _row) in owners.items()]  # type: ignore[attr-defined]
    form.zone_of = {key: str(above(row)[1].uuid) for key, (_label, row) in owners.items()}
    if request.method == "POST":

        def create(owner: str, **given: Any) -> Any:
            scope, row = owner.partition(":")[0], owners[owner][1]
            zone = {"zone": lambda: row, "cluster": lambda: row.pod.zone, "host": lambda: row.zone}[scope]()
            near = {} if scope == "zone" else {scope: row}
            return services.create_primary_storage(actor, zone=zone, scope=scope, **near, **given)

        made = form.tried(create)
        if made is not None:
            messages.success(request, _("%(name)s is there.") % {"name": made[0].name})
            return redirect("portal:primary-storage", made[0].uuid)
    part = PARTS["primary-storage"]
    back = reverse("portal:primary-storages")
    context = {"part": part, "form": form, "heading": part.new_label, "back": back}
    context |= asked(request, "POST", f"{part.plural}/", form)
    return render(request, "portal/infrastructure/form.html", context, status=422 if form.errors else 200)


def _owners(actor: Actor, request: HttpRequest) -> dict[str, tuple[str, Any]]:
    """Every zone and cluster by "kind:uuid", and the host whose page led here."""
    found: dict[str, tuple[str, Any]] = {}
    for kind in ("zone", "cluster"):
        rows = PARTS[kind].rows().order_by("name_sort", "pk")
        for row in policy.reached(actor, "primary_storage.create", rows):
            found[f"{kind}:{row.uuid}"] = (_named(row), row)
    chosen = request.POST.get("owner", "")
    uuid = chosen.removeprefix("host:") if chosen.startswith("host:") else request.GET.get("in", "")
    if uuid and not any(key.endswith(f":{uuid}") for key in found):
        host = policy.find(actor, PARTS["host"].rows(), uuid)
        found[f"host:{host.uuid}"] = (_named(host), host)
    return found


def _named(row: Any) -> str:
    chain = above(row)
    return " › ".join(one.name for one in (chain if row in chain else [*chain, row]))
