"""Open pages that follow jobs: how many one web process carries, and how soon each is told.

Runs against the database of Django's settings, with a web process of its own on loopback. The pages
are a process apart; so is the writer, which takes steps of jobs as workers do.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.jobs.events import record_of_job
from apps.jobs.models import Event, Job, JobState
from bench.samples import quantile
from bench.serving import web
from bench.stack import ROOT
from tests.factories import make_account, make_user

Measured = tuple[dict[str, float], dict[str, Any]]
PAGES = 600
PAGES_PER_USER = 20
JOBS = 60
STEPS = 10
STEP_SECONDS = 0.05
"""Between two steps of any of the jobs: twenty a second."""
OPEN_SECONDS = 120.0
HEAR_SECONDS = 10.0


@dataclass(slots=True)
class Page:
    """One open page: which job it follows and when it heard of it, in seconds of the wall clock."""

    job: UUID
    cookie: str
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[float] = field(default_factory=list)
    beats: int = 0

    async def follow(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = f"/live/?topic=job:{self.job}&since={int(time.time() * 1000) + 60_000}"
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\n\r\n"
        writer.write(request.encode())
        try:
            status = await reader.readline()
            if b" 200 " not in status:
                raise RuntimeError(f"a page's stream was refused: {status!r}")
            while line := await reader.readline():
                self._hear(line)
        finally:
            writer.close()

    def _hear(self, line: bytes) -> None:
        if line.startswith(b"event: hello"):
            self.is_open.set()
        elif line.startswith(b"event: beat"):
            self.beats += 1
        elif line.startswith(b"event: changed"):
            self.heard.append(time.time())


def run() -> Measured:
    """The figures and each delay, from a step's commit to the moment a page hears that its job changed."""
    jobs = _jobs()
    cookies = [_session(jobs) for _ in range(PAGES // PAGES_PER_USER)]
    with web() as port:
        return asyncio.run(_measure(port, jobs, cookies))


async def _measure(port: int, jobs: list[UUID], cookies: list[str]) -> Measured:
    pages = [Page(jobs[n % len(jobs)], cookies[n // PAGES_PER_USER]) for n in range(PAGES)]
    following = [asyncio.create_task(page.follow(port)) for page in pages]
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await asyncio.gather(*(page.is_open.wait() for page in pages))
        steps = await _take_steps(jobs)
        await asyncio.sleep(HEAR_SECONDS)
        broken = [task.exception() for task in following if task.done()]
        if broken:
            raise RuntimeError(f"{len(broken)} streams ended: {broken[0]}")
        delays = _delays(pages, steps)
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    figures = {
        "sse_pages": float(len(pages)),
        "sse_delay_p95_ms": 1000 * quantile(delays, 0.95),
        "sse_delay_p50_ms": 1000 * quantile(delays, 0.50),
    }
    return figures, {"delays_s": [round(delay, 4) for delay in delays]}


async def _take_steps(jobs: list[UUID]) -> dict[UUID, list[float]]:
    """When each step of each job was committed, as the writer says."""
    program = "import django; django.setup(); from bench import live; live.write()"
    command = [sys.executable, "-c", program, *map(str, jobs)]
    writer = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=os.environ, stdout=asyncio.subprocess.PIPE
    )
    printed, _errors = await writer.communicate()
    if writer.returncode:
        raise RuntimeError("the writer of steps failed")
    taken: dict[UUID, list[float]] = defaultdict(list)
    for job, moment in json.loads(printed):
        taken[UUID(job)].append(moment)
    return taken


def _delays(pages: list[Page], steps: dict[UUID, list[float]]) -> list[float]:
    """Of each step and page: until the page heard of the job the first time after that step."""
    delays = []
    for page in pages:
        for moment in steps[page.job]:
            later = [heard for heard in page.heard if heard >= moment]
            if not later:
                raise RuntimeError(f"a page was never told of a step of job {page.job}")
            delays.append(min(later) - moment)
    return delays


def take_steps(jobs: list[str]) -> list[tuple[str, float]]:
    """Steps of jobs in no order, the last of each its end with the event, as the engine commits them."""
    order = [job for job in jobs for _ in range(STEPS)]
    random.Random(7).shuffle(order)
    taken: list[tuple[str, float]] = []
    done: dict[str, int] = defaultdict(int)
    for uuid in order:
        begun = time.monotonic()
        done[uuid] += 1
        with transaction.atomic():
            _take_step(uuid, done[uuid])
        taken.append((uuid, time.time()))
        time.sleep(max(0.0, STEP_SECONDS - (time.monotonic() - begun)))
    return taken


def _take_step(uuid: str, number: int) -> None:
    changes: dict[str, Any] = {
        "trail": [f"Step{n}" for n in range(number)],
        "percent": 100 * number // STEPS,
        "due": timezone.now() + timedelta(seconds=30),
    }
    if number == STEPS:
        changes |= {"state": JobState.DONE, "finished_at": timezone.now(), "midstep": False}
        record_of_job(Job.objects.get(uuid=uuid), Event.Phase.DONE)
    Job.objects.filter(uuid=uuid).update(**changes)


def _jobs() -> list[UUID]:
    """Jobs in a worker's hands, each about an account of its own."""
    rows = []
    for _ in range(JOBS):
        account = make_account()
        rows.append(
            Job(
                kind="vm.deploy",
                account=account,
                actor_label="bench",
                target_type="account",
                target_uuid=account.uuid,
                midstep=True,
                trail=["Step0"],
                due=timezone.now() + timedelta(hours=1),
            )
        )
    return [job.uuid for job in Job.objects.bulk_create(rows)]


def _session(jobs: list[UUID]) -> str:
    """The cookie of somebody new who may see the jobs."""
    client = Client()
    client.force_login(make_user(*{job.account for job in Job.objects.filter(uuid__in=jobs) if job.account}))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def write() -> None:
    """The writer's whole life: the jobs are its arguments, when it took which step is what it prints."""
    print(json.dumps(take_steps(sys.argv[1:])))
