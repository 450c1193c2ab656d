"""Writers and a sealer at once: nothing is sealed that something can still slip into, nothing is left out,
and a sealer that is killed anywhere is followed by the next."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.jobs import events
from apps.jobs.audit import chain, heads, sealer
from apps.jobs.audit.checking import verify
from apps.jobs.models import Event, Sealer, Segment
from tests.race import disconnect, race, shared_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases, pytest.mark.servers]
SYSTEM = Actor.system("a race")
WRITERS, EACH = 4, 40


def act(what: tuple[str, int]) -> int:
    """Write, now and then slowly, now and then in vain; or seal."""
    name, number = what
    if name == "seal":
        time.sleep(random.random() / 50)
        try:
            return sealer.seal(at_once=True)
        except sealer.NotOurs:
            return 0
    with transaction.atomic():
        events.record(SYSTEM, "x", None, number=number)
        if connection.vendor == "postgresql":
            time.sleep(random.random() / 30)
        transaction.set_rollback(number % 7 == 0)
    return 1


def sealed_keys() -> list[int]:
    return [key for segment in Segment.objects.order_by("number") for key, _link in chain.entries_of(segment)]


def test_what_is_written_while_it_is_sealed_is_sealed_once(tmp_path: Path) -> None:
    hands: list[Any] = [[("write", number) for number in range(EACH)] for _ in range(WRITERS)]
    hands += [[("seal", number) for number in range(EACH)] for _ in range(2)]
    with shared_database(tmp_path):
        race(act, hands)
        for _round in range(2):
            sealer.seal(at_once=True)
        assert verify().problems == []
        keys = sealed_keys()
        assert keys == list(Event.objects.order_by("pk").values_list("pk", flat=True))
        assert len(keys) == WRITERS * len([number for number in range(EACH) if number % 7])
        assert Segment.objects.count() > 1


def _kill(*_given: Any, **_named: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(module: Any, name: str) -> Callable[[], None]:
    return lambda: setattr(module, name, _kill)


def _between() -> None:
    """After the second of two calls: the segment is committed, its head is not written."""
    written, calls = heads.append_missing, iter(range(9))
    heads.append_missing = lambda: _kill() if next(calls) else written()


PLACES: dict[str, Callable[[], None]] = {
    "before_anything": _before(sealer, "_settled"),
    "before_the_segment": _before(chain, "segment_of"),
    "inside_the_transaction": _before(Segment, "save"),
    "before_the_head": _between,
    "in_the_middle_of_the_line": _before(heads, "_encoded"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_sealer_that_is_killed_is_followed_by_another(place: str, tmp_path: Path) -> None:
    with shared_database(tmp_path):
        for number in range(10):
            events.record(SYSTEM, "x", None, number=number)

        def die() -> None:
            connections.close_all()
            PLACES[place]()
            sealer.seal(at_once=True)

        disconnect()
        child = multiprocessing.get_context("fork").Process(target=die)
        child.start()
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
        with pytest.raises(sealer.NotOurs):
            sealer.seal(at_once=True)
        Sealer.objects.update(due=timezone.now() - timedelta(seconds=1))  # its lease ran out
        sealer.seal(at_once=True)
        assert sealed_keys() == list(Event.objects.order_by("pk").values_list("pk", flat=True))
        found = verify()
        assert (found.problems, found.unfiled, found.waiting) == ([], 0, 0)
