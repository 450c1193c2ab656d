"""Trees kept as materialised paths: "/1/7/" is the chain of keys from the root to a row and ends with its
own, so that what lies at or below it begins with it.

`path__within` finds that by an index range on either database. LIKE would not: SQLite has no use for an
index there unless LIKE minds capitals everywhere, and PostgreSQL none where the prefix is another
row's value.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.sql.compiler import SQLCompiler

MAX_PATH = 500
"""Characters of a path."""
_BY_BYTES = {"postgresql": ("~>=~", "~<~")}
"""Comparison by bytes, as the index for patterns is sorted that Django adds to a unique column; SQLite's
text is always compared so."""


def path_of(parent_path: str | None, key: int) -> str:
    """The path of the row `key` below a parent, or of a root."""
    return f"{parent_path or '/'}{key}/"


def keys_of(path: str | None) -> list[int]:
    """Keys from the root down to the row itself."""
    return [int(key) for key in (path or "").strip("/").split("/") if key]


def is_within(path: str | None, top: str | None) -> bool:
    """Whether `path` is `top` or lies below it: what the lookup says, of two values. A row without a path
    is in no tree."""
    return path is not None and top is not None and path.startswith(_checked(top))


def _checked(path: str) -> str:
    """A path without its last "/" would also find its neighbours: /1/7 is the beginning of /1/70/."""
    if not path.endswith("/"):
        raise ValueError(f"not a path: {path!r}")
    return path


class Within(Lookup):
    """At or below a path, a value or another column: from the path on, and before what would come after
    all that begins with it ("0" follows "/")."""

    lookup_name = "within"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        low, given = self.process_rhs(compiler, connection)
        low_values: tuple[Any, ...]
        high_values: tuple[Any, ...]
        if self.rhs_is_direct_value():
            path = _checked(str(self.rhs))
            high, low_values, high_values = low, (path,), (f"{path[:-1]}0",)
        else:
            high = f"(SUBSTR({low}, 1, LENGTH({low}) - 1) || '0')"
            low_values, high_values = tuple(given), (*given, *given)
        from_on, before = _BY_BYTES.get(connection.vendor, (">=", "<"))
        sql = f"({left} {from_on} {low} AND {left} {before} {high})"
        return sql, (*left_params, *low_values, *left_params, *high_values)
