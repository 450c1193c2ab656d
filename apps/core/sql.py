"""Statements written out, for the few acts that are done so often that building them anew each time
is most of their cost. The text is constant; values are parameters, named as in "%(name)s".

PostgreSQL keeps them prepared for as long as the connection lives: planning them is as much work as
running them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import NotSupportedError, OperationalError, connection
from django.db.backends.utils import CursorWrapper


def rows(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """All rows that the statement returns."""
    with _executed(statement, params) as cursor:
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def changed(statement: str, params: Mapping[str, Any]) -> int:
    """How many rows the statement changed."""
    with _executed(statement, params) as cursor:
        count: int = cursor.rowcount
    return count


@contextmanager
def _executed(statement: str, params: Mapping[str, Any]) -> Iterator[CursorWrapper]:
    with _cursor() as cursor:
        try:
            cursor.execute(statement, params)
        except NotSupportedError as error:
            if connection.vendor != "postgresql":
                raise
            # A table was changed since the statement was prepared. Both sides keep it for as long as the
            # connection lives, so that has to go; whoever asks again gets a new one.
            connection.connection.close()
            raise OperationalError("a table was changed meanwhile") from error
        yield cursor


def _cursor() -> CursorWrapper:
    """As `connection.cursor()`, but PostgreSQL gets text and values apart, as prepared statements need."""
    cursor = connection.cursor()
    if connection.vendor == "postgresql":
        from psycopg import Cursor  # noqa: PLC0415 - only where it is in use

        cursor.cursor = Cursor(connection.connection)
    return cursor


SAMPLED = 1000
"""Entries of each index that are looked at; enough to tell a rare value from a common one in most."""


def refresh_statistics(*exactly: str) -> None:
    """Count anew how values are spread over rows: by that a database chooses its indexes. PostgreSQL does
    it by itself, SQLite only when told. The tables named `exactly` are read whole: those of which lists
    have many indexes to choose from."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit={SAMPLED}")
        cursor.execute("ANALYZE")
        cursor.execute("PRAGMA analysis_limit=0")
        for table in exactly:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
