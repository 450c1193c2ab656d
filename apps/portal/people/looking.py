"""While somebody looks at the portal as another: pages only, nothing written, no secrets."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve

from apps.accounts import view_as
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.core.messages import explain
from apps.core.middleware import request_id
from apps.core.rest import problem_of_django

ENDS = ("portal:view-as-switch", "portal:logout")
HIDDEN = re.compile(
    r"console|token|session|access|password|service-account|login|link|secret|unlock|user-data|settings|export|document|yaml"
)
"""Views with such a word in their name show how somebody gets in, or what machines are told."""


class LookingAsAnother:
    """Puts the one who is looked at in the place of the viewer, for the page alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:  # and so the answer is the same for everybody
            return self.get_response(request)
        kept = request.session.get(view_as.KEY)
        if kept is None or not isinstance(request.user, User):
            return self.get_response(request)
        viewer = request.user
        name = view_name(request.path_info)
        if name == "portal:logout" and request.method == "POST":
            view_as.end(Actor(viewer), kept)
        if name in ENDS:
            return self.get_response(request)
        user = view_as.viewed(viewer, kept)
        if user is None:
            view_as.end(Actor(viewer), kept)
            del request.session[view_as.KEY]
            return redirect("portal:home")
        if request.method not in {"GET", "HEAD"} or is_hidden(request.path_info, name):
            return self._refused(request, viewer, user)
        return self._shown(request, viewer, user)

    def _shown(self, request: HttpRequest, viewer: User, user: User) -> HttpResponse:
        request.user = user
        request.viewer = viewer  # type: ignore[attr-defined]
        try:
            with connection.execute_wrapper(view_as.refuse_writing):
                return self.get_response(request)
        finally:
            request.user = viewer

    def _refused(self, request: HttpRequest, viewer: User, user: User) -> HttpResponse:
        error = view_as.OnlyReading()
        if request.path.startswith("/api/"):
            return problem_of_django(request, error)
        request.user = user
        request.viewer = viewer  # type: ignore[attr-defined]
        context = {"problem": explain(error.code, error.params), "request_id": request_id.get()}
        try:
            return render(request, "portal/problem.html", context, status=error.status)
        finally:
            request.user = viewer


def view_name(path: str) -> str:
    try:
        return resolve(path).view_name
    except Resolver404:
        return ""


def is_hidden(path: str, name: str) -> bool:
    return (
        path.startswith("/account/")
        or not name.startswith("portal:")
        or bool(HIDDEN.search(name.removeprefix("portal:")))
    )
