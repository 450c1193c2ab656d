"""The file of signed heads, outside the database: one JSON object a line, only ever appended to.

A line is the head of a segment, or says up to which segment the rows were dropped for their age.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from apps.jobs.audit.chain import is_signed, line_of, signed
from apps.jobs.models import Segment

Line = dict[str, Any]
_TAIL_BYTES = 65_536


class RecordDiffers(Exception):
    """The database does not go on from where the file of heads ends: its end was cut off, or it is another
    database, or an older one that was put back. `code` says which."""

    def __init__(self, code: str, number: int) -> None:
        super().__init__(f"{code}: segment {number}")
        self.code, self.number = code, number


def path() -> Path:
    return Path(settings.AUDIT_HEADS_FILE)


@contextmanager
def _opened() -> Iterator[IO[bytes]]:
    """The file, made if there is none, ours alone for as long; what a killed writer left half is cut off."""
    path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path(), os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        whole = end
        while whole and not _ends_line(file, whole):
            whole -= 1
        if whole != end:
            file.truncate(whole)
        file.seek(0, os.SEEK_END)
        yield file
        file.flush()
        os.fsync(file.fileno())


def _ends_line(file: IO[bytes], end: int) -> bool:
    file.seek(end - 1)
    return file.read(1) == b"\n"


def append_missing() -> int:
    """Write the heads that the file does not have yet. RecordDiffers, and nothing is written, unless the
    last head that it has is the database's of that number."""
    with _opened() as file:
        last = _last_head(file)
        number = last["segment"] if last else 0
        if last is not None:
            known = Segment.objects.filter(number=number).values_list("head", flat=True).first()
            if known != last["head"]:
                raise RecordDiffers("cut_off" if known is None else "other_head", number)
        written = 0
        rows = Segment.objects.filter(number__gt=number).order_by("number").defer("manifest")
        for segment in rows.iterator(chunk_size=500):
            file.write(_encoded(line_of(segment)))
            written += 1
        return written


def append_pruned(upto: int) -> None:
    """Say, before it is done, that the rows of all segments up to this one are dropped."""
    with _opened() as file:
        file.write(_encoded(signed({"pruned": upto})))


def _encoded(line: Line) -> bytes:
    return (json.dumps(line, sort_keys=True) + "\n").encode()


def _last_head(file: IO[bytes]) -> Line | None:
    end = file.seek(0, os.SEEK_END)
    for begin in (max(0, end - _TAIL_BYTES), 0):
        file.seek(begin)
        lines = file.read(end - begin).split(b"\n")[1 if begin else 0 :]
        for text in reversed(lines):
            line = _parsed(text)
            if line is not None and "segment" in line:
                file.seek(0, os.SEEK_END)
                return line
    file.seek(0, os.SEEK_END)
    return None


def _parsed(text: bytes) -> Line | None:
    """None for what is no line of ours; its signature is not looked at."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    whole = isinstance(line, dict) and isinstance(line.get("segment", line.get("pruned")), int)
    return line if whole else None


def lines() -> Iterator[Line | None]:
    """All lines of the file, None for one that is not ours or that nobody signed. What stands behind the
    last line break is being written."""
    try:
        file = path().open("rb")
    except FileNotFoundError:
        return
    with file:
        for text in file:
            if text.endswith(b"\n"):
                line = _parsed(text)
                yield line if line is not None and is_signed(line) else None


def pruned_upto() -> int:
    """The number of the last segment whose rows were dropped for their age, as the file says."""
    return max((line["pruned"] for line in lines() if line and "pruned" in line), default=0)
