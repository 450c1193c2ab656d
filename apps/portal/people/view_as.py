"""Begin and end to look at the portal as somebody else."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts import policy, view_as
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.portal.pages import page


@page
def begin(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    user = policy.find(actor, User.objects.filter(kind=User.Kind.PERSON), uuid)
    policy.require(actor, "user.view_as", user)
    if request.method == "POST":
        request.session[view_as.KEY] = view_as.begin(actor, user)
        return redirect("portal:home")
    return render(request, "portal/people/view_as.html", {"row": user, "minutes": view_as.MINUTES})


@require_POST
@page
def end(request: HttpRequest, actor: Actor) -> HttpResponse:
    kept = request.session.pop(view_as.KEY, None)
    if kept is None:
        return redirect("portal:home")
    view_as.end(actor, kept)
    user = User.objects.filter(pk=kept.get("user") or 0).first()
    return redirect("portal:person", user.uuid) if user else redirect("portal:home")
