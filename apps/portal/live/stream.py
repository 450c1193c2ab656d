"""`/live/`: a stream of server-sent events, served beside Django, which would keep a thread for each.

Each event's id is the server's time in milliseconds up to which everything was told. Whoever comes
again with it is told at once what changed since.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Any, TypeVar
from urllib.parse import parse_qs

from django.core.exceptions import DisallowedHost
from django.db import DatabaseError, connections

from apps.core.asgi import Application, Message, Receive, Send, refuse
from apps.core.errors import CloudError, InvalidInput
from apps.jobs.changes import changes_since
from apps.portal.live import access, topics
from apps.portal.live.hub import Full, Hub, Listener, News

T = TypeVar("T")

PATH = "/live/"
BEAT_SECONDS = 5.0
SEND_SECONDS = 20.0
FIRST_LOOK_SECONDS = 5.0
REMEMBERED_SECONDS = 120.0
"""After a longer absence a page is told that everything may have changed."""
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"private, no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class Live:
    """Answers PATH and passes everything else on."""

    def __init__(self, application: Application, hub: Hub | None = None) -> None:
        self.application = application
        self.hub = hub or Hub()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="live-access")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http" and scope["path"] == PATH:
            await self._answer(scope, receive, send)
        else:
            await self.application(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] == "lifespan.startup":
            with suppress(ValueError):  # a thread other than the main one hears of no signals
                self._hear_of_the_end()
            await send({"type": "lifespan.startup.complete"})
        self.hub.close()
        self._threads.shutdown(wait=False)
        await send({"type": "lifespan.shutdown.complete"})

    def _hear_of_the_end(self) -> None:
        """The server waits for open answers before it tells its application that it ends, so streams
        have to learn of it by themselves."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def handle(number: int, frame: FrameType | None, before: Any = before) -> None:
                loop.call_soon_threadsafe(self.hub.close)
                if callable(before):
                    before(number, frame)

            signal.signal(number, handle)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await refuse(scope, send, 405, "method_not_allowed", method=scope["method"])
            return
        try:
            listener, since = await self._in_thread(lambda: _listener(scope))
            self.hub.add(listener)
        except DisallowedHost:
            await refuse(scope, send, 400, "malformed_request")
        except CloudError as error:
            await refuse(scope, send, error.status, error.code, place=error.place, **error.params)
        except Full:
            await refuse(scope, send, 429, "throttled", seconds=30)
        except DatabaseError:
            await refuse(scope, send, 503, "database_unavailable")
        else:
            try:
                await self._stream(listener, since, scope, receive, send)
            finally:
                self.hub.remove(listener)

    async def _stream(
        self, listener: Listener, since: float, scope: Message, receive: Receive, send: Send
    ) -> None:
        try:
            await asyncio.wait_for(self.hub.watched(), FIRST_LOOK_SECONDS)
            listener.tell(await self._in_thread(lambda: _missed(listener, since)))
        except (DatabaseError, TimeoutError):
            await refuse(scope, send, 503, "database_unavailable")
            return
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        leaving = asyncio.create_task(_left(receive, listener))
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await send(self._event("hello", []))
            while not listener.ended:
                await self._tell(listener, send)
            async with asyncio.timeout(SEND_SECONDS):
                await send(self._event("end", listener.ended))
                await send({"type": "http.response.body", "body": b""})
        except (TimeoutError, OSError):
            pass  # the client does not read, or has gone
        finally:
            leaving.cancel()

    async def _tell(self, listener: Listener, send: Send) -> None:
        """Wait for news, or for the next beat, and send it. No beat while the database does not answer:
        what is on the page may be old then, and the page should say so."""
        with suppress(TimeoutError):
            await asyncio.wait_for(listener.news.wait(), BEAT_SECONDS)
        if listener.ended:
            return
        changed = listener.take()
        async with asyncio.timeout(SEND_SECONDS):
            if changed:
                await send(self._event("changed", changed))
            elif self.hub.is_current:
                await send(self._event("beat", []))
            else:
                await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})

    def _event(self, name: str, data: object) -> Message:
        text = f"id: {int(self.hub.looked_at * 1000)}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
        return {"type": "http.response.body", "body": text.encode(), "more_body": True}

    async def _in_thread(self, act: Callable[[], T]) -> T:
        def closing() -> T:
            try:
                return act()
            finally:
                connections.close_all()

        return await asyncio.get_running_loop().run_in_executor(self._threads, closing)


async def _left(receive: Receive, listener: Listener) -> None:
    """Ends the stream of a client that goes."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end("left")


def _listener(scope: Message) -> tuple[Listener, float]:
    """Who listens to what, and since when. CloudError for a request that cannot be served."""
    request = access.request_of(scope)
    try:
        given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=2 * topics.MAX_TOPICS)
    except ValueError:
        raise InvalidInput("out_of_range", place="topic", low=1, high=topics.MAX_TOPICS) from None
    found = access.reader_of(request)
    if found is None:
        raise NotLoggedIn
    reader, actor = found
    followed = topics.visible(actor, topics.parse(given.get("topic", [])))
    last = request.headers.get("Last-Event-ID") or (given.get("since") or ["0"])[0]
    if not (last.isascii() and last.isdigit() and len(last) < 15):
        raise InvalidInput("not_a_number", place="since")
    return Listener(reader, followed), int(last) / 1000


class NotLoggedIn(CloudError):
    """The request carries no valid session."""

    code = "not_authenticated"
    status = 401


def _missed(listener: Listener, since: float) -> set[str]:
    """The listener's topics that may have changed since then."""
    if time.time() - since > REMEMBERED_SECONDS:
        return set(listener.topics)
    jobs = {uuid for topic in listener.topics if topic.startswith("job:") and (uuid := topics.uuid_of(topic))}
    changes = changes_since(datetime.fromtimestamp(since, UTC), jobs)
    if changes is None:
        return set(listener.topics)
    return News(changes).of(listener)
