"""Primary storage in a folder of the host: a local disk, or a file system that hosts share.

Files are 0600, for disks hold what users keep to themselves; libvirt lends them to QEMU's user.
A file under one of our names is whole: whatever makes one writes to a hidden name beside it,
".<name>.<something>", and renames. A volume names its image relative to itself, so that a pool
keeps working under another path.
"""

from __future__ import annotations

import json
import posixpath
from uuid import uuid4

from workers.drivers.base import HostCommands, HostTasks, PoolAddress, PoolFacts, TaskPhase, TaskStatus
from workers.drivers.errors import (
    CommandFailed,
    DriverError,
    HostBusy,
    HypervisorRefused,
    ImageRejected,
    ObjectMissing,
    PoolFull,
)
from workers.drivers.hosts.rules import check_task_id
from workers.drivers.storage.names import check_object_name, is_object_name
from workers.drivers.storage.qcow2 import HEADER_BYTES, Qcow2Header, parse_header

_CLONE = """\
[ -e "$1" ] && exit 0
umask 077
qemu-img create -q -f qcow2 -F qcow2 -b "$3" -- "$2" "$4" && mv -nT -- "$2" "$1"
code=$?
[ -e "$2" ] && rm -f -- "$2"
exit $code
"""
"""$1 the volume, $2 its temporary name, $3 the image, $4 bytes. A constant program that gets its
words as arguments, so that one spawn, or one SSH round trip, is enough."""

_IMPORT = """\
[ -e "$1" ] && exit 0
umask 077
qemu-img convert -p -t writeback -O qcow2 -o compat=1.1 -- "$4" "$2" &&
printf %s "$5" >"$3" && mv -nT -- "$2" "$1"
code=$?
rm -f -- "$2"
exit $code
"""
"""$1 the image, $2 its temporary name, $3 the note of who made it, $4 the source, $5 the task.
`-t writeback` flushes at the end: what is renamed must not be empty after a power cut."""

_DONE = TaskStatus(TaskPhase.DONE, 100, 0)


class DirectoryStorage:
    """Needs qemu-img on the host. The folder is the operator's: it is never made here, since what
    is missing may be a mount, and writing below its mount point would fill the wrong disk."""

    def __init__(self, commands: HostCommands, tasks: HostTasks, pool: PoolAddress) -> None:
        if posixpath.normpath(pool.path) != pool.path or not pool.path.startswith("/"):
            raise HypervisorRefused(f"{pool.path!r} is not an absolute, normal path")
        self._commands = commands
        self._tasks = tasks
        self._pool = pool

    def import_image(self, task_id: str, source_path: str, image: str, size_bytes: int) -> TaskStatus:
        """`size_bytes` is the image's virtual size. A copy that failed raises why, and the next call
        begins anew; one that died without a word (the host was restarted) is begun anew at once.

        The image is rewritten, not copied: uncompressed, without internal snapshots, and without
        what a file could hide outside its disk. A backing file is never followed.
        """
        check_object_name(image)
        check_task_id(task_id)
        target = self.path(image)
        if self._exists(target):
            return self._finished(task_id, image, size_bytes)
        source = self._header(source_path)
        if not source.stands_alone:
            raise ImageRejected(f"{source_path} needs another file or a key", reason="backing_file")
        words = [target, self._part(image, task_id), self._note(image), _lone_qcow2(source_path), task_id]
        argv = ["sh", "-c", _IMPORT, "sh", *words]
        status = self._tasks.start(task_id, argv)
        died = status.phase is TaskPhase.FAILED and status.exit_code is None
        if died or (status.phase is TaskPhase.DONE and not self._exists(target)):
            self._forget(task_id)
            status = self._tasks.start(task_id, argv)
        if status.phase is TaskPhase.RUNNING:
            return status
        if status.phase is not TaskPhase.DONE:
            self._forget(task_id)
            raise _failure(f"copying {source_path}", status.output)
        return self._finished(task_id, image, size_bytes)

    def cancel_import(self, task_id: str, image: str) -> bool:
        """Also removes an image that this very task completed; never one that was there before."""
        check_object_name(image)
        check_task_id(task_id)
        if not self._tasks.cancel(task_id):
            return False
        self._tasks.forget(task_id)
        if self._made_by(image) == task_id:
            self.delete(image)
        self._commands.remove(self._part(image, task_id))
        return True

    def clone(self, image: str, volume: str, size_bytes: int) -> None:
        """`HypervisorRefused` for a volume smaller than its image: the end would be cut off."""
        check_object_name(image)
        path = self.path(volume)
        try:
            base = self._header(self.path(image))
        except ObjectMissing:
            if self._exists(path):
                return
            raise
        if size_bytes < base.virtual_size_bytes:
            raise HypervisorRefused(f"{image} has {base.virtual_size_bytes} bytes, not {size_bytes}")
        words = [path, self._hidden(volume, f"{uuid4().hex}.tmp"), image, str(size_bytes)]
        self._run(["sh", "-c", _CLONE, "sh", *words], f"cloning {image}")

    def write_seed(self, seed: str, data: bytes) -> None:
        """0600: a seed holds the user's secrets. libvirt hands it to QEMU's user at start."""
        self._commands.write_file(self.path(seed), data)

    def delete(self, name: str) -> None:
        """Takes with it what makers of this name left behind when they died."""
        check_object_name(name)
        names = ["(", "-name", name, "-o", "-name", f".{name}.*", ")"]
        self._run(["find", self._pool.path, "-maxdepth", "1", *names, "-delete"], f"deleting {name}")

    def path(self, name: str) -> str:
        check_object_name(name)
        return f"{self._pool.path}/{name}"

    def names(self) -> set[str]:
        listed = self._run(["find", self._pool.path, "-maxdepth", "1", "-printf", r"%f\0"], "listing")
        return {name for name in listed.decode(errors="replace").split("\0") if is_object_name(name)}

    def facts(self) -> PoolFacts:
        """What only the host's root may use counts as used: QEMU is not root."""
        words = self._run(["stat", "-f", "-c", "%S %b %a", "--", self._pool.path], "measuring").split()
        block, blocks, available = (int(word) for word in words)
        return PoolFacts(capacity_bytes=block * blocks, used_bytes=block * (blocks - available))

    def _hidden(self, name: str, suffix: str) -> str:
        return f"{self._pool.path}/.{name}.{suffix}"

    def _part(self, image: str, task_id: str) -> str:
        return self._hidden(image, f"{task_id}.part")

    def _note(self, image: str) -> str:
        return self._hidden(image, "task")

    def _made_by(self, image: str) -> str:
        """The task that completed the image; "" if that is not known."""
        try:
            return self._commands.read_file(self._note(image), limit=200).decode(errors="replace")
        except ObjectMissing:
            return ""

    def _exists(self, path: str) -> bool:
        try:
            self._commands.read_file(path, limit=1)
        except ObjectMissing:
            return False
        return True

    def _header(self, path: str) -> Qcow2Header:
        try:
            return parse_header(self._commands.read_file(path, limit=HEADER_BYTES))
        except ValueError as error:
            raise ImageRejected(f"{path}: {error}", reason="not_an_image") from error

    def _finished(self, task_id: str, image: str, size_bytes: int) -> TaskStatus:
        """An image that came out wrong goes, if it was this task that made it."""
        header = self._header(self.path(image))
        wrong = not header.stands_alone or header.corrupt or header.virtual_size_bytes != size_bytes
        if wrong and self._made_by(image) == task_id:
            self.delete(image)
        self._forget(task_id)
        if wrong:
            raise ImageRejected(f"{image} came out as {header}, not {size_bytes} bytes", reason="damaged")
        return _DONE

    def _forget(self, task_id: str) -> None:
        """Another caller may have begun the task anew in the meantime: then it is his to forget."""
        try:
            self._tasks.forget(task_id)
        except HostBusy:
            return

    def _run(self, argv: list[str], what: str) -> bytes:
        result = self._commands.run(argv)
        if result.exit_code:
            raise _failure(what, result.stderr.decode(errors="replace"))
        return result.stdout


def _lone_qcow2(path: str) -> str:
    """The image by an address that says its format and that it has no backing file, whatever the
    file itself says."""
    return "json:" + json.dumps(
        {"driver": "qcow2", "backing": None, "file": {"driver": "file", "filename": path}}
    )


def _failure(what: str, output: str) -> DriverError:
    technical = f"{what}: {output.strip()[-1500:]}"
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return PoolFull(technical)
    if "No such file or directory" in output:
        return ObjectMissing(technical)
    return CommandFailed(technical)
