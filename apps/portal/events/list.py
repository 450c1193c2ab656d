"""The audit trail: who did what to what, the latest first."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.jobs.events import event_label
from apps.jobs.models import Event
from apps.portal.list_cells import badge
from apps.portal.list_filters import Choice, Day, Id, Owner
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page


def _rows() -> QuerySet[Event]:
    return Event.objects.select_related("account")


EVENTS = ListPage(
    key="events",
    title=_("Events"),
    rows=_rows,
    columns=(
        Column(
            "what",
            _("What"),
            lambda event: event_label(event.kind),
            href=lambda event: reverse("portal:event", args=[event.uuid]),
        ),
        Column("target", _("About"), lambda event: event.target_name or event.target_type),
        Column(
            "phase",
            _("Outcome"),
            lambda event: event.get_phase_display(),
            html=lambda event: badge("phase", event.phase),
        ),
        Column("by", _("By"), lambda event: event.actor_label),
        Column("account", _("Account"), lambda event: event.account.name if event.account else ""),
        Column("request", _("Request id"), lambda event: event.request_id, shown=False),
        Column("at", _("When"), lambda event: event.at, order="id"),
    ),
    filters=(
        Choice("phase", _("Outcome"), Event.Phase.choices, several=True),
        Owner("account", _("Account"), Account.objects.all),
        Id("target", _("Id of what it is about"), "target_uuid"),
        Day("since", _("From day"), "at"),
        Day("until", _("Up to day"), "at", until=True),
    ),
    default_order="-at",
    empty=Empty(_("Nothing happened yet"), _("Whatever is done is listed here."), icon="clock-history"),
    live="events",
)


@page
def event_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return EVENTS.respond(request, actor)
