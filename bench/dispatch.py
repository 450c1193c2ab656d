"""From the commit of a job to the start of its operation, beside a Celery task that does nothing."""

from __future__ import annotations

import time

from bench.samples import Result, Rounds, p99
from bench.site import Site
from bench.stack import rest
from bench.tasks import ANSWERS

ROUNDS = 400
WARM_UP = 40
SETTLE_SECONDS = 0.02
"""A job that is looked for at once would be measured with somebody looking for it."""


def dispatch(_site: Site, rounds: int = ROUNDS) -> Result:
    """The job connects a simulated host, which reads what is in a file."""
    host = _simulated_host()
    samples = Rounds()
    for number in range(-WARM_UP, rounds):
        ours, floor = _job(host), _noop(number)
        if number >= 0:
            samples.add(ours=ours, noop=floor)
    return Result(
        {"dispatch_p99_ratio": samples.ratio("ours", "noop", p99)},
        {"no-op Celery task, p99": p99(samples.column("noop"))},
        {"dispatch": samples.rows},
    )


def _simulated_host() -> object:
    from apps.accounts.actor import Actor
    from apps.zones import services
    from apps.zones.models import Pod

    actor = Actor.system("it is measured")
    cluster = services.create_cluster(
        actor, pod=Pod.objects.get(name="bench"), name="simulated", hypervisor="simulator"
    )
    host, _job = services.add_host(actor, cluster=cluster, name="simulated", driver="simulator")
    rest()
    return host


def _job(host: object) -> float:
    from django.db import transaction

    from apps.accounts.actor import Actor
    from apps.jobs.models import Job
    from apps.jobs.services import submit

    committed: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(time.time()))
        job = submit(Actor.system("it is measured"), "host.connect", host)
    time.sleep(SETTLE_SECONDS)
    rest(every=0.005)
    started_at = Job.objects.values_list("started_at", flat=True).get(pk=job.pk)
    assert started_at is not None
    return started_at.timestamp() - committed[0]


def _noop(number: int) -> float:
    from celery import current_app
    from django.conf import settings
    from redis import Redis

    sent = time.time()
    current_app.send_task("bench.noop", [number], queue="short", retry=False)
    time.sleep(SETTLE_SECONDS)
    with Redis.from_url(settings.REDIS_URL) as redis:
        while True:
            answer = redis.blpop([ANSWERS], timeout=10)
            if answer is None:
                raise TimeoutError("no worker ran the no-op task")
            which, started = answer[1].decode().split()
            if int(which) == number:
                return float(started) - sent
