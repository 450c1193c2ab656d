"""From a host's row to its drivers: made once a process and kept, since connecting takes 300 ms."""

from __future__ import annotations

import os
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.accounts import secrets
from apps.storage import mounts
from apps.storage.models import PrimaryStorage as Pool
from apps.storage.models import SecondaryStorage
from apps.zones.models import Host
from workers.drivers import base, connect


def mount_of(storage: Pool | SecondaryStorage) -> base.Mount | None:
    """What a host mounts to reach the storage; None for a folder of its own."""
    kind = mounts.MOUNTED.get(storage.driver)
    if kind is None:
        return None
    wanted = storage.settings if isinstance(storage, Pool) else {}
    source, options = f"{storage.server}:{storage.path}", mounts.mount_options(storage.driver, wanted)
    return base.Mount(kind, source, mounts.mount_point(storage), options)


class Drivers:
    """The drivers of one host."""

    def __init__(self, address: base.HostAddress, sealed_key: str) -> None:
        self.address, self.sealed_key = address, sealed_key
        self._storages: dict[base.PoolAddress, base.PrimaryStorage] = {}

    @cached_property
    def hypervisor(self) -> base.Hypervisor:
        return connect.hypervisor(self.address)

    @cached_property
    def commands(self) -> base.HostCommands:
        return connect.commands(self.address)

    @cached_property
    def network(self) -> base.NetworkDriver:
        return connect.network(self.address)

    @cached_property
    def mounts(self) -> base.Mounts:
        return connect.mounts(self.address)

    def storage(self, pool: Pool) -> base.PrimaryStorage:
        where = base.PoolAddress(pool.uuid, pool.path, pool.driver, mount_of(pool))
        if where not in self._storages:
            self._storages[where] = connect.primary_storage(self.address, where)
        return self._storages[where]

    def drop(self) -> None:
        """Close all connections without waiting for them."""
        for name in ("hypervisor", "commands"):
            driver = self.__dict__.get(name)
            closing = getattr(driver, "drop", None) or getattr(driver, "close", None)
            if closing is not None:
                closing()


_kept: dict[tuple[int, int], Drivers] = {}
_guard = threading.Lock()


def address_of(host: Host) -> base.HostAddress:
    """How to reach a host; its private key is put into a 0600 file that only the workers read."""
    return base.HostAddress(
        uuid=host.uuid,
        name=host.name,
        driver=host.driver,  # type: ignore[arg-type]
        address=host.address,
        port=host.port,
        username=host.username,
        private_key_path=str(_key_file(host)),
        host_key=host.host_key,
        uri=host.uri,
        simulator_path=str(settings.VAR / "simulator.sqlite3") if host.driver == "simulator" else "",
        extra={str(key): str(value) for key, value in host.extra.items() if key != "work_dir"},
        **_work_dir(host.extra),
    )


def _work_dir(extra: dict[str, Any]) -> dict[str, Any]:
    return {"work_dir": extra["work_dir"]} if "work_dir" in extra else {}


def _key_file(host: Host) -> Path:
    """Where the key that logs in to the host lies: its own, written there now, or the portal's."""
    if not host.private_key:
        return Path(settings.PORTAL_KEY_PATH)
    path: Path = settings.VAR / "run" / "keys" / f"{host.uuid}"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = secrets.unseal(Host, host.uuid, "private_key", host.private_key).strip() + "\n"
    if not path.exists() or path.read_text() != text:
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        temporary.replace(path)
    return path


def drivers_of(host: Host) -> Drivers:
    """The host's kept drivers; new ones after a fork or when its address changed."""
    key = (os.getpid(), host.pk)
    with _guard:
        kept = _kept.get(key)
        if kept is not None and not _stale(kept, host):
            return kept
        fresh = _kept[key] = Drivers(address_of(host), host.private_key)
    if kept is not None:
        kept.drop()
    return fresh


def _stale(kept: Drivers, host: Host) -> bool:
    address = kept.address
    was = (address.uuid, address.address, address.port, address.username, address.host_key, address.uri)
    now = (host.uuid, host.address, host.port, host.username, host.host_key, host.uri)
    return was != now or kept.sealed_key != host.private_key


def drop(host: Host) -> None:
    """Forget a host's drivers and close what they hold, without waiting."""
    with _guard:
        kept = _kept.pop((os.getpid(), host.pk), None)
    if kept is not None:
        kept.drop()


def drop_all() -> None:
    with _guard:
        kept = list(_kept.values())
        _kept.clear()
    for drivers in kept:
        drivers.drop()
