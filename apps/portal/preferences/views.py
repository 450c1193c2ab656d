"""How the portal looks to one reader: kept in a cookie, so that it holds before logging in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.portal.returning import safe_address
from apps.portal.shell import CONTRAST_COOKIE, KEYS_COOKIE, THEME_COOKIE, THEMES

_YEAR = 31_536_000


@require_POST
def choose_look(request: HttpRequest) -> HttpResponse:
    """Theme or contrast, whichever the pressed button names; then back to where the reader was."""
    response = redirect(safe_address(request, request.POST.get("next")))
    theme, contrast = request.POST.get("theme"), request.POST.get("contrast")
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    if contrast in {"more", "usual"}:
        response.set_cookie(
            CONTRAST_COOKIE, contrast, max_age=_YEAR, samesite="Lax", secure=request.is_secure()
        )
    return response


@require_POST
def choose_keys(request: HttpRequest) -> HttpResponse:
    """Whether single keys act; then back to where the reader was."""
    response = redirect(safe_address(request, request.POST.get("next")))
    if (wanted := request.POST.get("keys")) in {"on", "off"}:
        response.set_cookie(KEYS_COOKIE, wanted, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    return response
