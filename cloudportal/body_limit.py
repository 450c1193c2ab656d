"""No request's body is taken in before it is known to be of a size that its path may have.

The server hands bodies on as they come and would put any length of them on disk before a view, or
even the token, is looked at. Only the paths of template uploads take more than a small body, and only
from somebody who may register templates: what others send there is not read at all.
"""

from __future__ import annotations

import asyncio
from io import BytesIO

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, close_old_connections

from apps.accounts.authentication import sender_may
from apps.core.asgi import CLOSE, Application, Message, Receive, Send, refuse

SMALL_BYTES = 2 * 1024 * 1024
UPLOADS = frozenset({"/api/v1/templates/", "/templates/new/"})


class BodyLimit:
    """Answers 413 once a body is announced, or turns out, to be longer than its path may have."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        limit = SMALL_BYTES
        if scope["path"] in UPLOADS and scope["method"] == "POST":
            limit = settings.TEMPLATE_MAX_BYTES + SMALL_BYTES
            if not await sync_to_async(_is_welcome)(scope):
                await self.application(scope, _without_body(), _closing(send))
                return
        if _announced(scope) > limit:
            await refuse(scope, send, 413, "request_too_large", limit=limit)
            return
        watched = _Watched(receive, send, limit)
        await self.application(scope, watched.receive, watched.send)
        if watched.exceeded and not watched.answered:
            await refuse(scope, send, 413, "request_too_large", limit=limit)


class _Watched:
    """Passes messages on; past the limit the application is told that the client has gone."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive, self._send, self._left = receive, send, limit
        self.exceeded = self.answered = False

    async def receive(self) -> Message:
        if self.exceeded:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.exceeded = True
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        self.answered = True
        await self._send(message)


def _is_welcome(scope: Message) -> bool:
    """As far as it can be told now: if the database does not answer, the portal says so by itself."""
    close_old_connections()
    try:
        return sender_may(ASGIRequest(scope, BytesIO()), "template.register")
    except DatabaseError:
        return False
    finally:
        close_old_connections()


def _without_body() -> Receive:
    """A request that has no body, from a client that stays."""
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await asyncio.Future[Message]()

    return receive


def _closing(send: Send) -> Send:
    """The rest of the request is not read, so no other can follow it on the connection."""

    async def passed_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], CLOSE]}
        await send(message)

    return passed_on


def _announced(scope: Message) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 20:
            return int(value)
    return 0
