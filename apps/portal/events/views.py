"""One event: what was done, what was recorded with it, and the request that would do it again."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.messages import explain_error
from apps.jobs.events import event_label
from apps.jobs.events_api import event_rows, knows_origin
from apps.jobs.models.record import worded
from apps.jobs.people import told
from apps.portal.copy_as import portal_of, snippets
from apps.portal.events.shown import differences_of
from apps.portal.jobs.targets import href_of
from apps.portal.pages import page
from apps.portal.past_requests import request_of_event


@page
def event_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    event = policy.find(actor, event_rows().select_related("job"), uuid)
    data, changes = told(event)
    again = request_of_event(event, operator=actor.is_operator)
    error = data.get("error")
    context = {
        "event": event,
        "label": event_label(event.kind),
        "target_href": href_of(actor, event.target_type, event.target_uuid),
        "recorded": _recorded(data),
        "changes": differences_of(changes),
        "behalf": worded(event.behalf),
        "address": worded(event.address) if knows_origin(actor, event) else "",
        "problem": explain_error(error) if isinstance(error, dict) else None,
        "technical": error.get("technical", "") if isinstance(error, dict) and actor.is_operator else "",
        "snippets": snippets(again, portal_of(request)) if again else None,
    }
    return render(request, "portal/events/page.html", context)


def _recorded(data: dict[str, Any]) -> list[tuple[str, str]]:
    """What was recorded beside the error, by its names in the API."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))
        for name, value in data.items()
        if name != "error"
    ]
