"""A launch as it goes on: which host is where, what it waits for, and how to put right what failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.errors import CloudError, NotFound
from apps.core.messages import explain_error, note_text, step_label
from apps.jobs.models import Job
from apps.launch.models import Launch
from apps.launch.progress import Part, Phase, Stage, progress_of
from apps.portal.launch.forms import HostWayForm
from apps.portal.launch.wizard import key_command
from apps.portal.pages import complain, page_for, told
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.storage.services import reconnect_primary_storage, reconnect_secondary_storage
from apps.zones.models import Host
from apps.zones.services import change_host, reconnect_host, trust_host_key

SHOWN = 100
"""Parts of a stage that a page shows, those in trouble first."""


def _launch(actor: Actor, uuid: UUID) -> Launch:
    return policy.find(actor, Launch.objects.select_related("zone"), uuid)


@page_for("zone.apply")
def progress(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    return render(request, "portal/launch/progress.html", _context(_launch(actor, uuid)))


@page_for("zone.apply")
def live(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The part of the page that follows."""
    return render(request, "portal/launch/live.html", _context(_launch(actor, uuid)))


def _context(launch: Launch) -> dict[str, Any]:
    found = progress_of(launch)
    return {
        "launch": launch,
        "zone": launch.zone,
        "progress": found,
        "stages": [_stage(stage) for stage in found.stages],
        "images_href": f"{reverse('portal:template-new')}?zone={launch.zone.uuid}",
        "fingerprint_command": "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
    }


def _stage(stage: Stage) -> dict[str, Any]:
    order = {Phase.BAD: 0, Phase.ASKS: 1, Phase.NOW: 2, Phase.NEXT: 3, Phase.DONE: 4}
    parts = sorted(stage.parts, key=lambda part: order[part.phase])
    return {
        "kind": stage.kind,
        "phase": stage.phase,
        "done": stage.done,
        "count": len(parts),
        "parts": [_part(part) for part in parts[:SHOWN]],
        "more": max(0, len(parts) - SHOWN),
    }


def _part(part: Part) -> dict[str, Any]:
    job = part.job
    return {
        "row": part.row,
        "uuid": part.uuid,
        "phase": part.phase,
        "problem": explain_error(part.error) if part.error else None,
        "technical": (part.error or {}).get("technical", ""),
        "note": _note(job) if part.phase is Phase.NOW and job else "",
        "fingerprint": part.fingerprint,
    }


def _note(job: Job) -> str:
    return note_text(job.note) or (step_label(job.trail[-1]) if job.trail else "")


@require_POST
@page_for("zone.apply")
def act(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """Trust the key that a host shows, or try again what failed."""
    launch, given = _launch(actor, uuid), request.POST
    verb = ACTS.get(given.get("verb", ""))
    if verb is None:
        raise NotFound
    model, does = verb
    row = policy.find(actor, model._default_manager.filter(zone=launch.zone), given.get("id", ""))
    try:
        does(actor, row, given)
    except CloudError as error:
        complain(request, error)
    return redirect("portal:launch-progress", uuid)


ACTS: dict[str, tuple[type[Any], Callable[..., Any]]] = {
    "trust": (Host, lambda actor, host, given: trust_host_key(actor, host, key=given.get("key", ""))),
    "host": (Host, lambda actor, host, _given: reconnect_host(actor, host)),
    "pool": (PrimaryStorage, lambda actor, pool, _given: reconnect_primary_storage(actor, pool)),
    "store": (SecondaryStorage, lambda actor, store, _given: reconnect_secondary_storage(actor, store)),
}
"""What the buttons of the page do, and to rows of which kind."""


@page_for("zone.apply")
def repair(request: HttpRequest, actor: Actor, uuid: UUID, host: UUID) -> HttpResponse:
    """Correct how a host is reached, and go on."""
    launch = _launch(actor, uuid)
    row = policy.find(actor, Host.objects.filter(zone=launch.zone), host)
    way = {"address": row.address, "port": row.port, "username": row.username}
    form = HostWayForm(request.POST or None, initial=way)
    if request.method == "POST" and form.is_valid() and _repaired(actor, row, form):
        return redirect("portal:launch-progress", uuid)
    context = {"launch": launch, "host": row, "form": form, "key_command": key_command()}
    return render(request, "portal/launch/repair.html", context, status=422 if form.errors else 200)


def _repaired(actor: Actor, row: Host, form: HostWayForm) -> bool:
    given = {name: form.cleaned_data[name] for name in ("address", "port", "username")}
    if form.cleaned_data["private_key"].strip():
        given["private_key"] = form.cleaned_data["private_key"]
    try:
        _host, job = change_host(actor, row, **given)
        if job is None:
            reconnect_host(actor, row)
    except CloudError as error:
        said = told(error)
        form.add_error(error.place if error.place in form.fields else None, f"{said.detail} {said.remedy}")
        return False
    return True
