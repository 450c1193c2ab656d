"""Which messages workers take, and in what order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.conf import settings
from kombu.message import Message

from apps.jobs.kinds import all_kinds
from bootstrap.installation import Installation
from bootstrap.portal import Portal
from bootstrap.python_env import PythonEnvironment
from bootstrap.redis import PrivateRedis
from tests.architecture.tree import ROOT
from tests.stack import QUEUES

SWEEP_FIRST = "sweep,sync"
BEAT: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE


@pytest.fixture
def consumed(tmp_path: Path) -> list[str]:
    """What the workers of an installation are told to take."""
    installation = Installation(ROOT, tmp_path / "var")
    programs = Portal(installation, PythonEnvironment(ROOT, tmp_path / "pip.log")).programs()
    return [program.argv[program.argv.index("-Q") + 1] for program in programs if "-Q" in program.argv]


def test_every_queue_that_is_written_to_has_a_worker(consumed: list[str]) -> None:
    written = {entry["options"]["queue"] for entry in BEAT.values()}
    written |= {kind.queue for kind in all_kinds().values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}
    assert written == set(",".join(consumed).split(","))
    assert SWEEP_FIRST in consumed
    assert QUEUES["sync"] == SWEEP_FIRST


@pytest.mark.servers
def test_a_sweep_is_taken_before_the_hosts_that_wait(tmp_path: Path) -> None:
    """Hosts that hang keep their worker for seconds each: a job whose worker died does not wait for them."""
    with PrivateRedis(PythonEnvironment(ROOT, tmp_path / "pip.log")) as server:
        app = Celery(broker=server.url)
        app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
        for number in range(3):
            app.send_task("workers.sync_host", [number], queue="sync")
        app.send_task("workers.sweep", queue="sweep")
        taken: list[str] = []

        def take(message: Message) -> None:
            taken.append(message.headers["task"])
            message.ack()

        app.amqp.queues.select(SWEEP_FIRST.split(","))
        with app.connection_for_read() as connection, connection.channel() as channel:
            consumer = app.amqp.TaskConsumer(channel)
            consumer.on_message = take
            consumer.qos(prefetch_count=1)
            with consumer:
                while len(taken) < 4:
                    connection.drain_events(timeout=5)
        assert taken == ["workers.sweep"] + ["workers.sync_host"] * 3
