"""What happened to a machine, the latest first."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.jobs.events import event_label
from apps.jobs.models import Event
from apps.portal.events.shown import changes_in_short
from apps.portal.list_cells import badge
from apps.portal.list_filters import Choice, Day
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.machines.frame import around, machine_of
from apps.portal.pages import page


def _rows() -> QuerySet[Event]:
    return Event.objects.select_related("actor").prefetch_related("mentions")


def _href(event: Event) -> str:
    return reverse("portal:event", args=[event.uuid])


HISTORY = ListPage(
    key="machine-history",
    title=_("History"),
    rows=_rows,
    columns=(
        Column("what", _("What"), lambda event: event_label(event.kind), href=_href),
        Column(
            "phase",
            _("Outcome"),
            lambda event: event.get_phase_display(),
            html=lambda e: badge("phase", e.phase),
        ),
        Column("detail", _("Change"), changes_in_short),
        Column("by", _("By"), lambda event: event.by),
        Column("at", _("When"), lambda event: event.at, order="id"),
    ),
    filters=(
        Choice("phase", _("Outcome"), Event.Phase.choices, several=True),
        Day("since", _("From day"), "at"),
        Day("until", _("Up to day"), "at", until=True),
    ),
    default_order="-at",
    empty=Empty(
        _("Nothing happened yet"), _("Whatever is done to the machine is listed here."), icon="clock-history"
    ),
    template="portal/machines/history.html",
)


@page
def machine_history(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponseBase:
    vm = machine_of(actor, uuid)
    rows = _rows().filter(target_uuid=vm.uuid)
    frame = around(actor, vm, "machine-history")
    return HISTORY.respond(request, actor, rows=rows, live=f"vm:{uuid}", **frame)
