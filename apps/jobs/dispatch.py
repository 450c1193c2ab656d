"""Waking workers. A message carries a job's key and may be lost, late or doubled without harm."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import KombuError
from kombu.pools import ProducerPool, connections, producers
from redis.exceptions import RedisError

from apps.jobs.locks import next_waiters
from apps.jobs.models import Job

log = logging.getLogger(__name__)
PAUSE_SECONDS = 2.0
ANSWER_SECONDS = 1.0
_broker_down_until = 0.0


def send(
    task: str, args: list[object], *, queue: str, countdown: float | None = None, expires: float | None = None
) -> bool:
    """Send a task by name; False if the broker does not answer, after which no other call tries
    for PAUSE_SECONDS: requests go on at full speed and the sweep brings up what was missed."""
    global _broker_down_until  # noqa: PLW0603 - one breaker a process
    if time.monotonic() < _broker_down_until:
        return False
    try:
        with _producers().acquire(block=True, timeout=ANSWER_SECONDS) as producer:
            current_app.send_task(
                task,
                args,
                producer=producer,
                queue=queue,
                countdown=countdown,
                expires=expires,
                retry=False,
            )
    except (KombuError, RedisError, OSError) as error:
        _broker_down_until = time.monotonic() + PAUSE_SECONDS
        log.warning("broker unreachable, job messages wait for the sweep: %s", type(error).__name__)
        return False
    return True


@cache
def _producers() -> ProducerPool:
    """Connections that give up at once. The broker library would try for seconds, and a worker's own
    connection is to do just that."""
    connection = current_app.connection_for_write()
    connection.transport_options = {
        **(connection.transport_options or {}),
        "max_retries": 0,
        "socket_connect_timeout": ANSWER_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
    }
    pool: ProducerPool = producers[connection]
    return pool


def _forget_pools() -> None:
    """A forked child begins with pools of its own: kombu closes those that it was born with."""
    _producers.cache_clear()
    producers.clear()
    connections.clear()


os.register_at_fork(after_in_child=_forget_pools)


@contextmanager
def held() -> Iterator[None]:
    """Nothing is sent inside: the caller runs its jobs itself, or leaves them to the sweep."""
    global _broker_down_until  # noqa: PLW0603 - one breaker a process
    before, _broker_down_until = _broker_down_until, math.inf
    try:
        yield
    finally:
        _broker_down_until = before


def wake(job: Job, *, countdown: float | None = None) -> None:
    """Have a worker look at the job once the present transaction has committed."""
    transaction.on_commit(lambda: _wake_now(job.pk, job.queue, countdown))


def wake_new(job: Job) -> None:
    """As `wake`, of a job whose `woken_at` was set when its row was made: a message that goes out, as
    nearly all do, then takes no UPDATE that would meet the worker's claim."""
    transaction.on_commit(lambda: _wake_new_now(job.pk, job.queue))


def _wake_now(pk: int, queue: str, countdown: float | None) -> None:
    if send("workers.run_job", [pk], queue=queue, countdown=countdown):
        Job.objects.filter(pk=pk, lease=None, finished_at=None).update(woken_at=timezone.now())


def _wake_new_now(pk: int, queue: str) -> None:
    if not send("workers.run_job", [pk], queue=queue):
        Job.objects.filter(pk=pk, lease=None, finished_at=None).update(woken_at=None)


def wake_waiters(keys: Iterable[str]) -> None:
    """Make the jobs that wait for these keys due, and wake them."""
    awaited = Job.objects.filter(waiting_for__in=keys, finished_at=None).order_by()
    for key in awaited.values_list("waiting_for", flat=True).distinct():
        for job in next_waiters(key):
            if Job.objects.filter(pk=job.pk, waiting_for=key, finished_at=None).update(
                due=timezone.now(), waiting_for="", woken_at=None
            ):
                wake(job)
