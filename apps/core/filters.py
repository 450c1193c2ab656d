"""What a list can be narrowed to: declared by each view as data, refused if it is not declared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from apps.core.errors import InvalidInput
from apps.core.keyset import Lead
from apps.core.names import MAX_NAME, fold
from apps.core.paging import PARAMETERS


class Filter(Protocol):
    def condition(self, name: str, text: str) -> Q: ...

    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class ById:
    """Rows that belong to the object of this public id; `path` leads to its `uuid`."""

    path: str

    def condition(self, name: str, text: str) -> Q:
        try:
            return Q(**{self.path: UUID(text)})
        except ValueError:
            raise InvalidInput("not_a_uuid", place=name) from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}


@dataclass(frozen=True, slots=True)
class ByChoice:
    """Rows with one of these values; several are separated by commas."""

    path: str
    values: tuple[str, ...]

    def condition(self, name: str, text: str) -> Q:
        wanted = text.split(",")
        if not set(wanted) <= set(self.values):
            raise InvalidInput("not_a_choice", place=name, known=", ".join(self.values))
        one = len(set(wanted)) == 1  # only then does an index by value give the order within it
        return Q(**{self.path: wanted[0]}) if one else Q(**{f"{self.path}__in": wanted})

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "description": f"One or more of {', '.join(self.values)}; with commas."}


@dataclass(frozen=True, slots=True)
class ByFlag:
    path: str
    inverted: bool = False

    def condition(self, name: str, text: str) -> Q:
        if text not in {"true", "false"}:
            raise InvalidInput("not_a_boolean", place=name)
        return Q(**{self.path: (text == "true") != self.inverted})

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class ByText:
    """Rows whose column is exactly this."""

    path: str
    limit: int = 64

    def condition(self, name: str, text: str) -> Q:
        return Q(**{self.path: checked(text, name, self.limit)})

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.limit}


@dataclass(frozen=True, slots=True)
class Search:
    """Rows whose name holds the text, accents and capitals aside."""

    path: str = "name_key"

    def condition(self, name: str, text: str) -> Q:
        return Q(**{f"{self.path}__contains": fold(checked(text, name, MAX_NAME))})

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": MAX_NAME}


class Sought(Search, ABC):
    """A search that has a better way than to look at every name."""

    @abstractmethod
    def lead(self, name: str, text: str) -> Lead:
        """That way; InvalidInput for a text that cannot be sought."""


def checked(text: str, place: str, limit: int) -> str:
    """Text that a database takes: not too long, without NUL and halves of characters."""
    if len(text) > limit:
        raise InvalidInput("too_long", place=place, limit=limit)
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput("not_text", place=place)
    return text


class DeclaredFilters(BaseFilterBackend):
    """Applies a view's `filters`, by parameter name; an unknown parameter is refused, not ignored."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filters: dict[str, Filter] = view.filters
        refuse_unknown(request, {*filters, *PARAMETERS})
        for name, declared in filters.items():
            text = request.query_params.get(name)
            if text and isinstance(declared, Sought):
                view.lead = declared.lead(name, text)
            elif text:
                queryset = queryset.filter(declared.condition(name, text))
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {"name": name, "in": "query", "required": False, "schema": declared.schema()}
            for name, declared in view.filters.items()
        ]


def refuse_unknown(request: Request, known: set[str]) -> None:
    """InvalidInput for a query parameter that is not known here."""
    for name in request.query_params:
        if name not in known:
            raise InvalidInput("unknown_field", place=name[:100], known=", ".join(sorted(known)))
