"""Invitations: made, withdrawn, sent again; and answered, from the home page or by a link."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from apps.accounts import invitations, policy
from apps.accounts.actor import Actor
from apps.accounts.giving import Place, actor_lacks, misfit
from apps.accounts.models import Account, Invitation, Role
from apps.accounts.roles.ready import USER, ready
from apps.core.errors import CloudError, NotFound
from apps.portal.copy_as import portal_of
from apps.portal.pages import complain, page, told
from apps.portal.projects.pages import find
from apps.portal.service_forms import ServiceForm, asked, line


class InviteForm(ServiceForm):
    username = line(_("User name"), required=False, code=True)
    email = line(_("E-mail address"), required=False, code=True, help_text=_("One of the two is enough."))
    role = forms.ModelChoiceField(
        Role.objects.none(), label=_("Role"), empty_label=None, to_field_name="uuid"
    )

    def __init__(self, actor: Actor, account: Account, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"role": str(ready(USER).uuid)})
        super().__init__(*args, **kwargs)
        place = Place.of(account)
        seen = policy.visible(actor, Role.objects.select_related("domain").order_by("pk"))
        offered = [
            role for role in seen if not misfit(role, place) and not actor_lacks(actor, role.allowed, place)
        ]
        field: Any = self.fields["role"]
        field.queryset = Role.objects.filter(pk__in=[role.pk for role in offered])
        field.label_from_instance = lambda role: role.shown_name


@page
def invite(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The link is shown on the answer to this form, and nowhere else."""
    account = find(actor, uuid).account
    policy.require(actor, "invitation.create", account)
    form = InviteForm(actor, account, request.POST if request.method == "POST" else None)
    api = asked(request, "POST", "invitations/", form, account=str(uuid))
    if request.method == "POST":
        portal = portal_of(request)
        row = form.tried(lambda **given: invitations.invite(actor, account, portal=portal, **given))
        if row is not None:
            return _made(request, actor, row)
    back = reverse("portal:project", args=[uuid])
    context = {"form": form, "heading": say("Invite somebody"), "back": back, **api}
    return render(request, "portal/projects/form.html", context, status=422 if form.errors else 200)


def _made(request: HttpRequest, actor: Actor, row: Invitation) -> HttpResponse:
    link = portal_of(request).rstrip("/") + invitations.copy_link(actor, row)
    context = {"invitation": row, "link": link, "days": invitations.DAYS}
    return render(request, "portal/invitations/made.html", context)


@page
def change(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """Withdraw it, send it again, or have a new link of it."""
    row = policy.find(actor, Invitation.objects.select_related("account", "role"), uuid)
    policy.require(actor, "invitation.withdraw", row)
    if request.method != "POST":
        context = {"invitation": row, **asked(request, "POST", f"invitations/{uuid}/withdraw/")}
        return render(request, "portal/invitations/change.html", context)
    acts = {"resend": invitations.resend, "withdraw": invitations.withdraw}
    wanted = request.POST.get("act", "")
    if wanted not in {*acts, "link"}:
        raise NotFound
    try:
        if wanted == "link":
            return _made(request, actor, row)
        acts[wanted](actor, row)
        messages.success(request, say("The change is made."))
    except NotFound:
        raise
    except CloudError as error:
        complain(request, error)
    return redirect(_page_of(row.account))


def _page_of(account: Account) -> str:
    name = "project" if account.kind == Account.Kind.PROJECT else "account"
    return reverse("portal:project", args=[account.uuid]) if name == "project" else reverse("portal:home")


@page
def answer(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """Accept or decline what is for the reader."""
    rows = Invitation.objects.select_related("account__domain", "role", "invited_by")
    row = policy.find(actor, rows, uuid)
    if request.method != "POST":
        if actor.user is None or not invitations.is_for(row, actor.user):
            return redirect("portal:invitation-change", uuid)
        return _question(request, row)
    return _answered(request, actor, row, "")


@sensitive_post_parameters("token")
@page
def by_link(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The secret comes from the address' fragment, by a form: no server's log sees it."""
    if request.method != "POST":
        return render(request, "portal/invitations/link.html")
    token = request.POST.get("token", "").strip()
    try:
        row = invitations.by_link(actor, token)
    except CloudError as error:
        return render(request, "portal/invitations/link.html", {"problem": told(error)}, status=422)
    if request.POST.get("act"):
        return _answered(request, actor, row, token)
    return _question(request, row, token=token)


def _question(request: HttpRequest, row: Invitation, **more: Any) -> HttpResponse:
    return render(request, "portal/invitations/answer.html", {"invitation": row, **more})


def _answered(request: HttpRequest, actor: Actor, row: Invitation, token: str) -> HttpResponse:
    acts = {"accept": invitations.accept, "decline": invitations.decline}
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        raise NotFound
    act(actor, row, token=token)
    if act is invitations.decline:
        messages.success(request, say("You declined the invitation."))
        return redirect("portal:home")
    messages.success(request, say("You belong to %(name)s now.") % {"name": row.account.name})
    return redirect(_page_of(row.account))
