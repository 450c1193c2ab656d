"""Where people land: what is theirs, or, for operators, how the cloud is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.actor import Actor
from apps.portal.home.operator import operator_context
from apps.portal.home.overseer import overseer_context
from apps.portal.home.person import person_context
from apps.portal.pages import page


@page
def home(request: HttpRequest, actor: Actor) -> HttpResponse:
    if actor.is_operator:
        return render(request, "portal/home/operator.html", operator_context(actor))
    return render(request, "portal/home/person.html", {**person_context(actor), **overseer_context(actor)})
