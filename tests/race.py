"""Many processes that reach for the same rows at once, on any database."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, connections

PATIENCE_SECONDS = 240.0


@contextmanager
def shared_database(folder: Path) -> Iterator[None]:
    """The default database as one that other processes can open: a database in memory is copied into
    a file in `folder`, which stands for it until the end."""
    memory = connections["default"]
    if memory.vendor != "sqlite" or not memory.is_in_memory_db():  # type: ignore[attr-defined]
        yield
        return
    path = folder / "shared.sqlite3"
    memory.ensure_connection()
    copy = sqlite3.connect(path)
    memory.connection.backup(copy)
    copy.close()
    connections["default"] = type(memory)({**memory.settings_dict, "NAME": str(path)}, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = memory


def race(act: Callable[[Any], Any], hands: Sequence[Sequence[Any]]) -> list[Any]:
    """What `act` returns for every item of every hand, each hand in a process of its own; all start
    together. RuntimeError with its words if one of them fails."""
    forks = multiprocessing.get_context("fork")
    start, results = forks.Barrier(len(hands)), forks.SimpleQueue()

    def play(items: Sequence[Any]) -> None:
        connections.close_all()
        try:
            connection.ensure_connection()
            start.wait(PATIENCE_SECONDS)
            results.put(("played", [act(item) for item in items]))
        except BaseException as error:
            start.abort()
            results.put(("failed", f"{type(error).__name__}: {error}"))
        finally:
            connections.close_all()

    disconnect()
    players = [forks.Process(target=play, args=(items,)) for items in hands]
    for player in players:
        player.start()
    answers = [results.get() for _ in players]
    for player in players:
        player.join()
    if failed := [what for how, what in answers if how == "failed"]:
        raise RuntimeError(failed[0])
    return [result for _how, played in answers for result in played]


def disconnect() -> None:
    """No connection and no pool of them may be shared with a child."""
    connections.close_all()
    close_pool = getattr(connection, "close_pool", None)
    if close_pool is not None:
        close_pool()
