"""Template files in secondary storage, on the worker's own machine."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from uuid import UUID

from django.conf import settings

from workers.drivers import connect
from workers.drivers.base import HostAddress, HostTasks, Mount, TaskPhase
from workers.drivers.errors import CommandFailed, ObjectMissing
from workers.drivers.hosts.local import from_os_error
from workers.drivers.storage.inspect import ImageFacts, inspect_image


def inspect(path: Path, *, max_bytes: int, max_virtual_bytes: int) -> ImageFacts:
    """What the image is, seen by a confined process; ImageRejected if it may not be used."""
    if not path.exists():
        raise ObjectMissing(f"{path.name} was not uploaded, or was removed")
    return inspect_image(path, format="qcow2", max_bytes=max_bytes, max_virtual_bytes=max_virtual_bytes)


def _here() -> HostAddress:
    return HostAddress(
        uuid=UUID(int=0), name="worker", driver="libvirt", work_dir=str(settings.VAR / "worker")
    )


@cache
def _tasks() -> HostTasks:
    return connect.tasks(_here())


def mount(what: Mount) -> None:
    """See that it is mounted here."""
    connect.mounts(_here()).mount(what)


def open_folder(folder: Path, mounted: Mount | None) -> None:
    """See that the folder is there, mounted from its server if it has one, and can be written."""
    try:
        if mounted is not None:
            mount(mounted)
        else:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"written by the portal")
    except OSError as error:
        raise from_os_error(error, f"writing to {folder}") from None


def digest(task_id: str, path: Path) -> str | None:
    """The file's SHA-256; None while it is being worked out."""
    status = _tasks().start(task_id, ["sha256sum", "--", str(path)])
    if status.phase == TaskPhase.RUNNING:
        return None
    if status.phase != TaskPhase.DONE:
        _tasks().forget(task_id)
        raise CommandFailed(status.output[-2000:])
    return status.output.split()[0].lstrip("\\")


def cancel_digest(task_id: str) -> bool:
    """End a digest that is under way; True once it has certainly ended."""
    if not _tasks().cancel(task_id):
        return False
    _tasks().forget(task_id)
    return True


def store(incoming: Path, final: Path) -> None:
    """Move an inspected upload to its final name; done already is fine, neither there is not."""
    try:
        incoming.chmod(0o644)
        incoming.replace(final)
    except FileNotFoundError:
        if not final.exists():
            raise ObjectMissing(f"{incoming.name} was not uploaded, or was removed") from None
        return
    handle = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)
