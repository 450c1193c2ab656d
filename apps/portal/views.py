"""The pages of virtual machines: a list, one page to create, and a page that follows the job."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import idempotency, policy
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.compute.models import VirtualMachine
from apps.compute.services.actions import ACTIONS
from apps.compute.services.deploy import deploy_vm
from apps.compute.states import TRANSITIONAL
from apps.core.errors import CloudError, NotFound
from apps.core.messages import explain
from apps.jobs.live import latest_job
from apps.portal.buttons import Button, buttons_of
from apps.portal.forms import MachineForm
from apps.portal.paging import page_of
from apps.portal.progress import progress_of


def actor_of(request: HttpRequest) -> Actor:
    assert isinstance(request.user, User)  # noqa: S101 - login_required saw to it
    return Actor(request.user)


def _machine(request: HttpRequest, uuid: UUID) -> VirtualMachine:
    rows = VirtualMachine.objects.select_related("account", "zone", "offering", "template", "host")
    return policy.find(actor_of(request), rows, uuid)


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/not_found.html", status=404)


@require_safe
@login_required
def machine_list(request: HttpRequest) -> HttpResponse:
    rows = policy.visible(
        actor_of(request), VirtualMachine.objects.select_related("zone", "offering", "account")
    )
    return render(request, "portal/machine_list.html", {"page": page_of(rows, request.GET.get("after", ""))})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def machine_create(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    if request.method != "POST":
        return render(request, "portal/machine_create.html", {"form": MachineForm(actor)})
    form = MachineForm(actor, request.POST)
    if form.is_valid():
        try:
            return redirect("portal:machine", _deploy_once(actor, form))
        except CloudError as error:
            said = explain(error.code, error.params)
            place = error.place.split(" ")[0]
            form.add_error(place if place in form.fields else None, f"{said.detail} {said.remedy}".strip())
    return render(request, "portal/machine_create.html", {"form": form}, status=422)


def _deploy_once(actor: Actor, form: MachineForm) -> str:
    """The uuid of the machine that this form made, now or when it was sent before."""

    def act() -> dict[str, str]:
        return {"vm": str(deploy_vm(actor, form.request())[0].uuid)}

    assert actor.user is not None  # noqa: S101 - login_required saw to it
    key = form.key()
    answer, _now = idempotency.once(actor.user, key, key, act)
    return str(answer["vm"])


@require_safe
@login_required
def machine_page(request: HttpRequest, uuid: UUID) -> HttpResponse:
    try:
        vm = _machine(request, uuid)
    except NotFound:
        return _gone(request)
    return render(request, "portal/machine.html", _live(request, vm))


@require_safe
@login_required
def machine_live(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The part of the machine's page that follows its job; fetched again and again."""
    try:
        vm = _machine(request, uuid)
    except NotFound:
        return render(request, "portal/machine_gone.html")
    return render(request, "portal/machine_live.html", _live(request, vm))


def _live(request: HttpRequest, vm: VirtualMachine) -> dict[str, object]:
    job = latest_job(vm.uuid)
    nics = vm.nics.select_related("ip")
    moving = vm.state in TRANSITIONAL or (job is not None and job.finished_at is None)
    error = explain(vm.error["code"], vm.error.get("params", {})) if vm.error else None
    buttons: list[Button] = buttons_of(actor_of(request), vm)
    return {
        "vm": vm,
        "job": job,
        "progress": progress_of(job) if job else None,
        "addresses": [nic.ip.address for nic in nics if nic.ip],
        "moving": moving,
        "every": "1s" if moving else "5s",
        "error": error,
        "buttons": buttons,
    }


@require_POST
@login_required
def machine_act(request: HttpRequest, uuid: UUID) -> HttpResponse:
    action = ACTIONS.get(request.POST.get("verb", ""))
    try:
        vm = _machine(request, uuid)
        if action is None:
            return _gone(request)
        action(actor_of(request), vm)
    except NotFound:
        return _gone(request)
    except CloudError as error:
        said = explain(error.code, error.params)
        messages.error(request, f"{said.title}. {said.detail} {said.remedy}".strip())
    if not VirtualMachine.objects.filter(uuid=uuid).exists():
        return redirect("portal:machines")
    return redirect("portal:machine", uuid)
