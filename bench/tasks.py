"""What the benchmark's own tasks do inside the product's workers."""

from __future__ import annotations

import time

from celery import shared_task
from django.conf import settings
from redis import Redis

ANSWERS = "bench:noop"


@shared_task(name="bench.noop")
def noop(number: int) -> None:
    """Tell when it started, in seconds of the machine's clock. The answer is not part of the figure."""
    started = time.time()
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.rpush(ANSWERS, f"{number} {started!r}")
