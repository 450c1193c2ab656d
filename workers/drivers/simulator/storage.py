"""The simulated primary storage: names, sizes and what is built on what; no content."""

from __future__ import annotations

import hashlib
import re

from workers.drivers.base import HostAddress, Mount, PoolAddress, PoolFacts, TaskPhase, TaskStatus
from workers.drivers.errors import HypervisorRefused, ObjectMissing, PoolFull
from workers.drivers.hosts.rules import check_task_id
from workers.drivers.simulator.call import SimulatedDriver
from workers.drivers.simulator.machines import note_violation
from workers.drivers.simulator.pools import (
    THIN_VOLUME_BYTES,
    StoredObject,
    get_object,
    pool_size,
    put_object,
    remove_object,
    set_pool_size,
)
from workers.drivers.simulator.settle import end_import, finish_import
from workers.drivers.simulator.state import Transaction
from workers.drivers.storage.names import check_object_name

_HOSTNAME = re.compile(rb"^local-hostname: *['\"]?([A-Za-z0-9.-]{1,253})", re.MULTILINE)


class SimulatedStorage(SimulatedDriver):
    """One pool as one host reaches it. An object's path carries the pool's uuid, so that pools
    of different hosts may be configured with the same folder and stay apart."""

    def __init__(self, host: HostAddress, pool: PoolAddress) -> None:
        super().__init__(host)
        self.pool = pool
        self._pool = str(pool.uuid)

    def import_image(self, task_id: str, source_path: str, image: str, size_bytes: int) -> TaskStatus:
        """Takes `import_seconds`. The space is reserved when the copy begins."""
        check_object_name(image)
        check_task_id(task_id)

        def act(tx: Transaction) -> TaskStatus:
            if get_object(tx, self._pool, image):
                return TaskStatus(TaskPhase.DONE, 100, 0)
            started = tx.execute(
                "SELECT started_at, ends_at FROM imports WHERE pool = ? AND task = ?", (self._pool, task_id)
            ).fetchone()
            if started:
                began, ends = started
                return TaskStatus(TaskPhase.RUNNING, int(100 * (tx.now - began) / (ends - began)))
            if tx.execute("SELECT 1 FROM missing_sources WHERE path = ?", (source_path,)).fetchone():
                raise ObjectMissing(f"{source_path} does not exist")
            capacity, used = pool_size(tx, self._pool)
            if used + size_bytes > capacity:
                raise PoolFull(f"{image} needs {size_bytes} bytes", pool=self._pool)
            set_pool_size(tx, self._pool, capacity, used + size_bytes)
            seconds = tx.setting("import_seconds")
            tx.execute(
                "INSERT INTO imports VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self._pool, task_id, self._host, image, size_bytes, tx.now, tx.now + seconds),
            )
            if seconds:
                return TaskStatus(TaskPhase.RUNNING, 0)
            finish_import(tx, self._pool, task_id, image, size_bytes)
            return TaskStatus(TaskPhase.DONE, 100, 0)

        return self._call("import_image", act, subject=image)

    def cancel_import(self, task_id: str, image: str) -> bool:
        """Also removes an image that this very task completed; never one that was there before."""
        check_object_name(image)
        check_task_id(task_id)

        def act(tx: Transaction) -> bool:
            running = tx.execute(
                "SELECT size_bytes FROM imports WHERE pool = ? AND task = ?", (self._pool, task_id)
            ).fetchone()
            if running:
                end_import(tx, self._pool, task_id, running[0])
            stored = get_object(tx, self._pool, image)
            if stored and stored.task == task_id:
                remove_object(tx, self._pool, image)
            return True

        return self._call("cancel_import", act, subject=image)

    def clone(self, image: str, volume: str, size_bytes: int) -> None:
        """`HypervisorRefused` for a volume smaller than its image: the end would be cut off."""
        check_object_name(image)
        check_object_name(volume)

        def act(tx: Transaction) -> None:
            base = get_object(tx, self._pool, image)
            if base and size_bytes < base.size_bytes:
                raise HypervisorRefused(f"{image} has {base.size_bytes} bytes, not {size_bytes}")
            if get_object(tx, self._pool, volume):
                return
            if base is None:
                raise ObjectMissing(f"{image} is not in the pool")
            put_object(
                tx, self._pool, StoredObject(volume, "volume", size_bytes, THIN_VOLUME_BYTES, base=image)
            )

        self._call("clone", act, subject=volume)

    def write_seed(self, seed: str, data: bytes) -> None:
        """Keeps a digest and the hostname, never the data: a seed holds secrets."""
        check_object_name(seed)
        found = _HOSTNAME.search(data)
        stored = StoredObject(
            seed,
            "seed",
            len(data),
            len(data),
            digest=hashlib.blake2b(data, digest_size=16).hexdigest(),
            hostname=found[1].decode() if found else "",
        )
        self._call("write_seed", lambda tx: put_object(tx, self._pool, stored), subject=seed)

    def delete(self, name: str) -> None:
        """As on a real host, deleting what is in use succeeds and does harm: a violation."""
        check_object_name(name)

        def act(tx: Transaction) -> None:
            if remove_object(tx, self._pool, name) is None:
                return
            user = tx.execute(
                "SELECT machine FROM held WHERE kind = 'disk' AND key = ?", (self.path(name),)
            ).fetchone()
            if user:
                note_violation(tx, "deleted_in_use", self._host, f"{name} is a disk of {user[0]}")
            clone = tx.execute(
                "SELECT name FROM objects WHERE pool = ? AND base = ? LIMIT 1", (self._pool, name)
            ).fetchone()
            if clone:
                note_violation(tx, "deleted_in_use", self._host, f"{name} is what {clone[0]} is built on")

        self._call("delete", act, subject=name)

    def path(self, name: str) -> str:
        check_object_name(name)
        return f"{self.pool.path}/{self._pool}/{name}"

    def names(self) -> set[str]:
        def act(tx: Transaction) -> set[str]:
            return {name for (name,) in tx.execute("SELECT name FROM objects WHERE pool = ?", (self._pool,))}

        return self._call("names", act, write=False)

    def facts(self) -> PoolFacts:
        return self._call("pool_facts", lambda tx: PoolFacts(*pool_size(tx, self._pool)), write=False)


class SimulatedMounts(SimulatedDriver):
    """A simulated host has whatever it mounts."""

    def mount(self, mount: Mount) -> None:
        self._call("mount", lambda tx: None, subject=mount.source)
