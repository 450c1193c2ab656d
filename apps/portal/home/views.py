"""Where people land."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.accounts.actor import Actor
from apps.portal.pages import page


@page
def home(request: HttpRequest, actor: Actor) -> HttpResponse:
    return redirect("portal:machines")
