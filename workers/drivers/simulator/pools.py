"""Pools of the simulated world. Keyed by the pool alone: every host that reaches a pool sees
the same objects in it, as hosts that share a folder do."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass

from workers.drivers.errors import PoolFull
from workers.drivers.simulator.state import Transaction

DEFAULT_CAPACITY_BYTES = 100 * 2**40
THIN_VOLUME_BYTES = 196_608
"""What an empty qcow2 overlay takes on disk."""

_OBJECT_PATH = re.compile(r".*/(?P<pool>[0-9a-f-]{36})/(?P<name>[^/]+)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A row of `objects`, its columns in order.
    `used_bytes` is what it takes from the pool, `size_bytes` what a guest sees."""

    name: str
    kind: str
    size_bytes: int
    used_bytes: int
    base: str = ""
    digest: str = ""
    hostname: str = ""
    task: str = ""


def pool_size(tx: Transaction, pool: str) -> tuple[int, int]:
    """(capacity, used) in bytes."""
    row = tx.execute("SELECT capacity_bytes, used_bytes FROM pools WHERE uuid = ?", (pool,)).fetchone()
    return (row[0], row[1]) if row else (DEFAULT_CAPACITY_BYTES, 0)


def set_pool_size(tx: Transaction, pool: str, capacity_bytes: int, used_bytes: int) -> None:
    tx.execute("INSERT OR REPLACE INTO pools VALUES (?, ?, ?)", (pool, capacity_bytes, used_bytes))


def get_object(tx: Transaction, pool: str, name: str) -> StoredObject | None:
    row = tx.execute("SELECT * FROM objects WHERE pool = ? AND name = ?", (pool, name)).fetchone()
    return StoredObject(*row[1:]) if row else None


def find_object(tx: Transaction, path: str) -> StoredObject | None:
    """The object that a machine's disk path names, whatever host the machine is on."""
    match = _OBJECT_PATH.match(path)
    return get_object(tx, match["pool"], match["name"]) if match else None


def put_object(tx: Transaction, pool: str, stored: StoredObject) -> None:
    """Store or replace; `PoolFull` when it does not fit."""
    capacity, used = pool_size(tx, pool)
    old = get_object(tx, pool, stored.name)
    used += stored.used_bytes - (old.used_bytes if old else 0)
    if used > capacity:
        raise PoolFull(f"{stored.name} needs {stored.used_bytes} bytes", pool=pool)
    set_pool_size(tx, pool, capacity, used)
    tx.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (pool, *astuple(stored)))


def remove_object(tx: Transaction, pool: str, name: str) -> StoredObject | None:
    """What was removed, if it was there."""
    old = get_object(tx, pool, name)
    if old:
        capacity, used = pool_size(tx, pool)
        set_pool_size(tx, pool, capacity, used - old.used_bytes)
        tx.execute("DELETE FROM objects WHERE pool = ? AND name = ?", (pool, name))
    return old
