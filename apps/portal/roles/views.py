"""Roles: those that are ready, and those that people made. Each shows what it allows and by which rule."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Grant, Role
from apps.accounts.roles import services
from apps.accounts.roles.rules import known
from apps.core.errors import CloudError, NotFound
from apps.core.words.permissions import PERMISSIONS
from apps.jobs.events import event_label
from apps.jobs.models import Event
from apps.portal.list_filters import Flag, Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import complain, page
from apps.portal.roles.editor import RoleForm, judged
from apps.portal.roles.shown import sections
from apps.portal.service_forms import asked

EVENTS_SHOWN = 10
MOVES = ("add", "remove", "up", "down", "show")

ROLES = ListPage(
    key="roles",
    title=_("Roles"),
    rows=lambda: Role.objects.select_related("domain"),
    columns=(
        Column(
            "name",
            _("Name"),
            lambda row: row.shown_name,
            order="name_sort",
            href=lambda row: reverse("portal:role", args=[row.uuid]),
        ),
        Column("about", _("What it is for"), lambda row: row.shown_about),
        Column("domain", _("Domain"), lambda row: row.domain.name if row.domain else say("The whole cloud")),
        Column("kind", _("Made by"), lambda row: say("The portal") if row.key else say("People")),
        Column("allows", _("Permissions"), lambda row: len(row.allowed.permissions())),
    ),
    filters=(
        Search(_("Name")),
        Flag("ready", _("Made by"), _("People"), _("The portal"), path="key__isnull"),
    ),
    empty=Empty(_("No roles yet"), _("A role says what its holder may do."), icon="shield-lock"),
    template="portal/roles/list.html",
)


@page
def role_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    policy.require_somewhere(actor, "role.read")
    return ROLES.respond(request, actor, may_create=policy.somewhere(actor, "role.create"))


def _find(actor: Actor, uuid: UUID) -> Role:
    return policy.find(actor, Role.objects.select_related("domain"), uuid)


@page
def role_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    held = policy.visible(actor, Grant.objects.in_force()).filter(role=row)
    events = Event.objects.filter(target_uuid=row.uuid).order_by("-id")[:EVENTS_SHOWN]
    context = {
        "row": row,
        "sections": sections(row.allowed),
        "held": held.count(),
        "may": {
            "change": policy.may(actor, "role.change", row),
            "remove": policy.may(actor, "role.remove", row),
            "copy": policy.somewhere(actor, "role.create"),
            "grant": policy.somewhere(actor, "grant.create"),
        },
        "events": [(event, event_label(event.kind)) for event in events],
    }
    return render(request, "portal/roles/page.html", context)


@page
def role_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A new role, or, with ?copy=, one with the rules of another."""
    policy.require_somewhere(actor, "role.create")
    data = request.POST if request.method == "POST" else None
    initial, rules = _copied(actor, request.GET.get("copy", ""))
    form = RoleForm(actor, data, initial=initial, rules=rules)
    if data is not None and not _only_moved(request):
        role = form.tried(lambda **given: services.create_role(actor, **given))
        if role is not None:
            messages.success(request, say("%(name)s is there.") % {"name": role.name})
            return redirect("portal:role", role.uuid)
    return _form(request, form, say("Create a role"), reverse("portal:roles"))


def _copied(actor: Actor, uuid: str) -> tuple[dict[str, Any], list[list[str]]]:
    if not uuid:
        return {}, [["allow", ""]]
    role = policy.find(actor, Role.objects.select_related("domain"), uuid)
    domain = role.domain.uuid if role.domain else None
    name = say("Copy of %(name)s") % {"name": role.shown_name}
    return {"name": name, "about": role.shown_about, "domain": domain}, known(role.pairs)


def _only_moved(request: HttpRequest) -> bool:
    return request.POST.get("do", "").partition("-")[0] in MOVES


@page
def role_change(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    if row.key is not None:
        raise NotFound(kind="role")
    policy.require(actor, "role.change", row)
    data = request.POST if request.method == "POST" else None
    form = RoleForm(actor, data, change=True, initial={"name": row.name, "about": row.about}, rules=row.pairs)
    acts = data is not None and not _only_moved(request)
    if acts and form.done(lambda **given: services.change_role(actor, row, **given)):
        messages.success(request, say("The change is made."))
        return redirect("portal:role", uuid)
    return _form(request, form, say("Change the role"), reverse("portal:role", args=[uuid]), row)


def _form(
    request: HttpRequest, form: RoleForm, heading: str, back: str, row: Role | None = None
) -> HttpResponse:
    rules, wrong = judged(form.rules)
    quiet = request.method != "POST" or _only_moved(request)
    context = {
        "form": form,
        "fields": [form[name] for name in form.fields],
        "heading": heading,
        "back": back,
        "known": sorted({*PERMISSIONS, *(f"{name.split('.')[0]}.*" for name in PERMISSIONS), "*", "*.read"}),
        "sections": sections(rules),
        "wrong": wrong,
        "quiet": quiet,
        **(asked(request, "PATCH", f"roles/{row.uuid}/") if row else asked(request, "POST", "roles/")),
    }
    return render(request, "portal/roles/form.html", context, status=200 if quiet else 422)


@require_POST
@page
def role_check(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What the rules in the form would allow: the table alone, while they are typed."""
    policy.require_somewhere(actor, "role.create")
    rules, wrong = judged(RoleForm(actor, request.POST).rules)
    return render(request, "portal/roles/verdicts.html", {"sections": sections(rules), "wrong": wrong})


@page
def role_remove(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    policy.require(actor, "role.remove", row)
    if request.method == "POST":
        try:
            services.remove_role(actor, row)
        except NotFound:
            raise
        except CloudError as error:
            complain(request, error)
            return redirect("portal:role", uuid)
        messages.success(request, say("%(name)s is removed.") % {"name": row.name})
        return redirect("portal:roles")
    context = {"row": row, **asked(request, "DELETE", f"roles/{uuid}/")}
    return render(request, "portal/roles/remove.html", context)
