"""Answers that are written while they are sent, so that a long one takes no more memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify


def streamed(
    request: HttpRequest, texts: Iterator[str], content_type: str, *, title: str = "", suffix: str = ""
) -> StreamingHttpResponse:
    """With a `title`, as a file that is named by it and by the day."""
    content: Any = _in_threads(texts) if isinstance(request, ASGIRequest) else texts
    response = StreamingHttpResponse(content, content_type=f"{content_type}; charset=utf-8")
    if title:
        name = f"{slugify(title, allow_unicode=True) or 'list'}-{timezone.now():%Y-%m-%d}.{suffix}"
        disposition = content_disposition_header(as_attachment=True, filename=name)
        response.headers["Content-Disposition"] = disposition or "attachment"
    return response


async def _in_threads(texts: Iterator[str]) -> AsyncIterator[str]:
    """Under ASGI Django would collect a whole plain iterator before it sends anything."""

    def following() -> str | None:
        return next(texts, None)

    while (text := await sync_to_async(following)()) is not None:
        yield text
