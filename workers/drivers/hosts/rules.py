"""Bounds and checks that hold for commands on any host, local or remote."""

from __future__ import annotations

import os
import posixpath
import re
import time
from collections.abc import Sequence

from workers.drivers.errors import DeadlineExceeded, HypervisorRefused

OUTPUT_LIMIT = 4 * 1024 * 1024
"""Bytes kept of each of stdout and stderr. A command that says more is ended: half an answer
would be taken for a whole one."""

INPUT_LIMIT = 64 * 1024 * 1024
"""Bytes of stdin or of a file to be written: they are held in memory."""

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit codes of a command that could not be run, as a shell gives them."""

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": os.environ.get("HOME", "/"),
}
"""All that a local command inherits: the worker's own environment holds secrets."""


class Clock:
    """What is left of one call's deadline."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, 0.0 once it is over."""
        return max(0.0, self._end - time.monotonic())

    def over(self, what: str) -> DeadlineExceeded:
        return DeadlineExceeded(f"{what} took longer than {self.seconds:g} s")


_TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,119}")


def check_task_id(task_id: str) -> None:
    """The id names a folder on the host."""
    if not _TASK_ID.fullmatch(task_id):
        raise HypervisorRefused(f"{task_id[:200]!r} is not a task id")


def check_argv(argv: Sequence[str]) -> None:
    """A NUL byte would silently cut an argument short."""
    if not argv or not argv[0]:
        raise HypervisorRefused("an empty command")
    if any("\0" in argument for argument in argv):
        raise HypervisorRefused(f"{argv[0]}: an argument holds a NUL byte")


def check_data(data: bytes) -> None:
    if len(data) > INPUT_LIMIT:
        raise HypervisorRefused(f"{len(data)} bytes to send: at most {INPUT_LIMIT} are allowed")


def check_path(path: str) -> str:
    """An absolute path in its shortest form; a way back up ("..") is never ours."""
    if "\0" in path or not path.startswith("/") or ".." in path.split("/"):
        raise HypervisorRefused(f"{path[:200]!r} is not an absolute path without '..'")
    return "/" + posixpath.normpath(path).lstrip("/")


def check_removable(path: str) -> str:
    """Nothing of ours lies directly below the root folder: removing there is a mistake."""
    normal = check_path(path)
    if normal.count("/") < 2:
        raise HypervisorRefused(f"{path!r} is not a path to remove")
    return normal
