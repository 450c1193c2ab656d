"""Handing over all machines of an account: first what it would do, then what became of each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apps.accounts import ownership, policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import VirtualMachine
from apps.compute.services.bulk import Outcome, Result
from apps.compute.services.handover import Batch, BatchPlan, hand_over_machines, plan_handover
from apps.core.words.counts import counted
from apps.portal.pages import page, told
from apps.portal.quota_after import bars_of
from apps.portal.service_forms import asked
from apps.portal.tenancy.forms import AccountForm, named

STAYS = {"template", "SSH key pair"}


@page
def hand_over(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    rows = Account.objects.select_related("domain")
    source = policy.find(actor, rows, uuid)
    policy.require(actor, "vm.transfer", source)
    form = AccountForm(request.POST if request.method == "POST" else None)
    plan: BatchPlan | None = None
    done: Batch | None = None
    if request.method == "POST" and request.POST.get("act") == "transfer":
        done = form.tried(
            lambda account: hand_over_machines(actor, source, account=named(actor, rows, account, "account"))
        )
    elif request.method == "POST":
        plan = form.tried(
            lambda account: plan_handover(actor, source, account=named(actor, rows, account, "account"))
        )
    batch = done or (plan.batch if plan else None)
    context = {
        "form": form,
        "row": source,
        "plan": plan,
        "done": done,
        "batch": batch,
        "items": _items(actor, batch.results) if batch else [],
        "counts": _counts(batch) if batch else {},
        "bars": list(bars_of(plan.standing, touched=True)) if plan else [],
        "machines": policy.visible(actor, VirtualMachine.objects.filter(account=source)).count(),
        "stays": [counted(each.kind, each.count) for each in ownership.touched(source) if each.kind in STAYS],
        "back": reverse("portal:account", args=[uuid]),
        **asked(request, "POST", "virtual-machines/transfer-all/", form, source=str(uuid)),
    }
    status = 422 if form.errors else 200
    return render(request, "portal/tenancy/hand_over.html", context, status=status)


def _items(actor: Actor, results: list[Result]) -> list[dict[str, Any]]:
    """A machine that the reader sees no longer is told by its name alone."""
    rows = VirtualMachine.objects.filter(account__in={each.vm.account_id for each in results})
    seen = set(policy.visible(actor, rows).values_list("pk", flat=True))
    return [
        {
            "vm": each.vm,
            "refused": each.outcome is Outcome.REFUSED,
            "seen": each.vm.pk in seen,
            "why": told(each.error) if each.error else None,
        }
        for each in results
    ]


def _counts(batch: Batch) -> dict[str, int]:
    refused = sum(each.outcome is Outcome.REFUSED for each in batch.results)
    return {"refused": refused, "given": len(batch.results) - refused}
