"""The portal as a site would run it: its own processes with production settings, on one database."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import django

from bootstrap.context import Context
from bootstrap.installation import Installation
from bootstrap.services import await_answer
from bootstrap.supervision import Program

ROOT = Path(__file__).resolve().parent.parent
TASKS = "bench.tasks"
PATIENCE_SECONDS = 180.0
Row = dict[str, Any]


class BenchInstallation(Installation):
    """Keeps its disks in its own folder, so that all of it goes with that folder."""

    @property
    def storage(self) -> Path:
        return self.var / "storage"


class Stack:
    """Web, broker, workers and beat under the supervisor. A process can `join` one in its life."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.installation = BenchInstallation(ROOT, folder)
        self.installation.create()
        self.installation.remember_environment({"DATABASE_URL": database_url} if database_url else {})
        self.installation.choose_ports()
        self.context = Context.of(self.installation)

    def prepare(self) -> None:
        """Database, secrets and first rows."""
        portal = self.context.portal
        portal.manage("init_secrets", what="creating keys")
        portal.manage("migrate", "--no-input", what="creating tables")
        portal.manage("init_cloud", what="creating the first rows")

    def join(self) -> None:
        """Share the stack's settings and its database from now on."""
        os.environ.update(self.installation.environment())
        os.environ["DJANGO_SETTINGS_MODULE"] = "cloudportal.settings"
        django.setup()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        portal, supervisor = self.context.portal, self.context.supervisor
        portal.write_redis_configuration()
        supervisor.start([_with_our_tasks(program) for program in portal.programs()])
        try:
            supervisor.await_running()
            await_answer(self.installation, path="/api/v1/schema/")
            what = "issuing a token"
            self.context.token = portal.ask("issue_token", "--user", "admin", "--name", "bench", what=what)
            yield
        finally:
            supervisor.stop()


def _with_our_tasks(program: Program) -> Program:
    """The workers also know the no-op task that the dispatch of jobs is compared with."""
    if not program.name.startswith("worker-"):
        return program
    return replace(program, argv=[*program.argv, "--include", TASKS])


class Client:
    """The portal's API as any small program uses it: a connection for each request."""

    def __init__(self, stack: Stack) -> None:
        self._port = stack.installation.memory.port
        self._headers = {
            "Authorization": f"Token {stack.context.token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    def post(self, path: str, body: Row) -> Row:
        """The answer to a POST; RuntimeError if it was refused."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", f"/api/v1/{path}", json.dumps(body), self._headers)
            answer = connection.getresponse()
            text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"POST {path}: {answer.status} {text.decode(errors='replace')[:500]}")
        row: Row = json.loads(text)
        return row


def wait_until(holds: Callable[[], bool], what: str, *, every: float = 0.02) -> None:
    """Look until it holds; TimeoutError after PATIENCE_SECONDS."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > limit:
            raise TimeoutError(f"gave up waiting: {what}")
        time.sleep(every)


def rest(*, every: float = 0.02) -> None:
    """Wait until no job is live; RuntimeError if one of them got stuck."""
    from apps.jobs.models import Job, JobState

    wait_until(lambda: not Job.objects.filter(state__in=Job.ACTIVE).exists(), "jobs are live", every=every)
    stuck = Job.objects.filter(state=JobState.STUCK).first()
    if stuck is not None:
        raise RuntimeError(f"{stuck} is stuck: {stuck.error}")


def succeeded(kind: str, uuids: Sequence[UUID]) -> None:
    """RuntimeError unless the last job of this kind about each of these targets is done."""
    from apps.jobs.models import Job, JobState

    for uuid in uuids:
        job = Job.objects.filter(kind=kind, target_uuid=uuid).order_by("-id").first()
        if job is None or job.state != JobState.DONE:
            raise RuntimeError(f"{kind} of {uuid}: {job and job.state} {job and job.error}")
