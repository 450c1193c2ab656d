"""Grants: listed, given with a look at what they give, extended, taken away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.grants import extend, grant_role, revoke_grant
from apps.accounts.models import Grant
from apps.core.errors import CloudError, InvalidInput, NotFound
from apps.jobs.events import event_label
from apps.jobs.models import Event
from apps.portal.grants.forms import ExtendForm, GrantForm
from apps.portal.grants.list import GRANTS, find_places, holder, place_of, rows
from apps.portal.pages import complain, page, told
from apps.portal.roles.shown import sections
from apps.portal.service_forms import asked

EVENTS_SHOWN = 10


@page
def grant_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return GRANTS.respond(request, actor, may_grant=policy.somewhere(actor, "grant.create"))


def _find(actor: Actor, uuid: UUID) -> Grant:
    row = policy.find(actor, rows(), uuid)
    find_places(actor, [row])
    return row


@page
def grant_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    events = Event.objects.filter(target_uuid=row.uuid).order_by("-id")[:EVENTS_SHOWN]
    place: Any = row.place_row  # type: ignore[attr-defined]
    own = actor.user is not None and row.user_id == actor.user.pk
    context = {
        "row": row,
        "holder": holder(row),
        "place": place_of(row),
        "sections": sections(row.role.allowed, only_allowed=True),
        "may_extend": not own and policy.may(actor, "grant.create", place),
        "may_revoke": own or policy.may(actor, "grant.revoke", row),
        "events": [(event, event_label(event.kind)) for event in events],
    }
    return render(request, "portal/grants/page.html", context)


@page
def grant_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    policy.require_somewhere(actor, "grant.create")
    posted = request.method == "POST"
    initial = {name: request.GET.get(name, "") for name in ("role", "place", "username")}
    form = GrantForm(actor, request.POST if posted else None, initial=initial)
    shown = not posted or request.POST.get("do") == "show"
    if not shown:
        grant = form.tried(lambda **given: grant_role(actor, **given))
        if grant is not None:
            messages.success(request, say("The role is granted."))
            return redirect("portal:grant", grant.uuid)
    context = {
        "form": form,
        "fields": [form[name] for name in form.fields],
        "back": reverse("portal:grants"),
        "quiet": shown,
        **_weighed(form),
        **asked(request, "POST", "grants/", form),
    }
    return render(request, "portal/grants/new.html", context, status=200 if shown else 422)


def _weighed(form: GrantForm) -> dict[str, Any]:
    found = form.weighed()
    if found is None:
        return {"sections": [], "lacking": 0}
    rules, lacking, wrong = found
    role = form["role"].value()
    refused = told(InvalidInput(wrong, place="role", role=role, scope="")).remedy if wrong else ""
    return {
        "sections": sections(rules, lacking, only_allowed=True),
        "lacking": len(lacking),
        "misfit": refused,
    }


@require_POST
@page
def grant_check(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What the form would give: that part alone, while it is filled in."""
    policy.require_somewhere(actor, "grant.create")
    return render(request, "portal/grants/weighed.html", _weighed(GrantForm(actor, request.POST)))


@page
def grant_extend(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    place: Any = row.place_row  # type: ignore[attr-defined]
    if not policy.may(actor, "grant.create", place):
        raise policy.Refused(actor, "grant.create", place)
    initial = {"ends_on": row.ends_at.date() if row.ends_at else None}
    form = ExtendForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.done(lambda **given: extend(actor, row, **given)):
        messages.success(request, say("The change is made."))
        return redirect("portal:grant", uuid)
    context = {"form": form, "row": row, "holder": holder(row)}
    context |= asked(request, "PATCH", f"grants/{uuid}/", form)
    return render(request, "portal/grants/extend.html", context, status=422 if form.errors else 200)


@page
def grant_revoke(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    own = actor.user is not None and row.user_id == actor.user.pk
    if not own:
        policy.require(actor, "grant.revoke", row)
    if request.method == "POST":
        try:
            revoke_grant(actor, row)
        except NotFound:
            raise
        except CloudError as error:
            complain(request, error)
            return redirect("portal:grant", uuid)
        messages.success(request, say("The role is taken away."))
        return redirect("portal:grants")
    context = {"row": row, "holder": holder(row), "place": place_of(row)}
    context |= asked(request, "DELETE", f"grants/{uuid}/")
    return render(request, "portal/grants/revoke.html", context)
