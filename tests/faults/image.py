"""Images of everything a cell can change: all rows of the database, and the simulated world.

A cell begins from an image taken right after the request was submitted, so every cell of a
scenario has the same public ids, addresses and order of events.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.db import connection

from apps.accounts.models import Quota
from workers.drivers.simulator.state import SCHEMA_TABLES, open_state

Row = tuple[tuple[str, Any], ...]
Rows = dict[str, frozenset[Row]]

JOURNALS = frozenset(
    {
        *("jobs_job", "jobs_event", "jobs_joblock", "jobs_jobslot", "compute_placement"),
        *("accounts_idempotencykey", "accounts_usagehour", "accounts_syncrun", "accounts_syncchange"),
        *("jobs_person", "jobs_event_mentions"),
    }
)
"""Tables that tell what happened, or hold a job's own; they are judged apart."""

VOLATILE = frozenset(
    {
        *("state_changed_at", "power_state", "power_observed_at", "power_agreed", "error"),
        *("metered_at", *(f"metered_{name}" for name in Quota.RESOURCES)),
        *("last_host_id", "last_seen_at", "missed_syncs", "free_after", "expunge_after", "read_at"),
    }
)
"""Columns that may differ between two runs that ended alike."""

_KEYS = frozenset({"id", "uuid", "created_at"})
MADE_IN_THE_RUN = {
    **dict.fromkeys(("storage_templatecopy", "accounts_group", "accounts_directorygroup"), _KEYS),
    **dict.fromkeys(("accounts_membership", "accounts_groupmember", "accounts_mappedaccount"), _KEYS),
    **dict.fromkeys(("accounts_account", "accounts_quota"), _KEYS),
    "accounts_user": _KEYS | {"password"},
    "accounts_directoryperson": _KEYS | {"left_at"},
    "accounts_directorysync": frozenset({"next_at"}),
    "accounts_grant": _KEYS | {"once"},
    "accounts_leftbehind": _KEYS | {"stops_at", "stopped_at"},
    "accounts_directory": frozenset({"test", "tested_at"}),
}
"""Columns that jobs fill themselves, and that differ from run to run: a row's keys, what a look found."""

NAMED_BY = {"accounts_user": "username", "accounts_account": "name", "accounts_group": "name"}
"""Tables whose rows a run may make, and the column by which pointers at them are compared."""

WHETHER_ONLY = frozenset({"template_copy_id"})
"""Pointers at such rows: only whether there is one counts."""


def tables() -> dict[str, list[str]]:
    """Each table's columns, but for those that the database computes."""
    return {
        model._meta.db_table: [
            field.column
            for field in model._meta.local_concrete_fields
            if field.column and not field.generated
        ]
        for model in sorted(
            apps.get_models(include_auto_created=True), key=lambda model: model._meta.db_table
        )
        if model._meta.managed and not model._meta.proxy
    }


def _pointers() -> dict[tuple[str, str], str]:
    """By table and column: the table that it points at, of those in NAMED_BY."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.local_concrete_fields:
            other = field.related_model
            if isinstance(other, type) and other._meta.db_table in NAMED_BY and field.column:
                found[model._meta.db_table, field.column] = other._meta.db_table
    return found


def read_rows() -> Rows:
    """All rows that count, without what is volatile in them."""
    rows: Rows = {}
    pointers = _pointers()
    names_of: dict[str, dict[Any, Any]] = {}
    with connection.cursor() as cursor:
        for table, column in NAMED_BY.items():
            cursor.execute(f'SELECT id, "{column}" FROM "{table}"')
            names_of[table] = dict(cursor.fetchall())
        for table in tables():
            if table in JOURNALS or table.startswith(("django_", "auth_")):
                continue
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            dropped = VOLATILE | MADE_IN_THE_RUN.get(table, frozenset())
            kept = [(index, name) for index, name in enumerate(names) if name not in dropped]
            told = {name: names_of[pointers[table, name]] for name in names if (table, name) in pointers}
            rows[table] = frozenset(
                tuple(
                    (name, _plain(name, told.get(name, {}).get(row[index], row[index])))
                    for index, name in kept
                )
                for row in cursor.fetchall()
                if table != "accounts_quota" or says_anything(dict(zip(names, row, strict=True)))
            )
    return rows


def says_anything(quota: Mapping[str, Any]) -> bool:
    """A member's quota begins with the first thing counted, and stays when that was taken back."""
    told = [value for name, value in quota.items() if name.startswith(("max_", "used_"))]
    return quota["user_id"] is None or any(value not in {None, 0} for value in told)


def _told(names: Mapping[Any, Any] | None, value: Any) -> Any:
    return value if names is None else names.get(value, value)


def _plain(name: str, value: Any) -> Any:
    if name in WHETHER_ONLY:
        return None if value is None else True
    return repr(value) if isinstance(value, dict | list) else value


def difference(before: Rows, after: Rows) -> list[str]:
    """One line for each row that was lost (-) or appeared (+)."""
    lines = []
    for table in sorted(before.keys() | after.keys()):
        old, new = before.get(table, frozenset()), after.get(table, frozenset())
        lines += [f"- {table} {_short(row, new)}" for row in old - new]
        lines += [f"+ {table} {_short(row, old)}" for row in new - old]
    return sorted(lines)


def _short(row: Row, others: frozenset[Row]) -> str:
    """A row by its key and the columns in which it differs from its namesake."""
    mine = dict(row)
    twin = next((dict(other) for other in others if dict(other).get("id") == mine.get("id")), None)
    shown: Mapping[str, Any] = mine
    if twin is not None:
        shown = {"id": mine.get("id")} | {key: value for key, value in mine.items() if twin[key] != value}
    return ", ".join(f"{key}={value}" for key, value in shown.items())


class DatabaseImage:
    """All rows as they were when it was made. SQLite copies its pages; PostgreSQL keeps a second
    set of tables in a schema of its own."""

    _count = 0

    def __init__(self) -> None:
        DatabaseImage._count += 1
        self._schema = f"image_{DatabaseImage._count}"
        self._restore = ""
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            self._pages = sqlite3.connect(":memory:")
            connection.connection.backup(self._pages)
        else:
            self._copy_tables()

    def _copy_tables(self) -> None:
        names = tables()
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA "{self._schema}"')
            filled = []
            for name, columns in names.items():
                cursor.execute(f'CREATE UNLOGGED TABLE "{self._schema}"."{name}" AS TABLE "{name}"')
                if cursor.rowcount:
                    filled.append((name, ", ".join(f'"{column}"' for column in columns)))
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            unchecked = ["SET LOCAL session_replication_role = replica"] if cursor.fetchone()[0] else []
        self._restore = ";".join(
            ["BEGIN", *unchecked]
            + [f'DELETE FROM "{name}"' for name in names]
            + [
                f'INSERT INTO "{name}" ({columns}) SELECT {columns} FROM "{self._schema}"."{name}"'
                for name, columns in filled
            ]
            + ["COMMIT"]
        )

    def restore(self) -> None:
        if connection.vendor == "sqlite":
            self._pages.backup(connection.connection)
            return
        with connection.cursor() as cursor:
            cursor.execute(self._restore)

    def forget(self) -> None:
        if connection.vendor == "sqlite":
            self._pages.close()
            return
        with connection.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA "{self._schema}" CASCADE')


class SimulatorImage:
    """Every row of a simulated world, its clock and faults included."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        with open_state(path).transaction(write=False) as tx:
            for table in SCHEMA_TABLES:
                self._rows[table] = tx.execute(f"SELECT * FROM {table}").fetchall()

    def restore(self) -> None:
        with open_state(self._path).transaction(write=True) as tx:
            for table, rows in self._rows.items():
                tx.execute(f"DELETE FROM {table}")
                for row in rows:
                    tx.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)
