"""What a dynamically linked x86-64 program needs to run, read from its headers and never by running it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from guest.run import BuildFailed

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB = 1, 5


def interpreter_and_libraries(data: bytes) -> tuple[str, list[str]]:
    """The path of the dynamic loader ("" for static programs) and the names of the libraries."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise BuildFailed("not a 64-bit little-endian ELF file")
    segments = list(_segments(data))
    interpreter = ""
    names: list[str] = []
    for kind, offset, _address, size in segments:
        if kind == _PT_INTERP:
            interpreter = data[offset : offset + size].rstrip(b"\0").decode()
        elif kind == _PT_DYNAMIC:
            tags = list(struct.iter_unpack("<qQ", data[offset : offset + size - size % 16]))
            strings = _offset_of(segments, next(value for tag, value in tags if tag == _DT_STRTAB))
            names = [_text(data, strings + value) for tag, value in tags if tag == _DT_NEEDED]
    return interpreter, names


def collect_libraries(programs: Iterable[Path], folders: Sequence[Path]) -> dict[str, Path]:
    """Name -> file of every library and loader that `programs` need, found below `folders`."""
    found: dict[str, Path] = {}
    todo = list(programs)
    while todo:
        path = todo.pop()
        interpreter, names = interpreter_and_libraries(path.read_bytes())
        for name in [*names, *filter(None, [Path(interpreter).name])]:
            if name not in found:
                found[name] = _find_library(name, folders)
                todo.append(found[name])
    return found


def _find_library(name: str, folders: Sequence[Path]) -> Path:
    places = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "lib", "usr/lib")
    for folder in folders:
        for place in places:
            path = folder / place / name
            if path.is_file():
                return path.resolve()
    raise BuildFailed(f"no Debian package in the list holds the library {name}")


def _segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Type, file offset, virtual address and size in the file of each program header."""
    (table,) = struct.unpack_from("<Q", data, 32)
    entry_size, count = struct.unpack_from("<HH", data, 54)
    for index in range(count):
        kind, _flags, offset, address, _physical, size = struct.unpack_from(
            "<IIQQQQ", data, table + index * entry_size
        )
        yield kind, offset, address, size


def _offset_of(segments: Sequence[tuple[int, int, int, int]], address: int) -> int:
    for kind, offset, start, size in segments:
        if kind == _PT_LOAD and start <= address < start + size:
            return address - start + offset
    raise BuildFailed("an ELF file whose string table is not loaded")


def _text(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()
