"""From an event's row to its link in the chain."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.accounts import secrets
from apps.jobs.models import Event, Segment

BEGINNING = "0" * 64
BEFORE = -(2**63)
"""Below every key: nothing slips in there, either."""
PURPOSE = "heads of the audit trail"
_TAG = b"cloudportal event 1\n"
_ENTRY = struct.Struct(">q32s")
_COLUMNS = (
    *("pk", "uuid", "at", "kind", "phase", "account_uuid", "actor__reference", "actor_label"),
    *("behalf__reference", "token_name", "address__reference", "target_type", "target_uuid", "target_name"),
    *("target_person__reference", "job_uuid", "request_id", "data", "changes"),
)
"""What is sealed of an event. Of rows that may go (an account, a job) it is the public id, of people the
reference; the keys by which rows are joined are not part of it. Never changed: the tag would change too."""


@dataclass(frozen=True, slots=True)
class Sealable:
    key: int
    at: datetime
    content: bytes


def rows_between(after: int, upto: int, limit: int | None = None) -> Iterator[Sealable]:
    """Events with after < key <= upto, in the order of their keys."""
    rows = Event.objects.filter(pk__gt=after, pk__lte=upto).order_by("pk").values_list(*_COLUMNS)
    for row in rows[:limit] if limit else rows:
        yield Sealable(row[0], row[2], json.dumps([_plain(value) for value in row], **_CANONICAL).encode())


_CANONICAL: dict[str, Any] = {"sort_keys": True, "ensure_ascii": False, "separators": (",", ":")}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if value is None or isinstance(value, int | dict | list):
        return value
    return str(value)


def link(previous: bytes, row: Sealable) -> bytes:
    return hashlib.sha256(_TAG + previous + row.content).digest()


def manifest_of(entries: list[tuple[int, bytes]]) -> bytes:
    return b"".join(_ENTRY.pack(key, made) for key, made in entries)


def entries_of(segment: Segment) -> list[tuple[int, bytes]]:
    """(key, link) of each row; an empty list where the manifest is not whole."""
    manifest = bytes(segment.manifest)
    return list(_ENTRY.iter_unpack(manifest)) if len(manifest) % _ENTRY.size == 0 else []


def told(segment: Segment) -> dict[str, Any]:
    """What a head says, as it is signed and written down."""
    return {
        "segment": segment.number,
        "first": segment.first,
        "last": segment.last,
        "rows": segment.rows,
        "last_at": segment.last_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "previous": segment.previous,
        "head": segment.head,
    }


def signed(said: dict[str, Any]) -> dict[str, Any]:
    key, signature = secrets.sign(PURPOSE, json.dumps(said, **_CANONICAL).encode())
    return {**said, "key": key, "signature": signature}


def is_signed(line: dict[str, Any]) -> bool:
    said = {name: value for name, value in line.items() if name not in {"key", "signature"}}
    key, signature = str(line.get("key", "")), str(line.get("signature", ""))
    return secrets.is_signed(PURPOSE, json.dumps(said, **_CANONICAL).encode(), key, signature)


def segment_of(previous: Segment | None, rows: list[Sealable]) -> Segment:
    """The next segment, signed, not saved."""
    before = previous.head if previous else BEGINNING
    made, entries = bytes.fromhex(before), []
    for row in rows:
        made = link(made, row)
        entries.append((row.key, made))
    segment = Segment(
        number=previous.number + 1 if previous else 1,
        first=rows[0].key,
        last=rows[-1].key,
        rows=len(rows),
        last_at=max(row.at for row in rows),
        previous=before,
        head=made.hex(),
        manifest=manifest_of(entries),
    )
    line = signed(told(segment))
    segment.key, segment.signature = line["key"], line["signature"]
    return segment


def line_of(segment: Segment) -> dict[str, Any]:
    """A head as the file has it."""
    return {**told(segment), "key": segment.key, "signature": segment.signature}
