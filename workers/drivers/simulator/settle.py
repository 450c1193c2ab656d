"""What happens by itself once its time has come: guests finish shutting down, copies end.

There is no process behind the simulated world: whichever call comes next, on any host, first
brings the world up to the present.
"""

from __future__ import annotations

from workers.drivers.simulator.machines import power_off
from workers.drivers.simulator.pools import StoredObject, get_object, pool_size, put_object, set_pool_size
from workers.drivers.simulator.state import Transaction


def settle(tx: Transaction) -> None:
    for host, machine in tx.execute(
        "SELECT host, uuid FROM machines WHERE shutdown_due <= ?", (tx.now,)
    ).fetchall():
        power_off(tx, host, machine)
    for pool, task, image, size_bytes in tx.execute(
        "SELECT pool, task, image, size_bytes FROM imports WHERE ends_at <= ?", (tx.now,)
    ).fetchall():
        finish_import(tx, pool, task, image, size_bytes)


def finish_import(tx: Transaction, pool: str, task: str, image: str, size_bytes: int) -> None:
    """The copy's space, reserved when it began, becomes the image's. An image that another task
    completed first is kept: both copied the same source."""
    end_import(tx, pool, task, size_bytes)
    if get_object(tx, pool, image) is None:
        put_object(tx, pool, StoredObject(image, "image", size_bytes, size_bytes, task=task))


def end_import(tx: Transaction, pool: str, task: str, size_bytes: int) -> None:
    tx.execute("DELETE FROM imports WHERE pool = ? AND task = ?", (pool, task))
    capacity, used = pool_size(tx, pool)
    set_pool_size(tx, pool, capacity, used - size_bytes)
