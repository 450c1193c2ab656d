"""A body that is too long is refused before it is taken in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.conf import settings

from cloudportal.body_limit import SMALL_BYTES, BodyLimit, Message


class Server:
    """What an ASGI server does, with a body in pieces; notes how many the application asked for."""

    def __init__(self, path: str, pieces: list[bytes], *, announced: int | None = None) -> None:
        headers = [] if announced is None else [(b"content-length", str(announced).encode())]
        self.scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        self.pieces, self.sent, self.taken = pieces, list[Message](), 0

    async def receive(self) -> Message:
        piece = self.pieces[self.taken]
        self.taken += 1
        return {"type": "http.request", "body": piece, "more_body": self.taken < len(self.pieces)}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def ask(self) -> tuple[int, bytes]:
        asyncio.run(BodyLimit(reader)(self.scope, self.receive, self.send))
        return self.sent[0]["status"], self.sent[1]["body"]


async def reader(scope: Message, receive: Any, send: Any) -> None:
    """An application that reads the body and says how long it was; silent if the client goes."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def test_a_small_body_passes_in_any_number_of_pieces() -> None:
    server = Server("/api/v1/regions/", [b"x" * 1000] * 2000)
    assert server.ask() == (200, b"2000000")


def test_an_announced_length_is_refused_before_a_byte_is_taken() -> None:
    server = Server("/api/v1/regions/", [b"x"], announced=SMALL_BYTES + 1)
    status, body = server.ask()
    assert (status, server.taken) == (413, 0)
    problem = json.loads(body)
    assert problem["code"] == "request_too_large"
    assert problem["params"] == {"limit": SMALL_BYTES}


def test_a_body_that_does_not_end_is_refused_at_the_limit() -> None:
    server = Server("/login/link/", [b"x" * 65536] * 100_000)
    assert server.ask()[0] == 413
    assert server.taken == SMALL_BYTES // 65536 + 1


@pytest.mark.parametrize(("path", "status"), [("/api/v1/templates/", 200), ("/api/v1/templates/x/", 413)])
def test_only_uploads_of_templates_may_be_long(path: str, status: int) -> None:
    server = Server(path, [b"x" * 65536] * 100, announced=6_553_600)
    assert server.ask()[0] == status


def test_an_upload_has_a_limit_too() -> None:
    server = Server("/api/v1/templates/", [b"x"], announced=settings.TEMPLATE_MAX_BYTES * 2)
    assert server.ask()[0] == 413
