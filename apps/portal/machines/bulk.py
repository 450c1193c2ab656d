"""One act on the machines that are ticked in their list: asked about where it destroys, done once, and told
machine by machine at an address of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts import idempotency, policy
from apps.accounts.actor import Actor
from apps.accounts.rest import parse_uuid
from apps.compute.models import VirtualMachine
from apps.compute.services.bulk import MAX_AT_ONCE, Outcome, Result, act_on_many
from apps.compute.verbs import VERBS
from apps.core.errors import NotFound
from apps.core.messages import Explanation, explain
from apps.jobs.models import Job
from apps.portal.list_shown import Shown
from apps.portal.machines.buttons import ASKED_FIRST, ON_MANY, SHOWN, refusal
from apps.portal.machines.list import MACHINES
from apps.portal.pages import page, told
from apps.storage.models import Volume

TYPED = 10
"""Above so many machines whoever destroys types their number."""


@require_POST
@page
def machines_act(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Do what `verb` says to the machines that are ticked, or to all that the list's filters find."""
    kind = request.POST.get("verb", "")
    if kind not in ON_MANY:
        raise NotFound
    submission = parse_uuid(request.POST.get("submission", ""))
    if submission and _was_done(actor, submission):
        return redirect("portal:machines-acted", submission)
    vms = _chosen(request, actor)
    back = f"{reverse('portal:machines')}?{request.POST.get('query', '')}".rstrip("?")
    if not vms:
        messages.warning(request, _("Nothing was selected, or it is there no more."))
        return redirect(back)
    if kind in ASKED_FIRST and not _is_confirmed(request, vms):
        return _ask(request, actor, kind, vms, back)
    return redirect("portal:machines-acted", _act_once(actor, request.POST.get("submission", ""), kind, vms))


def _rows() -> QuerySet[VirtualMachine]:
    return VirtualMachine.objects.select_related("account", "zone", "offering", "template", "host")


def _chosen(request: HttpRequest, actor: Actor) -> list[VirtualMachine]:
    if request.POST.get("all"):
        request.GET = QueryDict(request.POST.get("query", ""))
        rows = Shown(MACHINES, request, actor, _rows()).matching
    else:
        uuids = [uuid for text in request.POST.getlist("id")[:MAX_AT_ONCE] if (uuid := parse_uuid(text))]
        rows = policy.visible(actor, _rows().filter(uuid__in=uuids))
    return list(rows.order_by("name_sort", "id")[:MAX_AT_ONCE])


def _is_confirmed(request: HttpRequest, vms: list[VirtualMachine]) -> bool:
    typed = request.POST.get("typed", "").strip()
    return bool(request.POST.get("confirmed")) and (len(vms) <= TYPED or typed == str(len(vms)))


def _ask(request: HttpRequest, actor: Actor, kind: str, vms: list[VirtualMachine], back: str) -> HttpResponse:
    """The page that lists what goes, and what does not with the reason."""
    refused = [(vm, told(error)) for vm in vms if (error := refusal(actor, vm, kind))]
    left_out = {vm.pk for vm, _said in refused}
    going = [vm for vm in vms if vm.pk not in left_out]
    disks = Volume.objects.filter(attachment__vm__in=going).aggregate(total=Sum("size_bytes"))["total"]
    wrong = bool(request.POST.get("confirmed"))
    context = {
        "kind": kind,
        "verb": VERBS[kind],
        "icon_name": SHOWN[kind],
        "going": going,
        "refused": refused,
        "disks": disks or 0,
        "must_type": len(going) > TYPED,
        "wrong": wrong,
        "submission": uuid4(),
        "query": request.POST.get("query", ""),
        "back": back,
    }
    return render(request, "portal/machines/bulk_ask.html", context, status=422 if wrong else 200)


def _act_once(actor: Actor, submission: str, kind: str, vms: list[VirtualMachine]) -> str:
    """The address of what became of it. A form that is sent twice acts once."""
    number = str(parse_uuid(submission) or uuid4())
    asked = [kind, [str(vm.uuid) for vm in vms]]

    def act() -> dict[str, Any]:
        return {"kind": kind, "items": [_kept(result) for result in act_on_many(actor, kind, vms)]}

    idempotency.once(actor, _key(number), asked, act)
    return number


def _was_done(actor: Actor, number: UUID) -> bool:
    """Whether this form was sent before: what its filters find now may be other machines."""
    return actor.user is not None and idempotency.answer_of(actor.user, _key(number)) is not None


def _key(number: object) -> str:
    """None that a client of the API could have sent as its own Idempotency-Key."""
    return salted_hmac("cloudportal.portal.machines_acted", str(number), algorithm="sha256").hexdigest()


def _kept(result: Result) -> dict[str, Any]:
    error = result.error
    return {
        "id": str(result.vm.uuid),
        "name": result.vm.name,
        "outcome": result.outcome,
        "job": str(result.job.uuid) if result.job else None,
        "error": {"code": error.code, "params": error.params} if error else None,
    }


@dataclass(frozen=True)
class Item:
    """What became of one machine, and how its job stands now."""

    uuid: UUID
    name: str
    outcome: str
    exists: bool
    job: Job | None
    why: Explanation | None


@page
def machines_acted(request: HttpRequest, actor: Actor, number: UUID) -> HttpResponse:
    assert actor.user is not None  # noqa: S101 - login_required saw to it
    answer = idempotency.answer_of(actor.user, _key(number))
    if answer is None:
        raise NotFound
    items = _items(actor, answer["items"])
    counts = {outcome: sum(item.outcome == outcome for item in items) for outcome in Outcome}
    context = {
        "kind": answer["kind"],
        "verb": VERBS[answer["kind"]],
        "items": items,
        "acted": counts[Outcome.DONE] + counts[Outcome.SUBMITTED],
        "refused": [item for item in items if item.outcome == Outcome.REFUSED and item.exists],
        "refused_count": counts[Outcome.REFUSED],
        "submission": uuid4(),
    }
    return render(request, "portal/machines/bulk_results.html", context)


def _items(actor: Actor, kept: list[dict[str, Any]]) -> list[Item]:
    vms = policy.visible(actor, VirtualMachine.objects.filter(uuid__in=[row["id"] for row in kept]))
    seen = set(vms.values_list("uuid", flat=True))
    asked = [row["job"] for row in kept if row["job"]]
    jobs = {job.uuid: job for job in policy.visible(actor, Job.objects.filter(uuid__in=asked))}
    return [
        Item(
            uuid=UUID(row["id"]),
            name=row["name"],
            outcome=row["outcome"],
            exists=UUID(row["id"]) in seen,
            job=jobs.get(UUID(row["job"])) if row["job"] else None,
            why=explain(row["error"]["code"], row["error"]["params"]) if row["error"] else None,
        )
        for row in kept
    ]
