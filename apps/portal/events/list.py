"""The audit trail: who did what to what, the latest first."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.core import filters
from apps.jobs.events import event_kinds, event_label
from apps.jobs.models import Event
from apps.portal.list_cells import badge
from apps.portal.list_filters import Choice, Control, Day, Found, Id, Label, Option, Owner
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page

_OF_ACCOUNTS = ("account.", "quota.", "ssh_key.", "template.", "vm.")
"""How kinds begin that others than operators can meet: an event without an account is not theirs to see."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Events of one kind. Only those are offered that the reader can meet."""

    name: str
    label: Label
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        return filters.ByText("kind").condition(self.name, text)

    def control(self, text: str, found: Found) -> Control:
        whole = found.actor is not None and found.actor.is_operator
        offered = {kind for kind in event_kinds() if whole or kind.startswith(_OF_ACCOUNTS)}
        labels = sorted((event_label(kind), kind) for kind in offered | ({text} if text else set()))
        options = [Option(kind, label, kind == text) for label, kind in labels]
        return Control(self.name, self.label, "select", text, options)


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
        Kind("kind", _("What")),
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
