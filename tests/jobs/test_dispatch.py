"""The broker only carries messages: without it requests go on, and nothing is lost."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from celery import Celery
from kombu import Connection

from apps.accounts.models import Account
from apps.jobs import dispatch
from apps.jobs.models import Job, JobState
from tests.workers.fixtures import Sent
from tests.workers.toys import Journal, operation, run, submit

real_send = dispatch.send
"""What the fixture `sent` stands in for."""


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Point the process at a broker's address; its breaker is closed and its pool empty before and
    after."""

    def forget() -> None:
        dispatch._producers.cache_clear()
        monkeypatch.setattr(dispatch, "_broker_down_until", 0.0)

    def use(url: str) -> None:
        forget()

        def connection_for_write(_app: Celery, *_args: Any, **_options: Any) -> Connection:
            return Connection(url)

        monkeypatch.setattr(Celery, "connection_for_write", connection_for_write)
        monkeypatch.setattr(dispatch, "send", real_send)

    yield use
    forget()


@contextmanager
def refusing() -> Iterator[str]:
    """Nobody listens there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{unused.getsockname()[1]}/0"


@contextmanager
def mute() -> Iterator[str]:
    """It accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@contextmanager
def silent() -> Iterator[str]:
    """As a host that is cut off: not even a connection is answered, since the backlog is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.mark.parametrize("broken", [refusing, mute, silent])
def test_a_dead_broker_is_given_up_within_the_time_allowed(
    broken: Callable[[], Any], broker: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every wait that a call may do is bounded by ANSWER_SECONDS, and it does one at most."""
    waits: list[float] = []
    real_settimeout = socket.socket.settimeout

    def settimeout(self: socket.socket, seconds: float | None) -> None:
        waits.append(seconds if seconds is not None else float("inf"))
        real_settimeout(self, seconds)

    monkeypatch.setattr(socket.socket, "settimeout", settimeout)
    monkeypatch.setattr(dispatch, "ANSWER_SECONDS", 0.05)
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    with broken() as url:
        broker(url)
        assert dispatch.send("workers.run_job", [1], queue="short") is False
    assert waits
    assert max(waits) <= 0.05
    assert naps == []


def test_after_one_failure_no_call_tries_for_a_while(
    broker: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    monkeypatch.setattr(Celery, "send_task", lambda *_args, **_options: tried.append("x"))
    with refusing() as url:
        broker(url)
        monkeypatch.setattr(dispatch, "_broker_down_until", time.monotonic() + 1000)
        assert [dispatch.send("workers.run_job", [1], queue="short") for _ in range(100)] == [False] * 100
    assert tried == []
    assert 1.0 <= dispatch.PAUSE_SECONDS <= 5.0


def test_after_the_pause_the_broker_is_tried_again(broker: Callable[[str], None]) -> None:
    with refusing() as url:
        broker(url)
        assert not dispatch.send("workers.run_job", [1], queue="short")
    broker("memory://")
    assert dispatch.send("workers.run_job", [1], queue="short")


def test_a_forked_child_sends_too(broker: Callable[[str], None]) -> None:
    broker("memory://")
    assert dispatch.send("workers.run_job", [1], queue="short")
    forks = multiprocessing.get_context("fork")
    said = forks.SimpleQueue()

    def send() -> None:
        try:
            said.put(dispatch.send("workers.run_job", [2], queue="short"))
        except RuntimeError as error:
            said.put(str(error))

    child = forks.Process(target=send)
    child.start()
    assert said.get() is True
    child.join()


def test_a_request_is_recorded_while_the_broker_is_down(
    journal: Journal, account: Account, broker: Callable[[str], None]
) -> None:
    operation("toy.go", journal.step("A"))
    with refusing() as url:
        broker(url)
        job = submit("toy.go", account, lock_keys=["a"])
    job.refresh_from_db()
    assert (job.state, job.woken_at, job.locks.count()) == (JobState.PENDING, None, 1)
    assert run(job).state == JobState.DONE


def test_a_job_that_was_sent_for_says_when(journal: Journal, account: Account, sent: Sent) -> None:
    operation("toy.go", journal.step("A"))
    job = submit("toy.go", account)
    assert sent == [("workers.run_job", [job.pk], None)]
    assert Job.objects.get(pk=job.pk).woken_at is not None


def test_nothing_is_sent_while_messages_are_held(broker: Callable[[str], None]) -> None:
    broker("memory://")
    with dispatch.held():
        assert not dispatch.send("workers.run_job", [1], queue="short")
    assert dispatch.send("workers.run_job", [1], queue="short")
