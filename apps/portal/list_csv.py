"""A list as CSV: written row by row while it is sent, so that a long one takes no more memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.renderers import JSONRenderer

from apps.core.streams import streamed

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What makes spreadsheet programs take a cell for a formula, as its first character."""
_MARK = "\ufeff"  # tells spreadsheet programs that the file is UTF-8


def safe(value: object) -> str:
    """A cell's text that no spreadsheet program runs as a formula; see OWASP, "CSV injection"."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def csv_of(
    request: HttpRequest, title: str, columns: Sequence[Any], chunks: Iterable[list[Any]]
) -> StreamingHttpResponse:
    """`columns` have a `label` and a `text` of a row."""
    return streamed(request, _texts(columns, chunks), "text/csv", title=title, suffix="csv")


def lines_of(
    request: HttpRequest, title: str, shown: Callable[[list[Any]], Iterable[Any]], chunks: Iterable[list[Any]]
) -> StreamingHttpResponse:
    """The rows as `shown` makes objects of them, one JSON object a line."""
    render = JSONRenderer().render
    texts = ("".join(f"{render(each).decode()}\n" for each in shown(rows)) for rows in chunks)
    return streamed(request, texts, "application/x-ndjson", title=title, suffix="jsonl")


def _texts(columns: Sequence[Any], chunks: Iterable[list[Any]]) -> Iterator[str]:
    stream = io.StringIO()
    write = csv.writer(stream).writerow
    stream.write(_MARK)
    write([safe(column.label) for column in columns])
    for rows in chunks:
        for row in rows:
            write([safe(column.text(row)) for column in columns])
        yield stream.getvalue()
        stream.seek(0)
        stream.truncate()
    yield stream.getvalue()
