"""The console log of a machine: the last copy, and a newer one on demand (docs/adr/0005)."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import ConsoleLog, VirtualMachine
from apps.compute.services.console import read_console_log
from apps.core.errors import NotFound
from apps.jobs.models import Job
from apps.portal.copy_as import ApiRequest, portal_of, snippets
from apps.portal.jobs.progress import progress_of
from apps.portal.machines.frame import around, machine_of
from apps.portal.pages import page

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
KIND = "vm.read_console"


def readable(text: str) -> str:
    """What a console wrote as plain text: without the codes that move a cursor or set a colour."""
    lines = _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
    return _UNSEEN.sub("", "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines))


def _machine(actor: Actor, uuid: UUID) -> VirtualMachine:
    vm = machine_of(actor, uuid)
    policy.require(actor, "vm.console_log", vm)
    return vm


@page
def console_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    vm = _machine(actor, uuid)
    asked = ApiRequest("GET", f"virtual-machines/{uuid}/console-log/")
    context = {**around(actor, vm, "machine-console"), **_console(actor, vm)}
    context["snippets"] = snippets(asked, portal_of(request))
    return render(request, "portal/machines/console.html", context)


@page
def console_live(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    vm = _machine(actor, uuid)
    return render(request, "portal/machines/console_text.html", _console(actor, vm))


def _console(actor: Actor, vm: VirtualMachine) -> dict[str, Any]:
    log = ConsoleLog.objects.filter(vm=vm).first()
    job = Job.objects.filter(target_uuid=vm.uuid, kind=KIND).order_by("-id").first()
    failed = job is not None and bool(job.error) and (log is None or job.created_at > log.read_at)
    return {
        "vm": vm,
        "log": log,
        "text": readable(log.text) if log else "",
        "reading": job is not None and job.finished_at is None,
        "job": job,
        "problem": progress_of(actor, job).error if job and failed else None,
    }


@require_POST
@page
def console_refresh(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """Have a newer copy fetched. With htmx the text as it is now, which then follows the job."""
    vm = _machine(actor, uuid)
    read_console_log(actor, vm)
    if request.headers.get("HX-Request"):
        return render(request, "portal/machines/console_text.html", _console(actor, vm))
    return redirect("portal:machine-console", uuid)


@page
def console_download(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The last copy as it was read, for a terminal or a ticket."""
    vm = _machine(actor, uuid)
    log = ConsoleLog.objects.filter(vm=vm).first()
    if log is None:
        raise NotFound
    headers = {"Content-Disposition": f'attachment; filename="{vm.hostname}-console.txt"'}
    return HttpResponse(log.text, content_type="text/plain; charset=utf-8", headers=headers)
