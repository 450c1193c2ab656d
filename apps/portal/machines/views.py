"""The page of a virtual machine, which follows its job, and what is asked before it loses something."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts import policy, quota
from apps.accounts.actor import Actor
from apps.accounts.models import Counting
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.compute.services.actions import ACTIONS
from apps.compute.states import TRANSITIONAL, PowerState, State
from apps.compute.verbs import VERBS
from apps.core.errors import CloudError, InvalidInput, NotFound
from apps.core.messages import explain_error
from apps.jobs.live import latest_job
from apps.jobs.models import Job
from apps.portal.copy_as import ApiRequest, portal_of, snippets
from apps.portal.jobs.progress import progress_of
from apps.portal.machines.buttons import ASKED_FIRST, SHOWN, TYPED_FROM_BYTES, buttons_of, refusal
from apps.portal.machines.frame import around, machine_of
from apps.portal.machines.login import is_simulated, login_of
from apps.portal.pages import complain, page, told
from apps.portal.quota_after import Bar, bars_after

UNDO_SECONDS = 10


@page
def machine_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    vm = machine_of(actor, uuid)
    return render(request, "portal/machines/page.html", {**around(actor, vm, "machine"), **_live(actor, vm)})


@page
def machine_live(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The part of the machine's page that follows it; fetched again whenever something changed."""
    try:
        vm = machine_of(actor, uuid)
    except NotFound:
        return render(request, "portal/machines/gone.html")
    return render(request, "portal/machines/live.html", _live(actor, vm))


def _live(actor: Actor, vm: VirtualMachine) -> dict[str, Any]:
    job = latest_job(vm.uuid)
    addresses, keys = _addresses(vm), _ssh_keys(actor, vm)
    return {
        "vm": vm,
        "host": vm.host if vm.host and policy.sees(actor, vm.host) else None,
        "job": job,
        "progress": progress_of(actor, job) if job else None,
        "follows": job is not None and _is_worth_following(vm, job),
        "addresses": addresses,
        "login": login_of(vm, addresses),
        "simulated": is_simulated(vm),
        "volumes": list(vm.volumes()),
        "ssh_keys": keys,
        "no_key": keys == [],
        "may_read_console": policy.may(actor, "vm.console_log", vm),
        "error": explain_error(vm.error) if vm.error else None,
        "technical": (vm.error or {}).get("technical", "") if actor.is_operator else "",
        "power_differs": _power_differs(vm),
        "undo_seconds": _undo_seconds(vm),
        "buttons": buttons_of(actor, vm),
        "start_bars": _start_bars(actor, vm),
    }


def _ssh_keys(actor: Actor, vm: VirtualMachine) -> list[SshKeyPair] | None:
    """None for who looks after the host alone: keys are the account's."""
    if not policy.may(actor, "ssh_key.read", vm.account):
        return None
    return list(vm.ssh_keys.order_by("name_sort", "id"))


def _start_bars(actor: Actor, vm: VirtualMachine) -> list[Bar]:
    """What a start takes: something only where quotas count as running."""
    if vm.state != State.STOPPED or quota.counting_of(vm.account) != Counting.RUNNING:
        return []
    if not (policy.may(actor, "vm.start", vm) and policy.may(actor, "quota.read", vm.account)):
        return []
    added = vm.quota_in(State.STARTING, Counting.RUNNING) - vm.quota_in(State.STOPPED, Counting.RUNNING)
    return bars_after(vm.account, added, member_id=vm.created_by_id)


def _addresses(vm: VirtualMachine) -> list[str]:
    return [nic.ip.address for nic in vm.nics.select_related("ip") if nic.ip]


def _is_worth_following(vm: VirtualMachine, job: Job) -> bool:
    """A job under way or stuck, and one that has just ended, so that its last step is seen."""
    if not job.is_ended or vm.state in TRANSITIONAL:
        return True
    return job.finished_at is not None and timezone.now() - job.finished_at < timedelta(minutes=2)


def _power_differs(vm: VirtualMachine) -> bool:
    """Whether what the host reports is news to somebody who reads the state: a report from before its last
    change is none, nor is one that the next has not confirmed."""
    usual = {State.RUNNING: {PowerState.RUNNING}, State.STOPPED: {PowerState.OFF, PowerState.MISSING}}
    expected = usual.get(State(vm.state))
    seen = vm.power_observed_at is not None and vm.power_observed_at > vm.state_changed_at
    return (
        expected is not None
        and seen
        and vm.power_agreed >= VirtualMachine.AGREED
        and vm.power_state not in expected
    )


def _undo_seconds(vm: VirtualMachine) -> int:
    """For how long the move to the trash is still offered to be undone right here."""
    if vm.state != State.DESTROYED:
        return 0
    return max(0, UNDO_SECONDS - int((timezone.now() - vm.state_changed_at).total_seconds()))


@require_POST
@page
def machine_act(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    kind = request.POST.get("verb", "")
    action = ACTIONS.get(kind)
    vm = machine_of(actor, uuid)
    if action is None or kind in ASKED_FIRST:
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


@page
def machine_ask(request: HttpRequest, actor: Actor, uuid: UUID, verb: str) -> HttpResponse:
    """What an act takes away, before it is done."""
    kind = f"vm.{verb.replace('-', '_')}"
    if kind not in ASKED_FIRST:
        raise NotFound
    vm = machine_of(actor, uuid)
    refused = refusal(actor, vm, kind)
    volumes = list(vm.volumes())
    typed = kind == "vm.expunge" and sum(volume.size_bytes for volume in volumes) >= TYPED_FROM_BYTES
    fault = ""
    if request.method == "POST" and refused is None:
        if not typed or request.POST.get("name", "").strip() == vm.name:
            return _do(request, actor, vm, kind)
        fault = told(InvalidInput("not_its_name", place="name")).detail
    context = {
        "vm": vm,
        "kind": kind,
        "label": VERBS[kind].label,
        "button_icon": SHOWN[kind],
        "refused": told(refused) if refused else None,
        "volumes": volumes,
        "addresses": _addresses(vm),
        "days": settings.TRASH_DAYS,
        "typed": typed,
        "fault": fault,
        "snippets": snippets(ApiRequest("POST", f"virtual-machines/{uuid}/{verb}/"), portal_of(request)),
    }
    status = refused.status if refused else 422 if fault else 200
    return render(request, "portal/machines/ask.html", context, status=status)


def _do(request: HttpRequest, actor: Actor, vm: VirtualMachine, kind: str) -> HttpResponse:
    try:
        ACTIONS[kind](actor, vm)
    except CloudError as error:
        complain(request, error)
    if not VirtualMachine.objects.filter(pk=vm.pk).exists():
        return redirect("portal:machines")
    return redirect("portal:machine", vm.uuid)
