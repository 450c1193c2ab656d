"""Choosing the account that one works in."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as say

from apps.accounts.actor import Actor
from apps.core.names import fold
from apps.portal.pages import page
from apps.portal.returning import safe_address
from apps.portal.working import choosable, may_choose, work_in, working_account

SHOWN = 20
"""Accounts listed at once; further ones are found by their name."""


@page
def working(request: HttpRequest, actor: Actor) -> HttpResponse:
    """No event is recorded: it changes nothing but what forms and lists begin with."""
    if request.method == "POST":
        account = work_in(request, request.POST.get("account", ""))
        text = say("You work in %(name)s now.") % {"name": account.name} if account else ""
        messages.success(request, text or say("You work in all of your accounts now."))
        return redirect(_back(request, request.POST.get("next")))
    sought = request.GET.get("q", "").strip()
    rows = choosable(actor)
    found = list((rows.filter(name_key__contains=fold(sought)) if sought else rows)[: SHOWN + 1])
    context = {
        "accounts": found[:SHOWN],
        "more": len(found) > SHOWN,
        "sought": sought,
        "many": len(actor.account_ids) > SHOWN,
        "may_choose": may_choose(actor),
        "chosen": working_account(request),
        "next": _back(request, request.GET.get("next")),
    }
    return render(request, "portal/preferences/working.html", context)


def _back(request: HttpRequest, wanted: str | None) -> str:
    """Where the reader was; without the filters of a list that is narrowed to another account."""
    address = urlsplit(safe_address(request, wanted))
    return address.path if "account" in parse_qs(address.query) else address.geturl()
