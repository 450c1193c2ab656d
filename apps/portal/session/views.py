"""Logging in: by name and password, or by a one-time link. A link's secret travels in the URL's fragment,
which no server logs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import sessions
from apps.accounts.backends import LOCAL
from apps.accounts.directory.backend import silent_directories
from apps.accounts.lockout import prove
from apps.accounts.models import Session, User
from apps.accounts.password_mail import ask_for_link, can_mail
from apps.accounts.passwords import redeem_password_link
from apps.accounts.tokens import redeem_login_link
from apps.core.client_address import address_of
from apps.core.errors import CloudError, LockedOut
from apps.portal.copy_as import portal_of
from apps.portal.pages import told
from apps.portal.returning import safe_address
from apps.portal.session.forms import ForgottenForm, LinkPasswordForm, LoginForm

reads_or_acts = require_http_methods(["GET", "HEAD", "POST"])


@sensitive_post_parameters("password")
@reads_or_acts
def login_page(request: HttpRequest) -> HttpResponse:
    """Name and password. What is wrong with them is not told, but how long a lock lasts is."""
    if request.method != "POST":
        return _login(request, LoginForm())
    form, user = LoginForm(request.POST), None
    try:
        if form.is_valid():
            user = prove(request, form.cleaned_data["username"], form.cleaned_data["password"])
    except LockedOut as error:
        return _login(request, form, locked=told(error), status=error.status)
    if user is None:
        return _login(request, form, refused=True, status=422)
    return _enter(request, user, _way(user), user.backend)


def _login(request: HttpRequest, form: LoginForm, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "form": form,
        "next": request.GET.get("next", ""),
        "can_mail": can_mail(),
        "silent": silent_directories(request),
        **more,
    }
    return render(request, "portal/session/login.html", context, status=status)


def _way(user: Any) -> str:
    return Session.Way.PASSWORD if user.backend == LOCAL else Session.Way.DIRECTORY


def _enter(request: HttpRequest, user: User, way: str, backend: str) -> HttpResponse:
    """Logged in, and back to where the reader was, which “next” in the address names. Mails come in the
    language that was read last."""
    sessions.begin(request, user, way=way, backend=backend)
    if (language := get_language() or settings.LANGUAGE_CODE) != user.language:
        User.objects.filter(pk=user.pk).update(language=language)
    return redirect(safe_address(request, request.GET.get("next")))


@sensitive_post_parameters("token")
@reads_or_acts
def login_by_link(request: HttpRequest) -> HttpResponse:
    """GET shows a button (a link that is only fetched logs nobody in); POST redeems the link."""
    if request.method != "POST":
        return render(request, "portal/session/login_link.html")
    try:
        user = redeem_login_link(request.POST.get("token", "").strip())
    except CloudError:
        message = _("This link was used already or is too old. Ask for a fresh one.")
        return render(request, "portal/session/login_link.html", {"error": message}, status=403)
    return _enter(request, user, Session.Way.LINK, LOCAL)


@reads_or_acts
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a mail with a link. The answer is the same whether or not the address is anybody's."""
    form = ForgottenForm(request.POST if request.method == "POST" else None)

    def ask(email: str) -> bool:
        language = get_language() or settings.LANGUAGE_CODE
        address = address_of(request)
        ask_for_link(email, address=address, language=language, portal=portal_of(request))
        return True

    asked = request.method == "POST" and can_mail() and form.done(ask)
    context = {"form": form, "can_mail": can_mail(), "asked": asked}
    return render(request, "portal/session/forgotten.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters("token", "new_password", "again")
@reads_or_acts
def password_by_link(request: HttpRequest) -> HttpResponse:
    """A new password by a one-time link. Nobody is logged in by it: they do that with the password."""
    form = LinkPasswordForm(request.POST if request.method == "POST" else None)

    def choose(token: str, new_password: str) -> User:
        return redeem_password_link(token.strip(), new=new_password)

    if request.method == "POST" and form.done(choose):
        messages.success(request, _("Your new password holds. Log in with it."))
        return redirect("portal:login")
    return render(
        request, "portal/session/password_link.html", {"form": form}, status=422 if form.errors else 200
    )


@require_POST
def logout_page(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("portal:login")
