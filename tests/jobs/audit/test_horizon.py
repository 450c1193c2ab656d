"""A writer that holds a key and has not committed: on PostgreSQL another one's row can be there before it."""

from __future__ import annotations

from threading import Event as Flag
from threading import Thread

import pytest
from django.db import connection, connections, transaction

from apps.accounts.actor import Actor
from apps.jobs import events
from apps.jobs.audit import sealer
from apps.jobs.audit.checking import Problem, verify
from apps.jobs.models import Event
from tests.jobs.audit.test_sealing_race import sealed_keys

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
SYSTEM = Actor.system("a race")


@pytest.mark.parametrize("planted", [False, True])
def test_a_key_that_is_given_and_not_yet_committed_is_waited_for(
    planted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the horizon taken away (planted) the same run ends in a record that does not verify."""
    assert connection.vendor == "postgresql"
    if planted:
        monkeypatch.setattr(sealer, "_writers", set)
    written, go = Flag(), Flag()

    def slow() -> None:
        with transaction.atomic():
            events.record(SYSTEM, "slow", None)
            written.set()
            go.wait(30)
        connections.close_all()

    thread = Thread(target=slow)
    thread.start()
    assert written.wait(30)
    events.record(SYSTEM, "quick", None)
    early = [sealer.seal(at_once=True) for _round in range(3)]
    go.set()
    thread.join()
    slow_key, quick_key = Event.objects.order_by("pk").values_list("pk", flat=True)
    if planted:
        assert sum(early) == 1
        assert verify().problems == [Problem("event_inserted", 1, slow_key)]
        return
    assert early == [0, 0, 0]
    assert sealer.seal(at_once=True) == 2
    assert sealed_keys() == [slow_key, quick_key]
    assert verify().problems == []


def test_what_was_settled_before_the_next_writer_came_is_sealed_beside_it() -> None:
    """Some writer is always there: sealing goes on all the same."""
    assert connection.vendor == "postgresql"
    steps = [(Flag(), Flag()), (Flag(), Flag())]

    def writer(ready: Flag, leave: Flag) -> None:
        with transaction.atomic():
            events.record(SYSTEM, "x", None)
            ready.set()
            leave.wait(30)
        connections.close_all()

    threads = [Thread(target=writer, args=step) for step in steps]
    events.record(SYSTEM, "x", None)
    threads[0].start()
    assert steps[0][0].wait(30)
    assert sealer.seal(at_once=True) == 0
    threads[1].start()
    assert steps[1][0].wait(30)
    steps[0][1].set()
    threads[0].join()
    assert sealer.seal(at_once=True) == 1
    steps[1][1].set()
    threads[1].join()
    assert sealer.seal(at_once=True) == 2
    assert verify().problems == []
