"""Statements written out, for the few acts that are done so often that building them anew each time
is most of their cost. The text is constant; values are parameters, named as in "%(name)s".

PostgreSQL keeps them prepared for as long as the connection lives: planning them is as much work as
running them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper


def rows(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """All rows that the statement returns."""
    with _cursor() as cursor:
        cursor.execute(statement, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def changed(statement: str, params: Mapping[str, Any]) -> int:
    """How many rows the statement changed."""
    with _cursor() as cursor:
        cursor.execute(statement, params)
        count: int = cursor.rowcount
    return count


def _cursor() -> CursorWrapper:
    """As `connection.cursor()`, but PostgreSQL gets text and values apart, as prepared statements need."""
    cursor = connection.cursor()
    if connection.vendor == "postgresql":
        from psycopg import Cursor  # noqa: PLC0415 - only where it is in use

        cursor.cursor = Cursor(connection.connection)
    return cursor
