"""The built pages under /docs/: plain files, the same for everybody, under the portal's own content policy.

An address without a language ("/docs/errors/pool_full/") leads to the page in the reader's.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils._os import safe_join
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

LANGUAGES = frozenset(code for code, _name in settings.LANGUAGES)
INDEX = "index.json"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
"""Whatever else may lie there is not served."""


@require_safe
def docs(request: HttpRequest, address: str = "") -> HttpResponse:
    language = address.partition("/")[0]
    if language not in LANGUAGES and address != INDEX:
        return _redirect(request, f"/docs/{get_language()}/{address}")
    pages = settings.VAR / "docs" / "current"
    if not pages.is_dir():
        return render(request, "portal/docs/not_built.html", status=404)
    found = _find(pages.resolve(), address)
    if found.is_dir():
        return _redirect(request, f"{request.path}/")
    return _file(request, found, language)


def _redirect(request: HttpRequest, target: str) -> HttpResponse:
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"{target}?{query}" if query else target)


def _find(pages: Path, address: str) -> Path:
    """The file or folder at this address; Http404 for what is none of ours."""
    try:
        found = Path(safe_join(pages, f"{address}index.html" if address.endswith("/") else address))
    except (SuspiciousFileOperation, ValueError):
        raise Http404 from None
    if found.is_dir() or (found.is_file() and found.suffix in TYPES):
        return found
    raise Http404


def _file(request: HttpRequest, path: Path, language: str) -> HttpResponse:
    """The file, or 304 where the browser has it already."""
    state = path.stat()
    etag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
    answer = get_conditional_response(request, etag=etag) or HttpResponse(
        path.read_bytes(), content_type=TYPES[path.suffix]
    )
    answer["ETag"] = etag
    answer["Cache-Control"] = "no-cache"
    if language in LANGUAGES:
        answer["Content-Language"] = language
    return answer
