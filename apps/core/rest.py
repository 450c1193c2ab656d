"""What every REST endpoint shares: errors as problem+json (RFC 9457) and strict serializers.

An error's words come from `apps.core.messages` by its code; a driver's own text is `technical` and
goes to operators only; what nobody foresaw is logged under the request's id and told without detail.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views import defaults
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from apps.core import constraints
from apps.core.errors import (
    CloudError,
    InvalidInput,
    MalformedRequest,
    NotFound,
    RequestTooLarge,
    documentation,
)
from apps.core.messages import Explanation, explain
from apps.core.middleware import request_id
from apps.core.words.codes import CODES

log = logging.getLogger(__name__)
PROBLEM_TYPE = "application/problem+json"

_FROM_FRAMEWORK: dict[type[exceptions.APIException], str] = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "not_authenticated",
    exceptions.PermissionDenied: "permission_denied",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.ParseError: "malformed_request",
    exceptions.Throttled: "throttled",
}


class StrictSerializer(serializers.Serializer[Any]):
    """Input of which every field is known: what it does not know it refuses by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            writable = [name for name, field in self.fields.items() if not field.read_only]
            unknown = sorted(set(data).difference(writable))
            if unknown:
                raise InvalidInput("unknown_field", place=str(unknown[0])[:100], known=", ".join(writable))
        return super().to_internal_value(data)


class UploadParser(MultiPartParser):
    """Multipart forms: only where a view names this parser, for a file. As in JSON every field comes
    once, and text is UTF-8: Django reads broken text as U+FFFD."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        form = super().parse(stream, media_type=media_type, parser_context=parser_context)
        for fields in (form.data, form.files):
            for name, values in fields.lists():
                if len(values) > 1 or (fields is form.files and name in form.data):
                    raise MalformedRequest("duplicate_key", place=name[:100])
                if any("\ufffd" in text for text in (name, *values) if isinstance(text, str)):
                    raise MalformedRequest("not_utf8", place=name[:100])
        return form


def problem_handler(error: Exception, context: dict[str, Any]) -> Response:
    """The answer to any exception that leaves a view."""
    request: Request | None = context.get("request")
    told = _as_cloud_error(error)
    if isinstance(told, CloudError):
        return _problem(request, told.code, told.status, told)
    if isinstance(told, exceptions.ValidationError):
        return _invalid(request, told)
    if isinstance(told, exceptions.APIException):
        return _framework_problem(request, told)
    log.error("request %s failed", request_id.get(), exc_info=error)
    return _problem(request, "internal", 500, CloudError(type(error).__name__))


_FROM_DJANGO: tuple[tuple[type[Exception], Callable[[Any], Exception]], ...] = (
    (Http404, lambda _error: NotFound()),
    (DjangoPermissionDenied, lambda _error: exceptions.PermissionDenied()),
    (RequestDataTooBig, lambda _error: RequestTooLarge(limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)),
    (SuspiciousOperation, lambda _error: MalformedRequest("not_readable")),
    (ProtectedError, constraints.in_use),
    (IntegrityError, constraints.refusal),
)


def _as_cloud_error(error: Exception) -> Exception:
    for kind, told in _FROM_DJANGO:
        if isinstance(error, kind):
            return told(error)
    if constraints.is_gone(error):
        log.warning("request %s: its object was removed meanwhile", request_id.get(), exc_info=error)
        return NotFound()
    if isinstance(error, OperationalError | InterfaceError):
        log.error("request %s: the database does not answer", request_id.get(), exc_info=error)
        return DatabaseUnavailable()
    return error


class DatabaseUnavailable(CloudError):
    """The database does not answer."""

    code = "database_unavailable"
    status = 503
    retry = True


def _problem(
    request: Request | None,
    code: str,
    status: int,
    error: CloudError,
    *,
    words: Explanation | None = None,
    headers: dict[str, str] | None = None,
    **extra: Any,
) -> Response:
    words = words or explain(code, error.params)
    body: dict[str, Any] = {
        "type": documentation(code),
        "title": words.title,
        "status": status,
        "detail": words.detail,
        "remedy": words.remedy,
        "instance": request.path if request is not None else "",
        "code": code,
        "place": error.place,
        "request_id": request_id.get(),
        "params": {name: value for name, value in error.params.items() if name != "said"},
        **extra,
    }
    if (why := error.why()) is not None:
        body["why"] = why
    if error.technical and status >= 500 and _is_operator(request):
        body["technical"] = error.technical
    if getattr(error, "retry", False):
        headers = {"Retry-After": "2", **(headers or {})}
    return Response(body, status=status, headers=headers, content_type=PROBLEM_TYPE)


def _is_operator(request: Request | None) -> bool:
    user = getattr(request, "user", None)
    return bool(getattr(user, "is_super_admin", False) and getattr(user, "is_active", False))


def _framework_problem(request: Request | None, error: exceptions.APIException) -> Response:
    code = next((code for kind, code in _FROM_FRAMEWORK.items() if isinstance(error, kind)), "internal")
    headers: dict[str, str] = {}
    params: dict[str, Any] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait) + 1)
        params["seconds"] = int(wait) + 1
    if isinstance(error, exceptions.MethodNotAllowed) and request is not None:
        params["method"] = request.method
    if isinstance(error, exceptions.ParseError):
        params["reason"] = "not_readable"
    told = CloudError(str(error.detail)[:500], **params)
    return _problem(request, code, error.status_code, told, headers=headers)


def _invalid(request: Request | None, error: exceptions.ValidationError) -> Response:
    """Serializer errors: the first one is the problem, all of them are listed in `errors`."""
    found = list(_flat(error.detail, ""))
    place, first = found[0] if found else ("", exceptions.ErrorDetail("", "invalid"))
    told = InvalidInput(str(first.code), place=place)
    words = explain(told.code, told.params)
    words = Explanation(words.title, str(first), words.remedy)
    errors = [{"place": where, "reason": detail.code, "detail": str(detail)} for where, detail in found[:50]]
    return _problem(request, told.code, told.status, told, words=words, errors=errors)


def _flat(detail: Any, place: str) -> Any:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)[:100]
            yield from _flat(inner, f"{place}.{own}".strip("."))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(inner, place)
    elif isinstance(detail, exceptions.ErrorDetail):
        yield place, detail


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django refuses before any view, such as a host name that is not ours."""
    if _is_for_api(request):
        return problem_of_django(request, MalformedRequest("not_readable"))
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """What no view caught. Its page asks neither the database nor the session: they may be what fails."""
    out_of_reach = isinstance(sys.exception(), OperationalError | InterfaceError)
    error = DatabaseUnavailable() if out_of_reach else CloudError()
    if _is_for_api(request):
        return problem_of_django(request, error)
    words = explain(error.code) if out_of_reach else None
    page = render_to_string("500.html", {"request_id": request_id.get(), "words": words})
    return HttpResponse(page, status=error.status)


def _is_for_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def problem_of_django(request: HttpRequest, error: CloudError) -> HttpResponse:
    body = _problem(None, error.code, error.status, error).data
    body["instance"] = request.path
    return JsonResponse(body, status=error.status, content_type=PROBLEM_TYPE)


class UnknownPath(APIView):
    """Whatever no endpoint answers to, below the API's root."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound(place="path")


def statuses() -> dict[str, int]:
    """The HTTP status of every code that an answer can have; what only a job tells has none."""
    of_framework = {code: kind.status_code for kind, code in _FROM_FRAMEWORK.items()}
    ours: list[type[CloudError]] = [CloudError, *_kinds(CloudError)]
    return {**of_framework, **{kind.code: kind.status for kind in ours}}


def _kinds(kind: type[CloudError]) -> Iterator[type[CloudError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)


class ProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField()
    documentation = serializers.CharField()


class ProblemView(APIView):
    """The words for a code, without the parameters of one case, and where people read about it."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(summary="What a code means", responses={200: ProblemSerializer})
    def get(self, request: Request, code: str) -> Response:
        if code not in CODES:
            raise NotFound(place="code")
        words = explain(code)
        told = {"title": words.title, "detail": words.detail, "remedy": words.remedy}
        return Response({"code": code, **told, "documentation": documentation(code)})
