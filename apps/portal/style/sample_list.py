"""A list that is none, for the style page: what `apps.portal.lists` hands to templates, with a fault in
one filter, a sorted column, boxes and a page on either side."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.compute.states import State
from apps.portal.list_cells import badge
from apps.portal.list_filters import Control, Option
from apps.portal.list_shown import Header, Line


def sample_list() -> Any:
    name, state, created = _("Name"), _("State"), _("Created")
    states = [Option(value, label, value == State.RUNNING) for value, label in State.choices]
    lines = [
        Line(
            SimpleNamespace(name=f"web-{number}", uuid=UUID(int=number)),
            [(name, f"web-{number}"), (state, badge("vm", value)), (created, "–")],
        )
        for number, value in enumerate((State.RUNNING, State.STOPPED, State.ERROR), 1)
    ]
    return SimpleNamespace(
        title=_("Virtual machines"),
        controls=[
            Control("q", name, "search"),
            Control("state", state, "several", "Running", states),
            Control("zone", _("Zone"), "select", "", [Option("a", "A")]),
            Control("day", _("From day"), "date", "", (), _("This is not a day.")),
        ],
        headers=[
            Header("name", name, "#list", "ascending"),
            Header("state", state, "#list"),
            Header("created", created),
        ],
        lines=lines,
        choosable=[
            (SimpleNamespace(key="name", label=name), True),
            (SimpleNamespace(key="created", label=created), False),
        ],
        total=120,
        may_take_all=True,
        is_narrowed=True,
        clear_href="#list",
        csv_href="#list",
        bulk_href="#list",
        first_href="#list",
        previous_href="#list",
        next_href="#list",
        last_href="#list",
        bulk=[
            {"label": _("Stop"), "name": "verb", "value": "stop", "icon": "stop-fill"},
            {"label": _("Move to trash"), "name": "verb", "value": "x", "tone": "danger", "icon": "trash3"},
        ],
    )
