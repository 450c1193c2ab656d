"""Letting people in: a new user with a link that logs them in once, or a fresh link for one who is here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account, User
from apps.accounts.services import create_user
from apps.accounts.tokens import LINK_MINUTES, create_login_link
from apps.core.errors import InvalidInput
from apps.portal.copy_as import portal_of
from apps.portal.pages import page_for
from apps.portal.picker import offer
from apps.portal.service_forms import ServiceForm, asked, line


class InviteForm(ServiceForm):
    username = line(_("User name"), help_text=_("They are shown and logged by it."), code=True)
    full_name = line(_("Full name"), required=False)
    email = line(_("E-mail address"), required=False, code=True)
    account = forms.ModelChoiceField(
        Account.objects.none(),
        label=_("Account"),
        help_text=_("Machines belong to accounts. Members of one account share what it has."),
        empty_label=_("A new one of the same name"),
        required=False,
        to_field_name="uuid",
    )

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "account", policy.visible(actor, Account.objects.order_by("name_sort", "pk")), "account")


class LinkForm(ServiceForm):
    username = line(_("User name"), code=True)


@page_for("user.create")
def invite(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A new user and their link, or neither."""
    form = InviteForm(actor, request.POST if request.method == "POST" else None)

    @transaction.atomic
    def let_in(**given: Any) -> tuple[User, str]:
        user = create_user(actor, **given)
        return user, create_login_link(actor, user=user)

    made = form.tried(let_in) if request.method == "POST" else None
    api = asked(request, "POST", "users/", form)
    return _shown(request, *made) if made else _form(request, form, "portal/people/invite.html", **api)


@page_for("user.create")
def fresh_link(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A link for somebody who is here already: theirs was used, or was too old."""
    form = LinkForm(request.POST if request.method == "POST" else None)

    def make(username: str) -> tuple[User, str]:
        seen = policy.visible(actor, User.objects.filter(is_active=True))
        user = seen.filter(username__iexact=username).first()
        if user is None:
            raise InvalidInput("no_such_user", place="username")
        return user, create_login_link(actor, user=user)

    made = form.tried(make) if request.method == "POST" else None
    return _shown(request, *made) if made else _form(request, form, "portal/people/link.html")


def _form(request: HttpRequest, form: ServiceForm, template: str, **more: Any) -> HttpResponse:
    return render(request, template, {"form": form, **more}, status=422 if form.errors else 200)


def _shown(request: HttpRequest, user: User, path: str) -> HttpResponse:
    """The link, here and nowhere else: no session and no address keeps it."""
    context = {"person": user, "link": portal_of(request).rstrip("/") + path, "minutes": LINK_MINUTES}
    return render(request, "portal/people/invited.html", context)
