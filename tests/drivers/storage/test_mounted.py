"""Storage of a server, up to the call that mounts it: no kernel of ours has a client for these."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from workers.drivers import connect
from workers.drivers.base import CommandResult, HostAddress, Mount, PoolAddress
from workers.drivers.errors import CommandFailed, ObjectMissing
from workers.drivers.hosts.local import LocalCommands
from workers.drivers.hosts.tasks import CommandTasks
from workers.drivers.storage.mounted import CommandMounts, MountedStorage

NFS = Mount("nfs", "10.0.0.9:/export/primary", "/mnt/pool", "nodev,hard")


class RecordingHost(LocalCommands):
    """A host on which nothing is done: it notes what it was asked to run. `mounted` says whether our
    folder is there, as after a mount and before a restart."""

    def __init__(self, *, mount_code: int = 0) -> None:
        self.asked: list[Sequence[str]] = []
        self.mounted = False
        self.mount_code = mount_code

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 20.0) -> CommandResult:
        self.asked.append(argv)
        if argv[0] == "sh":
            self.mounted = not self.mount_code
            return CommandResult(self.mount_code, b"", b"mount.nfs: Connection refused\n")
        if not self.mounted:
            return CommandResult(1, b"", b"stat: cannot read: No such file or directory\n")
        return CommandResult(0, b"4096 1000 400\n", b"")

    @property
    def programs(self) -> list[str]:
        return [argv[0] for argv in self.asked]


def storage_on(host: RecordingHost) -> MountedStorage:
    pool = PoolAddress(uuid4(), "/export/primary", "nfs", NFS)
    return MountedStorage(host, CommandTasks(host, "/var/tasks"), pool)


def test_it_is_mounted_before_its_first_use_and_only_then() -> None:
    host = RecordingHost()
    storage = storage_on(host)
    assert storage.facts().capacity_bytes == 4096 * 1000
    storage.facts()
    assert host.programs == ["sh", "stat", "stat"]
    assert list(host.asked[0][4:]) == [
        "nfs",
        "10.0.0.9:/export/primary",
        "/mnt/pool",
        "nodev,hard",
        "/mnt/pool/cloudportal",
    ]
    assert host.asked[1][-1] == "/mnt/pool/cloudportal"


def test_after_a_restart_of_the_host_it_is_mounted_again() -> None:
    host = RecordingHost()
    storage = storage_on(host)
    storage.facts()
    host.mounted = False
    storage.facts()
    assert host.programs == ["sh", "stat", "stat", "sh", "stat"]


def test_what_is_missing_while_it_is_mounted_is_missing() -> None:
    class Empty(RecordingHost):
        def run(self, argv: Sequence[str], **_: Any) -> CommandResult:
            super().run(argv)
            return CommandResult(0 if argv[0] == "sh" else 1, b"", b"No such file or directory")

    with pytest.raises(ObjectMissing):
        storage_on(Empty()).facts()


def test_a_mount_that_fails_names_the_server_and_what_it_said() -> None:
    host = RecordingHost(mount_code=32)
    with pytest.raises(CommandFailed, match=r"10\.0\.0\.9:/export/primary.*Connection refused"):
        storage_on(host).facts()
    assert host.programs == ["sh"]


def test_a_path_needs_no_mount() -> None:
    host = RecordingHost()
    assert storage_on(host).path("vol-1") == "/mnt/pool/cloudportal/vol-1"
    assert host.asked == []


def test_the_map_of_drivers_mounts_what_has_a_mount() -> None:
    here = HostAddress(uuid4(), "here", "libvirt")
    assert isinstance(connect.primary_storage(here, PoolAddress(uuid4(), "/x", "nfs", NFS)), MountedStorage)
    assert isinstance(connect.mounts(here), CommandMounts)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """mount, umount and findmnt of our own: what is mounted stands in the file `table`."""
    folder, table = tmp_path / "bin", tmp_path / "table"
    folder.mkdir()
    for name, body in {
        "mount": f'echo "mount $*" >>{table}.log; echo "$6" >{table}',
        "umount": f'echo "umount $*" >>{table}.log; rm {table}',
        "findmnt": f"[ -e {table} ] && cat {table}",
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    monkeypatch.setattr("workers.drivers.hosts.local.ENVIRONMENT", {"PATH": path})
    return table


def test_the_command_mounts_once_and_makes_room_for_another_source(programs: Path, tmp_path: Path) -> None:
    point = str(tmp_path / "point")
    first, second = (Mount("nfs", f"nas:/{name}", point, "nodev") for name in ("a", "b"))
    mounts = CommandMounts(LocalCommands())
    for mount in (first, first, second):
        mounts.mount(mount)
    assert Path(first.folder).is_dir()
    log = Path(f"{programs}.log").read_text().splitlines()
    assert log == [
        f"mount -t nfs -o nodev -- nas:/a {point}",
        f"umount -- {point}",
        f"mount -t nfs -o nodev -- nas:/b {point}",
    ]


def test_workers_do_not_mount_one_over_the_other(programs: Path, tmp_path: Path) -> None:
    mount, mounts = Mount("nfs", "nas:/a", str(tmp_path / "point"), "nodev"), CommandMounts(LocalCommands())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(mounts.mount, [mount] * 4))
    assert Path(f"{programs}.log").read_text().count("mount ") == 1
