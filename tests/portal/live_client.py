"""A page's stream, read from the application itself without a server in between."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connections
from django.test import Client

from apps.portal.live.hub import Hub
from apps.portal.live.stream import PATH, Live

T = TypeVar("T")
PATIENCE = 20.0


async def nothing_else(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError(f"{scope['path']} is not the stream's")


async def in_database(act: Callable[[], T]) -> T:
    """Run it in a thread of its own, as another process would."""

    def closing() -> T:
        try:
            return act()
        finally:
            connections.close_all()

    return await asyncio.to_thread(closing)


@dataclass(frozen=True)
class Heard:
    name: str
    data: Any
    id: str


@dataclass
class Stream:
    """What the server has sent of one answer."""

    status: int = 0
    body: bytes = b""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")
            self.ended = not message.get("more_body", False)
        self.news.set()

    @property
    def heard(self) -> list[Heard]:
        parts = [part for part in self.body.decode().split("\n\n") if part.startswith("id:")]
        fields = [dict(line.split(": ", 1) for line in part.split("\n")) for part in parts]
        return [Heard(one["event"], json.loads(one["data"]), one["id"]) for one in fields]

    def told(self) -> set[str]:
        """The topics that were told so far."""
        return {topic for one in self.heard if one.name == "changed" for topic in one.data}

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self.news.clear()
                await self.news.wait()

    async def hears(self, name: str) -> Heard:
        await self.until(lambda: any(one.name == name for one in self.heard))
        return next(one for one in self.heard if one.name == name)

    async def is_told(self, topic: str) -> None:
        await self.until(lambda: topic in self.told())


class Site:
    """A web process's streams."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.live = Live(nothing_else, self.hub)

    @contextlib.asynccontextmanager
    async def open(
        self,
        client: Client | None,
        *topics: str,
        since: str = "",
        host: str = "testserver",
        method: str = "GET",
    ) -> AsyncIterator[Stream]:
        """A stream on its first answer; the page leaves at the end of the block."""
        query = "&".join([*(f"topic={topic}" for topic in topics), *([f"since={since}"] if since else [])])
        headers = [(b"host", host.encode())]
        if client is not None:
            cookies = "; ".join(f"{name}={value.value}" for name, value in client.cookies.items())
            headers.append((b"cookie", cookies.encode()))
        scope = {
            "type": "http",
            "method": method,
            "path": PATH,
            "query_string": query.encode(),
            "headers": headers,
            "scheme": "http",
        }
        stream = Stream()
        task = asyncio.create_task(self.live(scope, stream.receive, stream.send))
        try:
            await stream.until(lambda: stream.body)
            yield stream
        finally:
            stream.left.set()
            async with asyncio.timeout(PATIENCE):
                await task
