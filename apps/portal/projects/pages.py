"""Projects: the list, one of them, and what can be done to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import invitations, policy, projects
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain, Invitation, Project, User
from apps.portal.badges import days_left
from apps.portal.events.shown import last_of
from apps.portal.list_cells import badge
from apps.portal.list_columns import name_of
from apps.portal.list_filters import Owner, Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page
from apps.portal.projects.forms import ChangeForm, EndForm, HandOverForm, NewForm
from apps.portal.service_forms import ServiceForm, asked
from apps.portal.tenancy.shown import used_by

MEMBERS_SHOWN = 100


def _rows() -> Any:
    return Account.objects.filter(kind=Account.Kind.PROJECT).select_related("domain", "project")


def last_day(row: Account) -> SafeString:
    """The day, and a warning where it is near."""
    project = row.project
    day = date_format(project.ends_on, "SHORT_DATE_FORMAT") if project.ends_on else ""
    near = days_left(project)
    badge = render_to_string("components/state.html", {"badge": near}).strip() if near else ""
    return format_html("{} {}", day, SafeString(badge)) if near else format_html("{}", day)


PROJECTS = ListPage(
    key="projects",
    title=_("Projects"),
    rows=_rows,
    columns=(
        name_of("project"),
        Column(
            "state",
            _("State"),
            lambda row: row.project.state.label,
            html=lambda row: badge("project", row.project.state),
        ),
        Column("ends", _("Last day"), lambda row: row.project.ends_on or "", html=last_day),
        Column("domain", _("Domain"), lambda row: row.domain.name),
        Column("created", _("Created"), lambda row: row.created_at, order="id"),
    ),
    filters=(Search(_("Name")), Owner("domain", _("Domain"), Domain.objects.all)),
    empty=Empty(
        _("No projects yet"),
        _("In a project several people use the same machines, with a limit and a last day of its own."),
        icon="layers",
    ),
    template="portal/projects/list.html",
)


@page
def project_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    waiting = invitations.waiting_for(actor.user) if actor.user else []
    return PROJECTS.respond(request, actor, waiting=waiting, may_begin=projects.domains_for(actor).exists())


def find(actor: Actor, uuid: UUID) -> Project:
    found: Project = policy.find(actor, _rows(), uuid).project
    return found


_MAY = {
    "change": "project.change",
    "end": "project.set_end",
    "hand_over": "project.hand_over",
    "invite": "invitation.create",
    "withdraw": "invitation.withdraw",
    "change_role": "account.change_member",
    "limit": "quota.set",
}


def may(actor: Actor, project: Project) -> dict[str, bool]:
    account, standing = project.account, project.state
    found = {act: policy.may(actor, permission, account) for act, permission in _MAY.items()}
    above = policy.may(actor, "account.enable", account)
    found["suspend"] = standing == "active" and policy.may(actor, "project.suspend", account)
    resumes = policy.may(actor, "project.resume", account) and (above or project.is_paused)
    found["resume"] = standing == "suspended" and resumes
    found["leave"] = account.pk in actor.account_ids
    return found


@page
def project_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    project = find(actor, uuid)
    account = project.account
    members = account.memberships.select_related("user", "role").order_by("user__username")
    asked_in = policy.visible(actor, Invitation.objects.filter(account=account, state="pending"))
    context = {
        "project": project,
        "account": account,
        "days_left": project.days_left(),
        "near": days_left(project),
        "may": may(actor, project),
        "members": members[:MEMBERS_SHOWN],
        "row": account,
        "uses": used_by(account) if policy.may(actor, "quota.read", account) else [],
        "events": last_of(actor, account),
        "invitations": asked_in.select_related("role").order_by("-pk")[:MEMBERS_SHOWN],
    }
    return render(request, "portal/projects/page.html", context)


@page
def project_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    form = NewForm(actor, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        made = form.tried(lambda **given: projects.create_project(actor, **given))
        if made is not None:
            messages.success(request, say("The project %(name)s is there.") % {"name": made.account.name})
            return redirect("portal:project", made.account.uuid)
    back = reverse("portal:projects")
    api = asked(request, "POST", "projects/", form)
    return _form(request, form, say("Begin a project"), back, **api)


@page
def project_change(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    project = find(actor, uuid)
    initial = {"name": project.account.name, "description": project.description}
    form = ChangeForm(request.POST if request.method == "POST" else None, initial=initial)
    policy.require(actor, "project.change", project.account)
    api = asked(request, "PATCH", f"projects/{uuid}/", form)
    act = lambda **given: projects.change_project(actor, project, **given)  # noqa: E731
    return _acted(request, project, form, act, say("Change the project"), **api)


@page
def project_end(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    project = find(actor, uuid)
    form = EndForm(request.POST if request.method == "POST" else None, initial={"ends_on": project.ends_on})
    policy.require(actor, "project.set_end", project.account)
    api = asked(request, "PATCH", f"projects/{uuid}/", form)
    act = lambda **given: projects.set_end(actor, project, **given)  # noqa: E731
    return _acted(request, project, form, act, say("Set the last day"), **api)


@page
def project_hand_over(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    project = find(actor, uuid)
    policy.require(actor, "project.hand_over", project.account)
    form = HandOverForm(actor, project, request.POST if request.method == "POST" else None)
    api = asked(request, "POST", f"projects/{uuid}/hand-over/", form)
    act = lambda **given: projects.hand_over(actor, project, **given)  # noqa: E731
    return _acted(request, project, form, act, say("Hand the project over"), **api)


@page
def project_suspend(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    project = find(actor, uuid)
    policy.require(actor, "project.suspend", project.account)
    text = say("Its machines are stopped, and nothing can be started or made in it until it is resumed.")
    api = asked(request, "POST", f"projects/{uuid}/suspend/")
    act = lambda: projects.suspend(actor, project)  # noqa: E731
    return _acted(request, project, _posted(request), act, say("Suspend the project"), text=text, **api)


@page
def project_resume(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    project = find(actor, uuid)
    policy.require(actor, "project.resume", project.account)
    text = say("Machines can be made and started again. What was stopped stays so until you start it.")
    api = asked(request, "POST", f"projects/{uuid}/resume/")
    act = lambda: projects.resume(actor, project)  # noqa: E731
    return _acted(request, project, _posted(request), act, say("Resume the project"), text=text, **api)


@page
def project_leave(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    project = find(actor, uuid)
    text = say("You no longer see its machines. What you made there stays with the project.")
    api = asked(request, "POST", f"projects/{uuid}/leave/")

    def act() -> bool:
        projects.leave(actor, project)
        return True

    return _acted(request, project, _posted(request), act, say("Leave the project"), text=text, **api)


def _posted(request: HttpRequest) -> ServiceForm:
    return ServiceForm(request.POST if request.method == "POST" else None)


def _acted(
    request: HttpRequest,
    project: Project,
    form: ServiceForm,
    act: Callable[..., object],
    heading: str,
    **more: Any,
) -> HttpResponse:
    """The dialog, or what it did; whoever left has nothing to see there any more."""
    if request.method == "POST" and form.done(act):
        messages.success(request, say("The change is made."))
        fresh = Actor(request.user) if isinstance(request.user, User) else None
        if fresh is not None and policy.sees(fresh, project.account):
            return redirect("portal:project", project.account.uuid)
        return redirect("portal:projects")
    back = reverse("portal:project", args=[project.account.uuid])
    return _form(request, form, heading, back, project=project, **more)


def _form(request: HttpRequest, form: ServiceForm, heading: str, back: str, **more: Any) -> HttpResponse:
    context = {"form": form, "heading": heading, "back": back, **more}
    return render(request, "portal/projects/form.html", context, status=422 if form.errors else 200)
