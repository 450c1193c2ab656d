"""Per request: an id that logs, jobs, events and errors share, its time, no caching, and a strict content
policy."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

from apps.core.client_address import address_of

request_id: ContextVar[str] = ContextVar("request_id", default="")
client_address: ContextVar[str] = ContextVar("client_address", default="")
token_name: ContextVar[str] = ContextVar("token_name", default="")
"""The name of the API token that the request came with, set where its actor is made; empty for a session."""
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")

Handler = Callable[[HttpRequest], HttpResponse]


class RequestId:
    """Takes a well-formed X-Request-Id from the client or makes one, and returns it. `request.begun` is when
    it came, in seconds since 1970: nothing in its answer is older."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        current = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        request.begun = time.time()  # type: ignore[attr-defined]
        told = (
            (request_id, request_id.set(current)),
            (client_address, client_address.set(address_of(request))),
            (token_name, token_name.set("")),
        )
        try:
            response = self.get_response(request)
        finally:
            for variable, before in told:
                variable.reset(before)
        response["X-Request-Id"] = current
        return response


class CompressedPages(GZipMiddleware):
    """Pages travel compressed. Answers of the API do not: clients of programs are many and simple."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/api/"):
            return response
        return super().process_response(request, response)


class KeptByNobody:
    """Pages and answers are their reader's alone: no cache keeps them, the browser's own included, so
    that nobody finds them there after logging out. Files under /static/ never come this way."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class ContentSecurityPolicy:
    """Only our own files: no inline script or style, no frame, no other host."""

    POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.POLICY)
        return response
