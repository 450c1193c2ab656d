"""What the page of a directory tells: its settings, its last test in words, whom it could not let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as say

from apps.accounts.models import Directory
from apps.core.messages import Explanation, explain
from apps.core.words.directories import REFUSALS, STEPS
from apps.jobs.models import Event
from apps.jobs.people import told

REFUSALS_SHOWN = 10


@dataclass(frozen=True)
class TriedStep:
    label: str | Promise
    ok: bool
    seconds: float


@dataclass(frozen=True)
class TriedServer:
    server: str
    ok: bool
    steps: list[TriedStep]
    why: Explanation | None
    technical: str


@dataclass(frozen=True)
class Test:
    ok: bool
    servers: list[TriedServer]
    people: int
    groups: int
    more: bool


@dataclass(frozen=True)
class Refusal:
    event: Event
    name: str
    why: str | Promise
    remedy: str | Promise


def last_test(row: Directory) -> Test | None:
    found: dict[str, Any] | None = row.test
    if not found:
        return None
    servers = [_server(each) for each in found["servers"]]
    people, groups = found.get("people", 0), found.get("groups", 0)
    return Test(found["ok"], servers, people, groups, found.get("more", False))


def _server(each: dict[str, Any]) -> TriedServer:
    steps = [_step(step) for step in each["steps"]]
    reason = each.get("reason")
    why = explain("directory_unavailable", {"reason": reason}) if reason else None
    if why is not None:
        why = replace(why, title=say("This server cannot be used"))
    return TriedServer(each["server"], each["ok"], steps, why, each.get("technical", ""))


def _step(step: dict[str, Any]) -> TriedStep:
    return TriedStep(STEPS.get(step["step"], step["step"]), step["ok"], step["ms"] / 1000)


def refusals_of(row: Directory) -> list[Refusal]:
    """People with the right password who were not let in lately, and why."""
    events = Event.objects.filter(target_uuid=row.uuid, kind="directory.refuse_login").order_by("-id")
    return list(_refusals(events[:REFUSALS_SHOWN]))


def _refusals(events: Any) -> Iterator[Refusal]:
    for event in events:
        data, _changes = told(event)
        words = REFUSALS.get(data.get("reason", ""))
        if words is not None:
            yield Refusal(event, str(data.get("name", "")), str(words.detail), str(words.remedy or ""))


def facts_of(row: Directory) -> list[tuple[str, list[str]]]:
    """Settings with their names, each with its values."""
    found = [
        (say("Servers"), row.servers),
        (say("Bind DN"), [row.bind_dn] if row.bind_dn else []),
        (say("Where people are"), row.people_bases),
        (say("Filter of people"), [row.people_filter]),
        (say("Where groups are"), row.group_bases),
        (say("Filter of groups"), [row.group_filter] if row.group_bases else []),
        (say("Login names"), row.login_attributes),
        (say("Known for good by"), [row.stable_id_attribute]),
        (say("Further attributes"), row.attributes),
        (say("Filter of disabled people"), [row.disabled_filter] if row.disabled_filter else []),
    ]
    return [(label, list(values)) for label, values in found if values]
