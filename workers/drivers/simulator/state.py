"""The simulated world's memory: one SQLite file that every process and thread shares.

A world is disposable and rebuilt by whoever wants one, so durability is given up for speed
(`synchronous=OFF`); atomicity is not: every verb is one transaction. A path that begins with
"memory:" names a world that lives in this process only, for tests that need thousands of them.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from workers.drivers.errors import DriverError, HostBusy, HypervisorRefused

SCHEMA_VERSION = 1
MEMORY_PREFIX = "memory:"
BUSY_SECONDS = 15.0

SCHEMA = f"""
CREATE TABLE settings (key TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE latency (verb TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE unreachable (host TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE faults (
    id INTEGER PRIMARY KEY, host TEXT NOT NULL, verb TEXT NOT NULL, skip INTEGER NOT NULL,
    remaining INTEGER, error TEXT NOT NULL, moment TEXT NOT NULL);
CREATE TABLE calls (id INTEGER PRIMARY KEY, host TEXT NOT NULL, verb TEXT NOT NULL, subject TEXT NOT NULL);
CREATE TABLE violations (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, host TEXT NOT NULL, detail TEXT NOT NULL);

CREATE TABLE machines (
    host TEXT NOT NULL, uuid TEXT NOT NULL, name TEXT NOT NULL, spec TEXT NOT NULL, ours INTEGER NOT NULL,
    power TEXT NOT NULL, booted INTEGER NOT NULL DEFAULT 0, deaf INTEGER NOT NULL DEFAULT 0,
    shutdown_due REAL, PRIMARY KEY (host, uuid), UNIQUE (host, name)) WITHOUT ROWID;
CREATE INDEX machines_by_uuid ON machines (uuid);
CREATE INDEX machines_shutting_down ON machines (shutdown_due) WHERE shutdown_due IS NOT NULL;
CREATE TABLE held (
    kind TEXT NOT NULL, key TEXT NOT NULL, host TEXT NOT NULL, machine TEXT NOT NULL, writes INTEGER NOT NULL,
    PRIMARY KEY (kind, key, host, machine)) WITHOUT ROWID;
CREATE INDEX held_by_machine ON held (host, machine);
CREATE TABLE boots (
    id INTEGER PRIMARY KEY, host TEXT NOT NULL, machine TEXT NOT NULL, hostname TEXT NOT NULL,
    address TEXT NOT NULL, vcpus INTEGER NOT NULL, memory_mib INTEGER NOT NULL, at REAL NOT NULL);
CREATE INDEX boots_by_machine ON boots (host, machine);
CREATE TABLE ports (
    host TEXT NOT NULL, machine TEXT NOT NULL, mac TEXT NOT NULL, bridge TEXT NOT NULL,
    PRIMARY KEY (host, machine, mac)) WITHOUT ROWID;

CREATE TABLE pools (
    uuid TEXT PRIMARY KEY, capacity_bytes INTEGER NOT NULL, used_bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE objects (
    pool TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    used_bytes INTEGER NOT NULL, base TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '',
    hostname TEXT NOT NULL DEFAULT '', task TEXT NOT NULL DEFAULT '', PRIMARY KEY (pool, name)) WITHOUT ROWID;
CREATE INDEX objects_by_base ON objects (pool, base) WHERE base <> '';
CREATE TABLE imports (
    pool TEXT NOT NULL, task TEXT NOT NULL, host TEXT NOT NULL, image TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, started_at REAL NOT NULL, ends_at REAL NOT NULL,
    PRIMARY KEY (pool, task)) WITHOUT ROWID;
CREATE INDEX imports_by_end ON imports (ends_at);
CREATE TABLE missing_sources (path TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE files (
    host TEXT NOT NULL, path TEXT NOT NULL, mode INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (host, path)) WITHOUT ROWID;
CREATE TABLE answers (
    program TEXT PRIMARY KEY, exit_code INTEGER NOT NULL, stdout BLOB NOT NULL,
    stderr BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE tasks (
    host TEXT NOT NULL, task TEXT NOT NULL, argv TEXT NOT NULL, started_at REAL NOT NULL,
    ends_at REAL NOT NULL, exit_code INTEGER NOT NULL, output TEXT NOT NULL,
    PRIMARY KEY (host, task)) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
"""

SCHEMA_TABLES = tuple(re.findall(r"CREATE TABLE (\w+)", SCHEMA))


class Transaction:
    """What an act may touch: the rows, and the world's time (`now`, in UTC seconds: the wall
    clock plus all that the world was ever advanced by)."""

    __slots__ = ("execute", "now")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = connection.execute
        self.now = 0.0

    def read_clock(self) -> None:
        self.now = time.time() + self.setting("clock_offset")

    def setting(self, key: str) -> float:
        row = self.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return float(row[0]) if row else 0.0

    def put_setting(self, key: str, value: float) -> None:
        self.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))

    def advance_clock(self, seconds: float) -> None:
        self.put_setting("clock_offset", self.setting("clock_offset") + seconds)
        self.now += seconds


@dataclass(slots=True)
class _Connection:
    """`identity` is (pid, device, inode): SQLite's connections survive neither a fork nor the
    replacement of their file."""

    raw: sqlite3.Connection
    identity: tuple[int, int, int]


class StateFile:
    """One world. Connections are kept and lent to one transaction at a time, whichever thread it
    is in: the engine makes each driver call in a thread of its own."""

    def __init__(self, path: str) -> None:
        if not path:
            raise HypervisorRefused("a simulated host needs the path of its world's state file")
        self.path = path
        self._idle: list[_Connection] = []
        self._alone: AbstractContextManager[object] = nullcontext()
        self._shared: sqlite3.Connection | None = None
        if path.startswith(MEMORY_PREFIX):
            self._alone = threading.RLock()
            self._shared = _connect(":memory:")
            self._shared.executescript(SCHEMA)

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Transaction]:
        """Commits what the body wrote when it ends or raises a `DriverError` (a refusal may
        leave a record behind); takes everything back on any other exception."""
        refusal = None
        with self._alone, self._lent() as connection:
            try:
                connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                try:
                    yield Transaction(connection)
                except DriverError as error:
                    refusal = error
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                connection.rollback()
                raise _mapped(error) from error
            except BaseException:
                connection.rollback()
                raise
        if refusal:
            raise refusal

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        if self._shared:
            yield self._shared
            return
        try:
            connection = self._take()
        except (sqlite3.Error, OSError) as error:
            raise _mapped(error) from error
        try:
            yield connection.raw
        finally:
            self._idle.append(connection)

    def _take(self) -> _Connection:
        try:
            found = os.stat(self.path)  # noqa: PTH116 (a Path costs ten times the call)
        except FileNotFoundError:
            _create(Path(self.path))
            found = os.stat(self.path)  # noqa: PTH116
        identity = (os.getpid(), found.st_dev, found.st_ino)
        while self._idle:
            with suppress(IndexError):
                kept = self._idle.pop()
                if kept.identity == identity:
                    return kept
                if kept.identity[0] != identity[0]:
                    _inherited.append(kept.raw)
                else:
                    kept.raw.close()
        raw = _connect(self.path)
        version = raw.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raw.close()
            raise HypervisorRefused(f"{self.path} holds a simulated world of version {version}: remove it")
        return _Connection(raw, identity)


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _create(path: Path) -> None:
    """Built under a name of its own and linked into place: of many first users one wins and
    none sees half a schema."""
    path.parent.mkdir(parents=True, exist_ok=True)
    built = path.with_name(f"{path.name}.{uuid4().hex}")
    os.close(os.open(built, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        connection = _connect(str(built))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        connection.close()
        with suppress(FileExistsError):
            os.link(built, path)
    finally:
        built.unlink()


def _mapped(error: Exception) -> DriverError:
    if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    ):
        return HostBusy(f"simulated world: {error}")
    return DriverError(f"simulated world: {error}")


_inherited: list[sqlite3.Connection] = []
"""Connections that came through a fork. Kept unused: closing one here could checkpoint a log that
the parent still writes."""

_opened: dict[str, StateFile] = {}


def open_state(path: str) -> StateFile:
    """The one `StateFile` of this path in this process."""
    state = _opened.get(path)
    return state if state is not None else _opened.setdefault(path, StateFile(path))


def forget_state(path: str) -> None:
    """Let go of a world; one in memory is gone with it."""
    _opened.pop(path, None)
