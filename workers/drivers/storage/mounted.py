"""Storage that a server exports: mounted on the host by a command, then used as a folder.

NFS and GlusterFS (by FUSE) are mounted by mount(8), which needs their client on the host: the packages
nfs-common and glusterfs-client. Nothing is written into fstab: after a restart of the host the next use
mounts again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from workers.drivers.base import HostCommands, HostTasks, Mount, PoolAddress, PoolFacts, TaskStatus
from workers.drivers.errors import CommandFailed, HypervisorRefused, ObjectMissing
from workers.drivers.storage.directory import DirectoryStorage

T = TypeVar("T")

_MOUNT = """\
mkdir -p -- "$3" && exec 9>"$3.lock" && flock 9 || exit
there=$(findmnt -rno SOURCE --mountpoint "$3")
if [ -n "$there" ] && [ "$there" != "$2" ]; then umount -- "$3" && there= || exit; fi
if [ -z "$there" ]; then mount -t "$1" -o "$4" -- "$2" "$3" 9>&- || exit; fi
mkdir -p -- "$5"
"""
"""$1 the kind, $2 the source, $3 the mount point, $4 options, $5 our folder. A constant program that gets
its words as arguments. The lock keeps two workers from mounting one over the other; what serves the mount
afterwards must not inherit it."""


class CommandMounts:
    """Mounts by mount(8), as the user that commands run as: that has to be root."""

    def __init__(self, commands: HostCommands) -> None:
        self._commands = commands

    def mount(self, mount: Mount) -> None:
        words = [mount.kind, mount.source, mount.point, mount.options, mount.folder]
        result = self._commands.run(["sh", "-c", _MOUNT, "sh", *words])
        if result.exit_code:
            said = result.stderr.decode(errors="replace").strip()[-1500:]
            raise CommandFailed(f"mounting {mount.source}: {said}")


class MountedStorage:
    """A folder pool in a file system that this host mounts. It is mounted before the first use, and
    again where our folder in it is missing: then the host was restarted meanwhile."""

    def __init__(self, commands: HostCommands, tasks: HostTasks, pool: PoolAddress) -> None:
        if pool.mount is None:
            raise HypervisorRefused(f"{pool.path} is not a file system to mount")
        self._mount = pool.mount
        self._mounts = CommandMounts(commands)
        self._folder = DirectoryStorage(commands, tasks, replace(pool, path=pool.mount.folder, mount=None))
        self._mounted = False

    def import_image(self, task_id: str, source_path: str, image: str, size_bytes: int) -> TaskStatus:
        return self._in(lambda folder: folder.import_image(task_id, source_path, image, size_bytes))

    def cancel_import(self, task_id: str, image: str) -> bool:
        self._mounted = False  # it finds nothing to cancel where nothing is mounted: be sure
        return self._in(lambda folder: folder.cancel_import(task_id, image))

    def clone(self, image: str, volume: str, size_bytes: int) -> None:
        self._in(lambda folder: folder.clone(image, volume, size_bytes))

    def write_seed(self, seed: str, data: bytes) -> None:
        self._in(lambda folder: folder.write_seed(seed, data))

    def delete(self, name: str) -> None:
        self._in(lambda folder: folder.delete(name))

    def path(self, name: str) -> str:
        return self._folder.path(name)

    def names(self) -> set[str]:
        return self._in(lambda folder: folder.names())

    def facts(self) -> PoolFacts:
        return self._in(lambda folder: folder.facts())

    def _in(self, act: Callable[[DirectoryStorage], T]) -> T:
        """Every verb is idempotent, so what may have met an empty mount point is simply done again."""
        if self._mounted:
            try:
                return act(self._folder)
            except ObjectMissing:
                self._mounted = False
        self._mounts.mount(self._mount)
        self._mounted = True
        return act(self._folder)
