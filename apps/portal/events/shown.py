"""Events as pages show them: what changed, in words, and an object's own last events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as say

from apps.accounts import policy, view_as
from apps.accounts.actor import Actor
from apps.accounts.models import Quota, User
from apps.jobs.events import event_label
from apps.jobs.models import Event
from apps.jobs.people import told
from apps.portal.resources import bare, label

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


@dataclass(frozen=True, slots=True)
class Difference:
    """One field with what it was and what it is. `resource`: whose limit it is, if it is one."""

    name: str
    before: str
    after: str
    resource: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.before} → {self.after}"


def differences_of(changes: Mapping[str, list[Any]]) -> list[Difference]:
    """Recorded changes in words; limits by the resource's name, whether each stands for itself or all in
    one field."""
    found: list[Difference] = []
    for name, (before, after) in changes.items():
        if name == "limits" and isinstance(before, dict) and isinstance(after, dict):
            for resource in {**before, **after}:
                pair = (before.get(resource), after.get(resource))
                found += [_difference(f"max_{resource}", *pair)] if pair[0] != pair[1] else []
        else:
            found.append(_difference(name, before, after))
    return sorted(found, key=_place)


def _place(found: Difference) -> int:
    """Limits in their usual order, after what else there is: databases keep fields as they like."""
    return Quota.RESOURCES.index(found.resource) if found.resource else -1


def _difference(name: str, before: Any, after: Any) -> Difference:
    resource = name.removeprefix("max_")
    if resource == name or resource not in Quota.RESOURCES:
        return Difference(_named(name), _worded(name, before), _worded(name, after))
    was, now = (say("no limit") if limit is None else bare(resource, limit) for limit in (before, after))
    return Difference(label(resource), was, now, resource)


def _worded(name: str, value: Any) -> str:
    moment = parse_datetime(value) if name == "ends_at" and isinstance(value, str) else None
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT") if moment else in_words(value)


def _named(field: str) -> str:
    return {"role": say("Role"), "ends_at": say("Ends at")}.get(field, field)


def changes_in_short(event: Event) -> str:
    """From what to what, on one line; the field's name where there are several, or it is a limit."""
    _data, changes = told(event)
    found = differences_of(changes)
    if len(found) == 1 and not found[0].resource:
        return f"{_short(found[0].before)} → {_short(found[0].after)}"
    return " · ".join(f"{each.name}: {_short(each.before)} → {_short(each.after)}" for each in found)


def _short(text: str) -> str:
    return Truncator(text).chars(WORDS)


def rows_of(actor: Actor) -> QuerySet[Event]:
    """The events that the actor may read, with all that a list shows of each."""
    return policy.visible(actor, Event.objects.select_related("account", "actor", "target_person"))


def views_of(user: User) -> list[Event]:
    """Who looked at the portal as this user, and when: theirs to know, and those' who govern them."""
    rows = Event.objects.filter(target_uuid=user.uuid, kind__in=(view_as.BEGIN, view_as.END))
    return list(rows.select_related("actor", "user").order_by("-id")[: 2 * SHOWN])


def last_of(actor: Actor, target: Any) -> list[tuple[Event, str]]:
    """What an object's own page shows: its last events with their labels; for `portal/history.html`."""
    rows = rows_of(actor).filter(target_uuid=target.uuid).order_by("-id")[:SHOWN]
    return [(event, event_label(event.kind)) for event in rows]
