"""The audit trail: who did what to what, the latest first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.core.words.audit import PROBLEMS
from apps.jobs.audit import checking
from apps.jobs.events import event_label
from apps.jobs.events_api import EventSerializer, event_rows
from apps.jobs.models import Event
from apps.jobs.models.record import worded
from apps.portal.events.filters import About, By, From, Kind
from apps.portal.events.shown import changes_in_short
from apps.portal.list_cells import badge
from apps.portal.list_filters import Choice, Day, Exactly, Id, Owner
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page


def _lines(actor: Actor, rows: list[Any]) -> Any:
    """As the API shows them to this reader."""
    return EventSerializer(rows, many=True, context={"view": SimpleNamespace(actor=actor)}).data


EVENTS = ListPage(
    key="events",
    title=_("Events"),
    rows=event_rows,
    columns=(
        Column(
            "what",
            _("What"),
            lambda event: event_label(event.kind),
            href=lambda event: reverse("portal:event", args=[event.uuid]),
        ),
        Column("target", _("About"), lambda event: event.about or event.target_type),
        Column(
            "phase",
            _("Outcome"),
            lambda event: event.get_phase_display(),
            html=lambda event: badge("phase", event.phase),
        ),
        Column("change", _("Change"), changes_in_short),
        Column("by", _("By"), lambda event: event.by),
        Column("account", _("Account"), lambda event: event.account.name if event.account else ""),
        Column("token", _("By token"), lambda event: event.token_name, shown=False),
        Column("address", _("From"), lambda event: worded(event.address), shown=False, operators=True),
        Column("request", _("Request id"), lambda event: event.request_id, shown=False),
        Column("at", _("When"), lambda event: event.at, order="id"),
    ),
    filters=(
        About(_("About")),
        Kind("kind", _("What")),
        Choice("phase", _("Outcome"), Event.Phase.choices, several=True),
        By("by", _("By")),
        Owner("account", _("Account"), Account.objects.all),
        Id("target", _("Id of what it is about"), "target_uuid"),
        Exactly("request", _("Request id"), "request_id"),
        From("address", _("From address")),
        Day("since", _("From day"), "at"),
        Day("until", _("Up to day"), "at", until=True),
    ),
    default_order="-at",
    empty=Empty(_("Nothing happened yet"), _("Whatever is done is listed here."), icon="clock-history"),
    template="portal/events/list.html",
    live="events",
    lines=_lines,
)


@page
def event_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    seals = checking.state()
    trouble = PROBLEMS.get(seals.trouble, "") if actor.is_operator else ""
    return EVENTS.respond(request, actor, seals=seals, trouble=trouble, operator=actor.is_operator)
