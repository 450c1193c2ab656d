"""The page of a virtual machine, which follows its job."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine
from apps.compute.services.actions import ACTIONS
from apps.compute.states import TRANSITIONAL
from apps.core.errors import CloudError, NotFound
from apps.core.messages import explain
from apps.jobs.live import latest_job
from apps.portal.jobs.progress import progress_of
from apps.portal.machines.buttons import Button, buttons_of
from apps.portal.pages import complain, page


def _machine(actor: Actor, uuid: UUID) -> VirtualMachine:
    rows = VirtualMachine.objects.select_related("account", "zone", "offering", "template", "host")
    return policy.find(actor, rows, uuid)


@page
def machine_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    return render(request, "portal/machines/page.html", _live(actor, _machine(actor, uuid)))


@page
def machine_live(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The part of the machine's page that follows its job; fetched again and again."""
    try:
        vm = _machine(actor, uuid)
    except NotFound:
        return render(request, "portal/machines/gone.html")
    return render(request, "portal/machines/live.html", _live(actor, vm))


def _live(actor: Actor, vm: VirtualMachine) -> dict[str, object]:
    job = latest_job(vm.uuid)
    nics = vm.nics.select_related("ip")
    moving = vm.state in TRANSITIONAL or (job is not None and job.finished_at is None)
    error = explain(vm.error["code"], vm.error.get("params", {})) if vm.error else None
    buttons: list[Button] = buttons_of(actor, vm)
    return {
        "vm": vm,
        "job": job,
        "progress": progress_of(actor, job) if job else None,
        "addresses": [nic.ip.address for nic in nics if nic.ip],
        "moving": moving,
        "error": error,
        "buttons": buttons,
    }


@require_POST
@page
def machine_act(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    action = ACTIONS.get(request.POST.get("verb", ""))
    vm = _machine(actor, uuid)
    if action is None:
        raise NotFound
    try:
        action(actor, vm)
    except NotFound:
        raise
    except CloudError as error:
        complain(request, error)
    if not VirtualMachine.objects.filter(uuid=uuid).exists():
        return redirect("portal:machines")
    return redirect("portal:machine", uuid)
