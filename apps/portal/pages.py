"""What all views share: who asks, what is refused, and how that is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.core import constraints
from apps.core.errors import CloudError, NotFound
from apps.core.messages import Explanation, explain
from apps.core.middleware import request_id

log = logging.getLogger(__name__)
View = Callable[..., HttpResponseBase]


def actor_of(request: HttpRequest) -> Actor:
    """Who asks: one for the whole request, so that what they hold is read once."""
    assert isinstance(request.user, User)  # noqa: S101 - only called behind login_required
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None or actor.user != request.user:
        actor = request.actor = Actor(request.user)  # type: ignore[attr-defined]
    return actor


def page(view: View) -> View:
    """A page of people who are logged in: `view(request, actor, ...)`. A CloudError that leaves it is
    told as a page of its own, with its status, and so is what the database refused because somebody else
    was quicker, or removed what it is about."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, actor_of(request), *args, **kwargs)
        except CloudError as error:
            return problem(request, error)
        except ProtectedError as error:
            return problem(request, constraints.in_use(error))
        except IntegrityError as error:
            return problem(request, constraints.refusal(error))
        except (ObjectDoesNotExist, DatabaseError) as error:
            if not constraints.is_gone(error):
                raise
            log.warning("request %s: its object was removed meanwhile", request_id.get(), exc_info=error)
            return problem(request, NotFound())

    found: View = require_http_methods(["GET", "HEAD", "POST"])(login_required(answer))

    @wraps(view)
    def whole_page_logs_in(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.headers.get("HX-Request") and not request.user.is_authenticated:
            return _to_login(request)
        return found(request, *args, **kwargs)

    return whole_page_logs_in


def _to_login(request: HttpRequest) -> HttpResponse:
    """To a part of a page whose reader is logged in no longer: the page as a whole goes and comes back."""
    try:
        here = urlsplit(request.headers.get("HX-Current-URL", "")).path
    except ValueError:  # it is no address
        here = ""
    target = f"{reverse('portal:login')}?{urlencode({'next': here or '/'})}"
    return HttpResponse(status=401, headers={"HX-Redirect": target})


def page_for(*permissions: str) -> Callable[[View], View]:
    """A page of those who may do one of these anywhere; to everybody else there is nothing at its address."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, actor: Actor, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not any(policy.somewhere(actor, permission) for permission in permissions):
                raise NotFound
            return view(request, actor, *args, **kwargs)

        return page(answer)

    return decorate


def problem(request: HttpRequest, error: CloudError) -> HttpResponse:
    """The page that tells of an error: what happened, why, what to do, and the request's id."""
    if isinstance(error, NotFound):
        return render(request, "404.html", status=404)
    context = {
        "problem": explain(error.code, error.params),
        "code": error.code,
        "why": error.why(),
        "request_id": request_id.get(),
        "technical": error.technical if actor_of(request).is_operator else "",
    }
    return render(request, "portal/problem.html", context, status=error.status)


def told(error: CloudError) -> Explanation:
    return explain(error.code, error.params)


def complain(request: HttpRequest, error: CloudError) -> None:
    """Tell of the error at the top of the page that the reader goes to next."""
    said = told(error)
    messages.error(request, f"{said.title}. {said.detail} {said.remedy}".strip())
