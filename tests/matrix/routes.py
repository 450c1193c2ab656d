"""Every endpoint that the portal has, collected from its routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, get_resolver

METHODS = ("get", "post", "put", "patch", "delete")
API = "api/v1/"
_PARAMETER = re.compile(r"\(\?P<\w+>[^)]*\)|<[^>]*>|\{\w+\}|[0-9a-f]{8}-[0-9a-f-]{27}")


def shape(path: str) -> str:
    """A path with a star for each parameter, whoever wrote it."""
    return _PARAMETER.sub("*", path).partition("?")[0].replace("^", "").removesuffix("$")


def endpoints() -> set[tuple[str, str]]:
    """(method, shape) of all that the API offers; the shapes begin below its root."""
    found = set()
    for path, view in _walk(get_resolver().url_patterns, ""):
        if not path.startswith(API) or path == API:
            continue
        actions = getattr(view, "actions", None)
        offered = actions or [name for name in METHODS if hasattr(getattr(view, "cls", None), name)]
        found |= {(method.upper(), path.removeprefix(API)) for method in offered if method in METHODS}
    return found


def pages() -> set[str]:
    """Shapes of all that is no API: the portal's pages, and what they ask for."""
    return {
        f"/{path}" for path, _view in _walk(get_resolver().url_patterns, "") if not path.startswith("api/")
    }


def _walk(patterns: list[Any], above: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = above + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield shape(path), pattern.callback
        else:
            yield from _walk(pattern.url_patterns, path)
