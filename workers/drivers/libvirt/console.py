"""The log of a machine's serial console: a file on the host that virtlogd writes and rotates."""

from __future__ import annotations

from uuid import UUID

from workers.drivers.base import HostCommands
from workers.drivers.errors import ObjectMissing

BACKUPS = 3
"""virtlogd's default: <log>.0 is the newest of what was rotated away, at 2 MiB each."""


def console_folder(work_dir: str) -> str:
    return f"{work_dir}/console"


def console_path(work_dir: str, machine: UUID) -> str:
    return f"{console_folder(work_dir)}/{machine}.log"


def read_console(commands: HostCommands, path: str, limit_bytes: int) -> bytes:
    """The last `limit_bytes`, reaching into the rotated file when the log has just begun anew."""
    if limit_bytes <= 0:
        return b""
    text = _tail(commands, path, limit_bytes)
    if text and len(text) < limit_bytes:
        text = _tail(commands, f"{path}.0", limit_bytes - len(text)) + text
    return text


def remove_console(commands: HostCommands, path: str) -> None:
    for rotated in (path, *(f"{path}.{number}" for number in range(BACKUPS))):
        commands.remove(rotated)


def _tail(commands: HostCommands, path: str, limit_bytes: int) -> bytes:
    try:
        return commands.read_file(path, offset=-limit_bytes, limit=limit_bytes)
    except ObjectMissing:
        return b""
