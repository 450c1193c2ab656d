"""Lists page by key: a page costs the same wherever it lies, and rows that come or go between two
pages neither repeat nor hide others. Ties are broken by the row's own key, both ways."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db.models import Field, Model, Q
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidInput, MalformedRequest

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
TOTAL_CAP = 1000
"""Totals are counted up to here: a count of everything would cost what paging by key saves."""

_NONCE_BYTES = 12
_MAX_CURSOR = 2000


class KeysetPagination(BasePagination):
    """`?limit=&order=&cursor=`. A view's `orders` maps the names clients may sort by to columns that
    are never null; "-name" is descending. The first of `orders` is the default order."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        orders: Mapping[str, str] = view.orders
        limit = _limit(request.query_params.get("limit"))
        order = request.query_params.get("order") or view.default_order
        name = order.removeprefix("-")
        if name not in orders:
            raise InvalidInput("not_a_choice", place="order", known=", ".join(orders))
        column, descending = orders[name], order.startswith("-")
        mark = _mark(request, order)
        self.total = queryset[: TOTAL_CAP + 1].count()
        rows = queryset.order_by(*_ordering(column, descending))
        if cursor := request.query_params.get("cursor"):
            rows = rows.filter(_after(queryset.model, column, descending, _open(cursor, mark)))
        page = list(rows[: limit + 1])
        self.next_cursor = _seal(page[limit - 1], column, mark) if len(page) > limit else None
        return page[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "results": data,
                "next": self._next_url(),
                "next_cursor": self.next_cursor,
                "total": min(self.total, TOTAL_CAP),
                "total_is_capped": self.total > TOTAL_CAP,
            }
        )

    def _next_url(self) -> str | None:
        if self.next_cursor is None:
            return None
        query = self.request.query_params.copy()
        query["cursor"] = self.next_cursor
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next", "next_cursor", "total", "total_is_capped"],
            "properties": {
                "results": schema,
                "next": {"type": ["string", "null"], "format": "uri", "description": "The next page."},
                "next_cursor": {"type": ["string", "null"]},
                "total": {"type": "integer", "minimum": 0, "maximum": TOTAL_CAP},
                "total_is_capped": {"type": "boolean", "description": f"There are more than {TOTAL_CAP}."},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        orders = [sign + name for name in view.orders for sign in ("", "-")]
        return [
            _parameter(
                "limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
            ),
            _parameter("order", {"type": "string", "enum": orders, "default": view.default_order}),
            _parameter("cursor", {"type": "string"}, "From `next_cursor` of the page before."),
        ]


PARAMETERS = frozenset({"limit", "order", "cursor"})


def _parameter(name: str, schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdecimal() or len(text) > 6 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidInput("out_of_range", place="limit", low=1, high=MAX_LIMIT)
    return int(text)


def _ordering(column: str, descending: bool) -> Sequence[str]:
    columns = (column,) if column in {"id", "pk"} else (column, "id")
    return [f"-{name}" if descending else name for name in columns]


def _mark(request: Request, order: str) -> str:
    """What a cursor is bound to: the path, the order and the filters."""
    given = sorted(pair for pair in request.query_params.lists() if pair[0] not in {"cursor", "limit"})
    return hashlib.sha256(json.dumps([request.path, order, given]).encode()).hexdigest()[:16]


def _cipher() -> AESGCM:
    """Cursors hold integer keys, which never leave: they are sealed, not only signed."""
    return AESGCM(hashlib.sha256(b"cloudportal.cursor" + settings.SECRET_KEY.encode()).digest())


def _seal(row: Model, column: str, mark: str) -> str:
    value = getattr(row, column)
    if isinstance(value, datetime):
        value = value.isoformat()
    nonce = os.urandom(_NONCE_BYTES)
    sealed = _cipher().encrypt(nonce, json.dumps([value, row.pk]).encode(), mark.encode())
    return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()


def _open(cursor: str, mark: str) -> tuple[Any, int]:
    try:
        raw = base64.b64decode(cursor[:_MAX_CURSOR] + "==", altchars=b"-_")
        value, pk = json.loads(_cipher().decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], mark.encode()))
    except (ValueError, InvalidTag):
        raise MalformedRequest("bad_cursor", place="cursor") from None
    return value, pk


def _after(model: type[Model], column: str, descending: bool, last: tuple[Any, int]) -> Q:
    """Rows behind `last`. The first condition is implied by the second: it lets the index be used."""
    value, pk = last
    than = "lt" if descending else "gt"
    if column in {"id", "pk"}:
        return Q(**{f"id__{than}": pk})
    field = model._meta.get_field(column)
    assert isinstance(field, Field)  # noqa: S101 - views order by columns
    value = field.to_python(value)
    return Q(**{f"{column}__{than}e": value}) & (
        Q(**{f"{column}__{than}": value}) | Q(**{column: value, f"id__{than}": pk})
    )
