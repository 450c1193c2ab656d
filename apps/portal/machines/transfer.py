"""Handing a machine over: first what it would do, then the same form does it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as say

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import VirtualMachine
from apps.compute.services.transfer import Plan, plan_transfer, transfer_vm
from apps.portal.machines.frame import machine_of
from apps.portal.pages import page
from apps.portal.quota_after import bars_of
from apps.portal.service_forms import asked
from apps.portal.tenancy.forms import AccountForm, named


@page
def machine_transfer(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    vm = machine_of(actor, uuid)
    policy.require(actor, "vm.transfer", vm)
    form = AccountForm(request.POST if request.method == "POST" else None)
    plan: Plan | None = None
    if request.method == "POST" and request.POST.get("act") == "transfer":
        given = form.tried(lambda account: transfer_vm(actor, vm, account=_account(actor, account)))
        if given is not None:
            return _handed_over(request, actor, given)
    elif request.method == "POST":
        plan = form.tried(lambda account: plan_transfer(actor, vm, account=_account(actor, account)))
    api = asked(request, "POST", f"virtual-machines/{uuid}/transfer/", form)
    context = {
        "form": form,
        "vm": vm,
        "plan": plan,
        "bars": list(bars_of(plan.standing, touched=True)) if plan else [],
    }
    return render(request, "portal/machines/transfer.html", context | api, status=422 if form.errors else 200)


def _account(actor: Actor, text: str) -> Account:
    return named(actor, Account.objects.select_related("domain"), text, "account")


def _handed_over(request: HttpRequest, actor: Actor, vm: VirtualMachine) -> HttpResponse:
    words = {"name": vm.name, "account": vm.account.name}
    messages.success(request, say("%(name)s belongs to %(account)s now.") % words)
    if policy.sees(actor, vm):
        return redirect("portal:machine", vm.uuid)
    return redirect("portal:machines")
