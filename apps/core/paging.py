"""The API's lists: paged by key, see `apps.core.keyset`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import keyset
from apps.core.errors import InvalidInput

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class KeysetPagination(BasePagination):
    """`?limit=&order=&cursor=`. A view's `orders` maps the names clients may sort by to columns that
    are never null; "-name" is descending. The first of `orders` is the default order."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        orders: Mapping[str, str] = view.orders
        limit = _limit(request.query_params.get("limit"))
        wanted = request.query_params.get("order") or view.default_order
        name = wanted.removeprefix("-")
        if name not in orders:
            raise InvalidInput("not_a_choice", place="order", known=", ".join(orders))
        order = keyset.Order.by(orders[name], descending=wanted.startswith("-"))
        given = sorted(pair for pair in request.query_params.lists() if pair[0] not in {"cursor", "limit"})
        mark = keyset.mark_of(request.path, wanted, given)
        cursor = request.query_params.get("cursor", "")
        lead, parts = view.lead, view.parts(queryset.model)
        found = keyset.found(queryset, lead=lead, parts=parts, joined=view.joined(queryset.model))
        self.total = len(found)
        rows = queryset
        if self.total <= keyset.TOTAL_CAP:
            rows, lead, parts = queryset.model._default_manager.filter(pk__in=found), None, []
        page = keyset.page_of(rows, order, limit=limit, mark=mark, cursor=cursor, parts=parts, lead=lead)
        self.next_cursor = page.next
        return keyset.load(queryset, page.pks)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "results": data,
                "next": self._next_url(),
                "next_cursor": self.next_cursor,
                "total": min(self.total, keyset.TOTAL_CAP),
                "total_is_capped": self.total > keyset.TOTAL_CAP,
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
                "total": {"type": "integer", "minimum": 0, "maximum": keyset.TOTAL_CAP},
                "total_is_capped": {
                    "type": "boolean",
                    "description": f"There are more than {keyset.TOTAL_CAP}.",
                },
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
