"""Accounts that nobody is left in: let be, or handed over."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import ownership, policy
from apps.accounts.actor import Actor
from apps.accounts.directory import leavers
from apps.accounts.directory.leaving import open_ones
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.mapping.forms import HandOverForm
from apps.portal.pages import page_for

seen = page_for("leaver.read")

LEAVERS = ListPage(
    key="leavers",
    title=_("Left behind"),
    rows=open_ones,
    default_order="created",
    columns=(
        Column(
            "account",
            _("Account"),
            lambda row: row.account.name,
            href=lambda row: reverse("portal:leaver", args=[row.uuid]),
        ),
        Column("user", _("Who left"), lambda row: row.user.username),
        Column("directory", _("Directory"), lambda row: row.directory.name if row.directory else ""),
        Column("created", _("Since"), lambda row: row.created_at, order="id"),
        Column("stops", _("Machines stop at"), lambda row: "" if row.kept_at else row.stops_at),
    ),
    empty=Empty(
        _("Nothing was left behind"),
        _("When somebody leaves a directory, the accounts that nobody else belongs to are offered here."),
        icon="people",
    ),
)


@seen
def leaver_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return LEAVERS.respond(request, actor)


@seen
def leaver_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = policy.find(actor, open_ones(), uuid)
    act = request.POST.get("act")
    form = HandOverForm(actor, request.POST if act == "hand_over" else None)
    if request.method == "POST" and act == "keep":
        leavers.keep(actor, row)
        messages.success(request, say("It is let be: its machines are not stopped."))
        return redirect("portal:leaver", uuid)
    if act == "hand_over" and _handed_over(actor, form, row):
        messages.success(request, say("%(name)s is handed over.") % {"name": row.account.name})
        return redirect("portal:leavers")
    context = {
        "row": row,
        "form": form,
        "touched": ownership.touched(row.account),
        "may_give": policy.may(actor, "vm.transfer", row.account),
        "may": {each: policy.may(actor, f"leaver.{each}", row) for each in ("keep", "hand_over")},
    }
    return render(request, "portal/mapping/leaver.html", context, status=422 if form.errors else 200)


def _handed_over(actor: Actor, form: HandOverForm, row: object) -> bool:
    def act(**given: object) -> bool:
        leavers.hand_over(actor, row, **given)  # type: ignore[arg-type]
        return True

    return form.done(act)
