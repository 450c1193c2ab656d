"""What is done to domains and accounts alike: renamed, moved, disabled, enabled, closed, kept after all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.accounts import closing, ownership, policy, tenancy
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain
from apps.compute.services.bulk import MAX_AT_ONCE, Outcome, act_on_many
from apps.compute.services.owned import halted
from apps.core.errors import CloudError, NotFound
from apps.core.words.counts import counted
from apps.portal.pages import complain, page
from apps.portal.service_forms import ServiceForm, asked
from apps.portal.tenancy.forms import CloseForm, MoveAccountForm, MoveDomainForm, NameForm, named

_MODELS: dict[str, Any] = {"domain": Domain, "account": Account}


def _find(actor: Actor, noun: str, uuid: UUID) -> Any:
    related = ("parent", "heir") if noun == "domain" else ("domain__parent", "heir")
    return policy.find(actor, _MODELS[noun].objects.select_related(*related), uuid)


def _require(actor: Actor, noun: str, act: str, row: Any) -> None:
    """Over a domain decides who holds rights above it, too. The topmost one's refusal is its service's."""
    policy.require(actor, f"{noun}.{act}", row)
    if isinstance(row, Domain) and row.parent is not None:
        closing.require_above(actor, f"domain.{act}", row)


def _form(
    request: HttpRequest, form: ServiceForm, *, noun: str, uuid: UUID, heading: str, lead: str, api: Any
) -> HttpResponse:
    back = reverse(f"portal:{noun}", args=[uuid])
    context = {"form": form, "heading": heading, "lead": lead, "back": back, **api}
    return render(request, "portal/tenancy/form.html", context, status=422 if form.errors else 200)


def _done(request: HttpRequest, noun: str, uuid: UUID) -> HttpResponse:
    messages.success(request, say("The change is made."))
    return redirect(f"portal:{noun}", uuid)


@page
def rename(request: HttpRequest, actor: Actor, uuid: UUID, noun: str) -> HttpResponse:
    row = _find(actor, noun, uuid)
    policy.require(actor, f"{noun}.rename", row)
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": row.name})
    act: Any = tenancy.rename_domain if noun == "domain" else tenancy.rename_account
    if request.method == "POST" and form.done(lambda name: act(actor, row, name=name)):
        return _done(request, noun, uuid)
    api = asked(request, "PATCH", f"{noun}s/{uuid}/", form)
    heading = say("Rename the domain") if noun == "domain" else say("Rename the account")
    return _form(request, form, noun=noun, uuid=uuid, heading=heading, lead="", api=api)


@page
def move(request: HttpRequest, actor: Actor, uuid: UUID, noun: str) -> HttpResponse:
    row = _find(actor, noun, uuid)
    _require(actor, noun, "move", row)
    given = request.POST if request.method == "POST" else None
    form = MoveDomainForm(given) if noun == "domain" else MoveAccountForm(given)

    def act(parent: str = "", domain: str = "") -> Any:
        place = "parent" if noun == "domain" else "domain"
        target = named(actor, Domain.objects.all(), parent or domain, place)
        if noun == "domain":
            return tenancy.move_domain(actor, row, parent=target)
        return tenancy.move_account(actor, row, domain=target)

    if request.method == "POST" and form.done(act):
        return _done(request, noun, uuid)
    api = asked(request, "POST", f"{noun}s/{uuid}/move/", form)
    lead = say("It moves with all that is in it. What it uses counts there from then on, and has to fit.")
    heading = say("Move the domain") if noun == "domain" else say("Move the account to another domain")
    return _form(request, form, noun=noun, uuid=uuid, heading=heading, lead=lead, api=api)


@require_POST
@page
def switch(request: HttpRequest, actor: Actor, uuid: UUID, noun: str) -> HttpResponse:
    """What takes nothing away is done at once."""
    act: Any = {"enable": closing.enable, "reopen": closing.reopen}.get(request.POST.get("act", ""))
    if act is None:
        raise NotFound
    try:
        act(actor, _find(actor, noun, uuid))
    except NotFound:
        raise
    except CloudError as error:
        complain(request, error)
        return redirect(f"portal:{noun}", uuid)
    return _done(request, noun, uuid)


def _touched(row: Account | Domain) -> list[dict[str, Any]]:
    return [
        {"text": counted(each.kind, each.count), "names": each.names, "more": each.count - len(each.names),
         "needed": each.needed}
        for each in ownership.touched(row)
    ]  # fmt: skip


@page
def disable(request: HttpRequest, actor: Actor, uuid: UUID, noun: str) -> HttpResponse:
    """Shows what it touches first."""
    row = _find(actor, noun, uuid)
    _require(actor, noun, "disable", row)
    return _ask(request, actor, row, noun=noun, what="disable", form=ServiceForm(request.POST or None))


@page
def close(request: HttpRequest, actor: Actor, uuid: UUID, noun: str) -> HttpResponse:
    """Shows what goes first, and asks who takes over what others use."""
    row = _find(actor, noun, uuid)
    _require(actor, noun, "close", row)
    return _ask(request, actor, row, noun=noun, what="close", form=CloseForm(request.POST or None))


def _ask(
    request: HttpRequest, actor: Actor, row: Any, *, noun: str, what: str, form: ServiceForm
) -> HttpResponse:
    def act(heir: str | None = None) -> Any:
        if what == "disable":
            return closing.disable(actor, row)
        found = named(actor, Account.objects.select_related("domain"), heir, "heir") if heir else None
        return closing.close(actor, row, heir=found)

    if request.method == "POST":
        if not form.is_bound:
            form = type(form)({})
        if form.done(act):
            return _done(request, noun, row.uuid)
    context = {
        "form": form,
        "row": row,
        "what": what,
        "noun": noun,
        "touched": _touched(row),
        "closes_at": closing.grace_ends(),
        "back": reverse(f"portal:{noun}", args=[row.uuid]),
        **asked(request, "POST", f"{noun}s/{row.uuid}/{what}/", form if form.fields else None),
    }
    return render(request, "portal/tenancy/ask.html", context, status=422 if form.errors else 200)


@require_POST
@page
def start_halted(request: HttpRequest, actor: Actor, uuid: UUID, noun: str) -> HttpResponse:
    """Start the machines that were stopped because it was disabled."""
    row = _find(actor, noun, uuid)
    vms = list(policy.visible(actor, halted(row))[:MAX_AT_ONCE])
    results = act_on_many(actor, "vm.start", vms) if vms else []
    begun = sum(1 for result in results if result.outcome == Outcome.SUBMITTED)
    for result in results:
        if result.error is not None:
            complain(request, result.error)
            break
    text = ngettext("%(n)s machine is being started.", "%(n)s machines are being started.", begun)
    messages.success(request, text % {"n": begun})
    return redirect(f"portal:{noun}", uuid)
