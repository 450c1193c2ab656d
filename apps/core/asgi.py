"""Refusals by what stands in front of Django: the same problem+json as everywhere."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from apps.core.errors import documentation
from apps.core.messages import explain

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

CLOSE = (b"connection", b"close")


async def refuse(
    scope: Message, send: Send, status: int, code: str, *, place: str = "", **params: Any
) -> None:
    """Answer with the error of this code and end the connection."""
    words = explain(code, params)
    problem = {
        "type": documentation(code),
        "title": words.title,
        "status": status,
        "detail": words.detail,
        "remedy": words.remedy,
        "instance": scope["path"],
        "code": code,
        "place": place,
        "request_id": "",
        "params": params,
    }
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"private, no-store"),
        CLOSE,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
