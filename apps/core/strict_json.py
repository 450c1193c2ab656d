"""JSON as the API takes it: one meaning for every reader, and bounded (RFC 8259, RFC 7493)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from apps.core.errors import MalformedRequest, RequestTooLarge

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
_CHUNK_BYTES = 64 * 1024


class StrictJSONParser(BaseParser):
    """UTF-8 JSON of at most MAX_BYTES and MAX_DEPTH levels. Duplicate keys, numbers that are not
    finite, NUL and halves of surrogate pairs are refused."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return parse(_read(stream))


def parse(body: bytes) -> Any:
    """The value; MalformedRequest if there is none that every reader would agree on."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedRequest("not_utf8", place=f"byte {error.start}") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise MalformedRequest("not_json", place=f"line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise MalformedRequest("too_deep", limit=MAX_DEPTH) from None
    _check(value, 1)
    return value


def _read(stream: IO[Any]) -> bytes:
    chunks, size = [], 0
    while chunk := stream.read(_CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_BYTES:
            raise RequestTooLarge(limit=MAX_BYTES)
        chunks.append(chunk)
    return b"".join(chunks)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise MalformedRequest("duplicate_key", place=key[:100])
        found[key] = value
    return found


def _refuse_constant(text: str) -> float:
    raise MalformedRequest("not_finite", value=text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedRequest("not_finite", value=text[:20])
    return number


def _integer(text: str) -> int:
    if len(text) > 40:
        raise MalformedRequest("not_finite", value=text[:20])
    return int(text)


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise MalformedRequest("too_deep", limit=MAX_DEPTH)
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedRequest("nul_character", place=text.partition("\0")[0][:100])
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise MalformedRequest("lone_surrogate")
