"""What a list's URL asks for: filters, order, columns, page. The URL is the whole state of a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from django.http import QueryDict
from django.utils.http import urlencode

from apps.core.errors import CloudError, InvalidInput

OWN = frozenset({"order", "columns", "cursor", "page", "format", "view"})
MAX_VALUE = 1000


class Listed(Protocol):
    """What the reader of a URL must know of its list."""

    @property
    def sortable(self) -> dict[str, str]: ...

    def complain(self, name: str, error: CloudError) -> None: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """`given` are the filters with a value, in the list's order; a blank one is none."""

    given: dict[str, str]
    order: str
    columns: tuple[str, ...]
    cursor: str
    page: str
    unknown: tuple[str, ...]
    default_order: str
    view: str

    @property
    def last(self) -> bool:
        return self.page == "last"

    def query(self, **changes: str | None) -> str:
        """Filters, order and columns as the query of a URL, always in the same form; what only says
        where in the list one is comes by `changes`."""
        pairs: list[tuple[str, str]] = list(self.given.items())
        order = changes.pop("order", None) or self.order
        if order != self.default_order:
            pairs.append(("order", order))
        if self.columns:
            pairs.append(("columns", ",".join(self.columns)))
        pairs += [(name, value) for name, value in changes.items() if value]
        return urlencode(pairs)

    def href(self, **changes: str | None) -> str:
        """A link within the list. One without any parameter says so: it is not the default view."""
        return f"?{self.query(**changes) or 'view=all'}"

    def cleared_href(self) -> str:
        bare = Wish({}, self.order, self.columns, "", "", (), self.default_order, "")
        return bare.href()


def read(
    query: QueryDict, filters: Iterable[str], listed: Listed, default_order: str, columns: Iterable[str]
) -> Wish:
    """The wish that a URL states; what cannot be granted is complained about and left out."""
    known, choosable = list(filters), set(columns)
    given = {name: text for name in known if (text := _text(query, name))}
    order = query.get("order") or default_order
    if order.removeprefix("-") not in listed.sortable:
        known_orders = ", ".join(listed.sortable)
        listed.complain("order", InvalidInput("not_a_choice", place="order", known=known_orders))
        order = default_order
    chosen = [name for name in _text(query, "columns").split(",") if name]
    if not set(chosen) <= choosable:
        known_columns = ", ".join(sorted(choosable))
        listed.complain("columns", InvalidInput("not_a_choice", place="columns", known=known_columns))
        chosen = []
    return Wish(
        given=given,
        order=order,
        columns=tuple(dict.fromkeys(chosen)),
        cursor=query.get("cursor", ""),
        page="last" if query.get("page") == "last" else "",
        unknown=tuple(sorted(name[:50] for name in set(query) - {*known, *OWN})[:5]),
        default_order=default_order,
        view=query.get("view", "")[:100],
    )


def _text(query: QueryDict, name: str) -> str:
    """The value of a parameter; of a repeated one all values, joined by commas as elsewhere."""
    return ",".join(value.strip() for value in query.getlist(name) if value.strip())[:MAX_VALUE]
