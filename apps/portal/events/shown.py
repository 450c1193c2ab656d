"""Events as pages show them: what changed, in words, and an object's own last events."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.text import Truncator

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.jobs.events import event_label
from apps.jobs.models import Event
from apps.jobs.people import told

SHOWN = 10
WORDS = 60


def in_words(value: Any) -> str:
    """A recorded value on one line."""
    if value is None or value == "":
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {in_words(item)}" for name, item in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(in_words(item) for item in value) or "–"
    return str(value)


def changes_in_short(event: Event) -> str:
    """From what to what, on one line; the field's name where there are several."""
    _data, changes = told(event)
    pairs = [
        (name, [Truncator(in_words(value)).chars(WORDS) for value in pair]) for name, pair in changes.items()
    ]
    if len(pairs) == 1:
        return " → ".join(pairs[0][1])
    return " · ".join(f"{name}: {before} → {after}" for name, (before, after) in pairs)


def rows_of(actor: Actor) -> QuerySet[Event]:
    """The events that the actor may read, with all that a list shows of each."""
    return policy.visible(actor, Event.objects.select_related("account", "actor", "target_person"))


def last_of(actor: Actor, target: Any) -> list[tuple[Event, str]]:
    """What an object's own page shows: its last events with their labels; for `portal/history.html`."""
    rows = rows_of(actor).filter(target_uuid=target.uuid).order_by("-id")[:SHOWN]
    return [(event, event_label(event.kind)) for event in rows]
