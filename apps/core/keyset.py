"""One page of a list by key: it costs the same wherever it lies, and rows that come or go between two
pages neither repeat nor hide others. Pages follow each other in both directions; ties are broken by the
row's own key. The API's lists (`apps.core.paging`) and the portal's (`apps.portal.lists`) both stand here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db.models import F, Field, Model, Q, QuerySet, Subquery, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Coalesce

from apps.core.errors import MalformedRequest

M = TypeVar("M", bound=Model)
Key = tuple[Any, ...]

TOTAL_CAP = 1000
"""Totals are counted up to here: a count of everything would cost what paging by key saves."""
FEW = 1000
"""So many rows are looked at one by one rather than sought in the order of a list."""
ANY = Q()
"""A condition that all rows meet."""

_NONCE_BYTES = 12
_MAX_CURSOR = 2000


@dataclass(frozen=True, slots=True)
class Order:
    """Columns that are never null, from which an index gives the order; the last is the row's own key."""

    paths: tuple[str, ...]
    descending: bool = False

    @classmethod
    def by(cls, column: str, *, descending: bool) -> Self:
        return cls(("id",) if column in {"id", "pk"} else (column, "id"), descending)

    def applied(self, rows: QuerySet[Any], *, backwards: bool = False) -> QuerySet[Any]:
        sign = "-" if self.descending != backwards else ""
        return rows.order_by(*(sign + path for path in self.paths))

    def beyond(self, rows: QuerySet[Any], key: Key, *, backwards: bool = False) -> QuerySet[Any]:
        """The rows that follow the key (precede it, backwards). One comparison of rows, not of columns
        joined by OR: only that lets both databases begin in the middle of an index."""
        less = self.descending != backwards
        if len(self.paths) == 1:
            return rows.filter(Q(**{f"{self.paths[0]}__{'lt' if less else 'gt'}": key[0]}))
        columns = Tuple(*(F(path) for path in self.paths))
        return rows.filter((TupleLessThan if less else TupleGreaterThan)(columns, key))


class Lead(Protocol):
    """A way to the rows of `model` that are sought, by an index of something else than the list's order."""

    model: type[Model]

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the rows that are sought."""

    def read(self, rows: QuerySet[Any], order: Order, parts: Sequence[Q]) -> tuple[QuerySet[Any], Order]:
        """What gives the keys of those in this order, and that order there. It takes the `parts` as
        conditions too (see `page_of`)."""

    def keys(self, rows: QuerySet[Any], parts: Sequence[Q], joined: Q) -> QuerySet[Any, Any]:
        """The keys of those in no order. It takes `parts` and `joined` as conditions too (see `found`)."""


@dataclass(frozen=True, slots=True)
class Page:
    """The keys of a page's rows in the list's order, and the cursors of its neighbours."""

    keys: list[Key]
    next: str | None
    previous: str | None

    @property
    def pks(self) -> list[Any]:
        return [key[-1] for key in self.keys]


def page_of(
    rows: QuerySet[Any],
    order: Order,
    *,
    limit: int,
    mark: str,
    cursor: str = "",
    last: bool = False,
    parts: Sequence[Q] = (),
    lead: Lead | None = None,
) -> Page:
    """The page that the cursor leads to; without one the first, or the `last`. MalformedRequest for a
    cursor that was not given out under this `mark`, which stands for list, filters and order.

    `parts` are conditions that do not overlap and of which each row meets one: where an index gives the
    order within each of them only, the page is merged from the beginnings of all. With a `lead` the page
    holds those rows that it finds."""
    if lead is not None:
        rows, order = lead.read(rows, order, parts)
    backwards, key = _open(cursor, mark, rows, order) if cursor else (last, None)
    found = order.applied(rows, backwards=backwards)
    if key is not None:
        found = order.beyond(found, key, backwards=backwards)
    if len(parts) > 1:
        found = _merged(found, order, parts, limit + 1, backwards=backwards)
    keys = list(found.values_list(*order.paths)[: limit + 1])
    more, keys = len(keys) > limit, keys[:limit]
    if backwards:
        keys.reverse()
    before, after = (more, key is not None) if backwards else (key is not None, more)
    return Page(
        keys,
        next=_seal(keys[-1], mark, backwards=False) if keys and after else None,
        previous=_seal(keys[0], mark, backwards=True) if keys and before else None,
    )


def filter_met(rows: QuerySet[Any], key: str, wanted: Sequence[int]) -> QuerySet[Any]:
    """The rows of which this foreign key is one of those wanted, each looked at as it is met in another
    order: in a form in which no database sees that it has an index by the key."""
    name = f"met_{key}"
    met: QuerySet[Any] = rows.alias(**{name: F(f"{key}_id") + 0})
    return met.filter(**{f"{name}__in": list(wanted)})


def matches(rows: QuerySet[Any]) -> Coalesce:
    """Whether there is a row of those that refer to one outside, as EXISTS says it: but in a form that
    PostgreSQL turns into no join, for which it would first read all of them."""
    found = rows.order_by().annotate(matches=Value(True)).values("matches")[:1]
    return Coalesce(Subquery(found), False)


def _merged(
    rows: QuerySet[Any], order: Order, parts: Sequence[Q], count: int, *, backwards: bool
) -> QuerySet[Any]:
    heads = [
        rows.model._default_manager.filter(pk__in=rows.filter(part).values("pk")[:count])
        .order_by()
        .values_list(*order.paths)
        for part in parts
    ]
    return order.applied(heads[0].union(*heads[1:], all=True), backwards=backwards)


def chunks(rows: QuerySet[Any], order: Order, size: int) -> Iterator[list[Any]]:
    """All keys of the rows in order, `size` at a time, each chunk by a query of its own."""
    found = order.applied(rows)
    keys = list(found.values_list(*order.paths)[:size])
    while keys:
        yield [key[-1] for key in keys]
        if len(keys) < size:
            return
        keys = list(order.beyond(found, keys[-1]).values_list(*order.paths)[:size])


def load(rows: QuerySet[M], pks: Sequence[Any]) -> list[M]:
    """The rows of these keys, in their order. What a list joins is joined only now, for one page:
    a database that joins first may sort everything."""
    found = {row.pk: row for row in rows.filter(pk__in=list(pks)).order_by()}
    return [found[pk] for pk in pks if pk in found]


def few(model: type[Model], condition: Q) -> list[Any] | None:
    """The keys of all rows that meet a condition which has an index; None if they are more than FEW."""
    rows = model._default_manager.filter(condition).order_by()
    found = list(rows.values_list("pk", flat=True)[: FEW + 1])
    return found if len(found) <= FEW else None


def found(
    rows: QuerySet[Any], *, lead: Lead | None = None, parts: Sequence[Q] = (), joined: Q = ANY
) -> list[Any]:
    """The keys of all rows, or of those that the lead finds, in no order; of more than TOTAL_CAP so many
    and one more. All rows meet `joined`, which may be a shorter way to them where no order matters.

    A list whose keys are all found is read by them and sorted. Of many rows a page is soon full, whatever
    else is met in the list's order."""
    keys = lead.keys(rows, parts, joined) if lead else rows.filter(joined).values_list("pk", flat=True)
    return list(keys.order_by()[: TOTAL_CAP + 1])


def mark_of(*bound_to: object) -> str:
    """What a cursor is bound to: where it leads is nonsense under another path, order or filter."""
    return hashlib.sha256(json.dumps(bound_to).encode()).hexdigest()[:16]


def _cipher() -> AESGCM:
    """Cursors hold integer keys, which never leave: they are sealed, not only signed."""
    return AESGCM(hashlib.sha256(b"cloudportal.cursor" + settings.SECRET_KEY.encode()).digest())


def _seal(key: Key, mark: str, *, backwards: bool) -> str:
    values = [value.isoformat() if isinstance(value, datetime) else value for value in key]
    nonce = os.urandom(_NONCE_BYTES)
    sealed = _cipher().encrypt(nonce, json.dumps([backwards, *values]).encode(), mark.encode())
    return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()


def _open(cursor: str, mark: str, rows: QuerySet[Any], order: Order) -> tuple[bool, Key]:
    try:
        raw = base64.b64decode(cursor[:_MAX_CURSOR] + "==", altchars=b"-_")
        text = _cipher().decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], mark.encode())
        backwards, *values = json.loads(text)
    except (ValueError, InvalidTag):
        raise MalformedRequest("bad_cursor", place="cursor") from None
    fields = [_field(rows.model, path) for path in order.paths]
    return backwards, tuple(field.to_python(value) for field, value in zip(fields, values, strict=True))


def _field(model: type[Model], path: str) -> Field[Any, Any]:
    field = model._meta.pk if path == "pk" else model._meta.get_field(path)
    assert isinstance(field, Field)  # noqa: S101 - lists are sorted by columns of their own
    return field
