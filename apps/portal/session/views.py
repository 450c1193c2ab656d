"""Logging in by a one-time link. Its secret travels in the URL's fragment, which no server logs."""

from __future__ import annotations

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.tokens import redeem_login_link
from apps.core.errors import CloudError
from apps.portal.returning import safe_address


@require_safe
def login_page(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/session/login.html", {"next": request.GET.get("next", "")})


@sensitive_post_parameters("token")
@require_http_methods(["GET", "HEAD", "POST"])
def login_by_link(request: HttpRequest) -> HttpResponse:
    """GET shows a button (a link that is only fetched logs nobody in); POST redeems the link and leads back
    to where the reader was, which “next” in the address names."""
    if request.method != "POST":
        return render(request, "portal/session/login_link.html")
    try:
        user = redeem_login_link(request.POST.get("token", "").strip())
    except CloudError:
        message = _("This link was used already or is too old. Ask for a fresh one.")
        return render(request, "portal/session/login_link.html", {"error": message}, status=403)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(safe_address(request, request.GET.get("next")))


@require_POST
def logout_page(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("portal:login")
