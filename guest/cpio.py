"""Writes the archive that a kernel unpacks as its first root file system ("newc" cpio).

Format: Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's source.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath


def write_archive(files: Mapping[str, tuple[int, bytes]]) -> bytes:
    """Path without leading slash -> (mode with file type, content); folders are added. Owner is root."""
    entries = {**dict.fromkeys(_folders(files), (stat.S_IFDIR | 493, b"")), **files}
    archive = bytearray()
    for number, (path, (mode, content)) in enumerate(sorted(entries.items()), 1):
        _append(archive, path, number, mode, content)
    _append(archive, "TRAILER!!!", 0, 0, b"")
    return bytes(archive)


def _folders(files: Mapping[str, object]) -> Iterator[str]:
    for path in files:
        for parent in PurePosixPath(path).parents:
            if str(parent) != ".":
                yield str(parent)


def _append(archive: bytearray, path: str, number: int, mode: int, content: bytes) -> None:
    links = 2 if stat.S_ISDIR(mode) else 1
    name = path.encode() + b"\0"
    fields = (number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name), 0)
    archive += b"070701" + b"".join(b"%08X" % field for field in fields) + name
    archive += bytes(-len(archive) % 4) + content
    archive += bytes(-len(archive) % 4)
