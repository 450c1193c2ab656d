"""Sizes that machines are made in: offered, renamed, withdrawn, removed when no machine has them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import ServiceOffering, VirtualMachine
from apps.compute.services import offerings
from apps.core.errors import CloudError, NotFound
from apps.portal.events.shown import last_of
from apps.portal.list_columns import CREATED, ENABLED, ENABLED_FILTER, name_of
from apps.portal.list_filters import Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import complain, page_for
from apps.portal.service_forms import ServiceForm, asked, line, whole
from apps.portal.templatetags.portal import mib, size


class RenameForm(ServiceForm):
    name = line(_("Name"))


class NewOfferingForm(RenameForm):
    vcpus = whole(_("vCPUs"), low=1, high=1024, initial=1)
    memory_mib = whole(_("Memory in MiB"), low=64, high=16 * 1024 * 1024, initial=1024)
    root_disk_gib = whole(
        _("Disk in GiB"), low=0, high=65536, initial=0, help_text=_("0: as large as the image.")
    )


def disk_of(row: ServiceOffering) -> str:
    return size(row.root_disk_gib * 2**30) if row.root_disk_gib else say("as the image")


def _count_machines(_actor: Actor, rows: list[ServiceOffering]) -> None:
    """How many machines have each of the rows: one statement."""
    machines = VirtualMachine.objects.filter(offering__in=rows).order_by()
    counts = dict(machines.values_list("offering").annotate(Count("pk")))
    for row in rows:
        row.machine_count = counts.get(row.pk, 0)  # type: ignore[attr-defined]


OFFERINGS = ListPage(
    key="offerings",
    title=_("Sizes"),
    rows=ServiceOffering.objects.all,
    columns=(
        name_of("offering"),
        Column("vcpus", _("vCPUs"), lambda row: row.vcpus, order="vcpus"),
        Column("memory", _("Memory"), lambda row: mib(row.memory_mib), order="memory_mib"),
        Column("disk", _("Disk"), disk_of, order="root_disk_gib"),
        Column("machines", _("Machines"), lambda row: row.machine_count),
        ENABLED,
        CREATED,
    ),
    filters=(Search(_("Name")), ENABLED_FILTER),
    empty=Empty(
        _("No sizes yet"),
        _("A size says how many vCPUs, how much memory and disk a machine gets."),
        "portal:offering-new",
        _("Create a size"),
        "sliders",
    ),
    prepare=_count_machines,
    template="portal/offerings/list.html",
    live="offerings",
)


@page_for("service_offering.change")
def offering_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return OFFERINGS.respond(request, actor)


def _find(actor: Actor, uuid: UUID) -> ServiceOffering:
    return policy.find(actor, ServiceOffering.objects.all(), uuid)


@page_for("service_offering.change")
def offering_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    context = {
        "row": row,
        "disk": disk_of(row),
        "machines": row.virtual_machines.count(),
        "events": last_of(actor, row),
    }
    return render(request, "portal/offerings/page.html", context)


@page_for("service_offering.change")
def offering_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    form = NewOfferingForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        row = form.tried(lambda **given: offerings.create_service_offering(actor, **given))
        if row is not None:
            messages.success(request, say("%(name)s is there.") % {"name": row.name})
            return redirect("portal:offering", row.uuid)
    api = asked(request, "POST", "service-offerings/", form)
    return _form(request, form, say("Create a size"), reverse("portal:offerings"), api)


@page_for("service_offering.change")
def offering_change(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": row.name})
    if request.method == "POST" and form.done(
        lambda name: offerings.change_service_offering(actor, row, name=name)
    ):
        messages.success(request, say("The change is made."))
        return redirect("portal:offering", uuid)
    api = asked(request, "PATCH", f"service-offerings/{uuid}/", form)
    return _form(request, form, say("Rename the size"), reverse("portal:offering", args=[uuid]), api)


def _form(
    request: HttpRequest, form: ServiceForm, heading: str, back: str, api: dict[str, Any]
) -> HttpResponse:
    context = {"form": form, "heading": heading, "back": back, **api}
    return render(request, "portal/offerings/form.html", context, status=422 if form.errors else 200)


@require_POST
@page_for("service_offering.change")
def offering_switch(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    acts = {"enable": offerings.enable_service_offering, "disable": offerings.disable_service_offering}
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        raise NotFound
    act(actor, _find(actor, uuid))
    return redirect("portal:offering", uuid)


@page_for("service_offering.change")
def offering_remove(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    if request.method == "POST":
        try:
            offerings.remove_service_offering(actor, row)
        except NotFound:
            raise
        except CloudError as error:
            complain(request, error)
            return redirect("portal:offering-remove", uuid)
        messages.success(request, say("%(name)s is removed.") % {"name": row.name})
        return redirect("portal:offerings")
    context = {"row": row, "machines": row.virtual_machines.count()}
    context |= asked(request, "DELETE", f"service-offerings/{uuid}/")
    return render(request, "portal/offerings/remove.html", context)
