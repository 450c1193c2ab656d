"""One watcher a web process: it looks what changed while somebody listens, and tells each of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

from apps.jobs.changes import Change, Feed
from apps.portal.live import access, topics

log = logging.getLogger(__name__)
T = TypeVar("T")
LOOK_SECONDS = 0.4
RECHECK_SECONDS = 5.0
STALE_SECONDS = 5.0
MAX_STREAMS = 2000
MAX_STREAMS_PER_USER = 40


class Full(Exception):
    """There are as many streams as may be, of this reader's or in all."""


class News:
    """Changes as topics. Of an object hears whoever may follow it; of a list's change only who may see
    what belongs to that account."""

    def __init__(self, changes: set[Change]) -> None:
        self._objects: set[str] = set()
        self._lists: dict[str, set[int | None]] = defaultdict(set)
        for change in changes:
            self._objects |= topics.objects_of(change)
            for topic in topics.lists_of(change):
                self._lists[topic].add(change.account)

    def of(self, listener: Listener) -> set[str]:
        reader = listener.reader
        lists = {
            topic
            for topic in listener.topics & self._lists.keys()
            if reader.is_wide or not self._lists[topic].isdisjoint(reader.accounts)
        }
        return lists | (listener.topics & self._objects)


class Listener:
    """One open stream. What it has not been told yet is a set of its own topics, so a client that is
    slow costs no more than one that is quick."""

    def __init__(self, reader: access.Reader, followed: frozenset[str]) -> None:
        self.reader, self.topics = reader, followed
        self.pending: set[str] = set()
        self.ended = ""
        self.news = asyncio.Event()

    def tell(self, changed: set[str]) -> None:
        if changed:
            self.pending |= changed
            self.news.set()

    def take(self) -> list[str]:
        """What is to be told now."""
        told, self.pending = sorted(self.pending), set()
        self.news.clear()
        return told

    def end(self, why: str) -> None:
        """ "login": there is no session any more; "again": come again."""
        self.ended = self.ended or why
        self.news.set()


class Hub:
    """The listeners of this process. All but `_watch`'s looks runs on the event loop."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.closing = False
        self.looked_at = 0.0
        self._first_look = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def is_current(self) -> bool:
        """Whether the database answered a moment ago."""
        return time.time() - self.looked_at < STALE_SECONDS

    def add(self, listener: Listener) -> None:
        """Begin to tell the listener of changes; Full if there are too many."""
        of_user = sum(other.reader.user == listener.reader.user for other in self.listeners)
        if of_user >= MAX_STREAMS_PER_USER or len(self.listeners) >= MAX_STREAMS or self.closing:
            raise Full
        self.listeners.add(listener)
        if self._watcher is None or self._watcher.done():
            self._first_look.clear()
            self._watcher = asyncio.create_task(self._watch())

    def remove(self, listener: Listener) -> None:
        self.listeners.discard(listener)

    async def watched(self) -> None:
        """Returns once whatever changes from now on will be told."""
        await self._first_look.wait()

    def close(self) -> None:
        """The process ends: everyone is asked to come again, to whoever answers then."""
        self.closing = True
        for listener in self.listeners:
            listener.end("again")

    async def _watch(self) -> None:
        """Looks until nobody listens. It holds one thread and one connection for all of them."""
        feed, checked = Feed(), time.monotonic()
        thread = ThreadPoolExecutor(1, thread_name_prefix="live")
        try:
            while self.listeners and not self.closing:
                begun, at = time.monotonic(), time.time()
                changes = await self._ask(thread, feed.look)
                if changes is not None:
                    self.looked_at = at
                    self._first_look.set()
                    self.deliver(changes)
                if begun - checked >= RECHECK_SECONDS:
                    checked = begun
                    await self._recheck(thread)
                await asyncio.sleep(max(0.0, LOOK_SECONDS - (time.monotonic() - begun)))
        finally:
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)

    async def _ask(self, thread: ThreadPoolExecutor, act: Callable[[], T]) -> T | None:
        """What `act` returns; None if it failed, after which a new connection is tried."""

        def safely() -> T | None:
            try:
                return act()
            except Exception:
                if self.is_current:
                    log.exception("open pages are told of nothing new for now")
                connections.close_all()
                return None

        return await asyncio.get_running_loop().run_in_executor(thread, safely)

    def deliver(self, changes: set[Change]) -> None:
        """Tell everyone what they follow of these changes."""
        if changes:
            news = News(changes)
            for listener in self.listeners:
                listener.tell(news.of(listener))

    async def _recheck(self, thread: ThreadPoolExecutor) -> None:
        readers = {listener.reader for listener in self.listeners}
        found = await self._ask(thread, lambda: access.gone_and_changed(readers))
        gone, changed = found or (set(), set())
        for listener in self.listeners:
            if listener.reader in gone:
                listener.end("login")
            elif listener.reader in changed:
                listener.end("again")
