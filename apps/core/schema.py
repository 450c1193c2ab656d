"""What holds for every operation of the API, put into its OpenAPI document once."""

from __future__ import annotations

import inspect
from typing import Any

_TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `place` names where in the request the trouble is.",
    "required": ["type", "title", "status", "detail", "remedy", "instance", "code", "place", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "remedy": {"type": "string", "description": "What to do now."},
        "instance": _TEXT,
        "code": _TEXT,
        "place": _TEXT,
        "request_id": _TEXT,
        "params": {"type": "object", "additionalProperties": True},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"place": _TEXT, "reason": _TEXT, "detail": _TEXT},
            },
        },
        "why": {
            "type": "object",
            "additionalProperties": True,
            "description": "Of a refusal: the permission that is missing, what decided it, who may grant it.",
        },
        "technical": {"type": "string", "description": "For operators."},
    },
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeated request with this key is answered like the first; kept for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_ANSWER = {
    "description": "A problem.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_METHODS = ("get", "post", "put", "patch", "delete")


def describe_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Every operation may answer with a problem; every act takes an Idempotency-Key; none is described
    by words that were written for whoever reads its class."""
    of_classes = _words_of_classes(generator)
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for path in result["paths"].values():
        for method in _METHODS:
            operation = path.get(method)
            if operation is None:
                continue
            if operation.get("description") in of_classes:
                del operation["description"]
            operation["responses"].setdefault("4XX", _ANSWER)
            operation["responses"].setdefault("5XX", _ANSWER)
            if method != "get":
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    return result


def _words_of_classes(generator: Any) -> set[str]:
    """The docstrings of all views' classes, which stand in where an operation has none of its own."""
    classes = {cls for _path, _regex, _method, view in generator.endpoints for cls in view.cls.__mro__}
    return {inspect.cleandoc(cls.__doc__) for cls in classes if cls.__doc__}
