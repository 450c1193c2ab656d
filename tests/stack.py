"""A whole portal of separate processes for tests and measurements: Redis, web, workers, beat.

The same programs and settings as in production, with a folder, ports and a database of its own.
Workers are members of `Stack.workers`, so that a test may kill one; `revive` starts it again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from bootstrap.installation import some_free_port
from bootstrap.python_env import PythonEnvironment
from bootstrap.redis import PrivateRedis

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0


class ApiError(Exception):
    """The API refused. `body` is its problem document."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Stack:
    """Use it as a context. `postgres_url` names a server on which a database of its own is made;
    without it the stack runs on SQLite. `environment` is added to what its processes see."""

    def __init__(
        self,
        folder: Path,
        *,
        postgres_url: str = "",
        short_workers: int = 4,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.var = folder / "var"
        self._postgres_url = postgres_url
        self._database = f"stack_{uuid4().hex[:10]}"
        self._concurrency = {"short": short_workers, "long": 1, "sync": 1}
        self._extra = environment or {}
        self.redis = PrivateRedis(PythonEnvironment(ROOT, folder / "pip.log"))
        self.port = some_free_port(18100)
        self.url = f"http://127.0.0.1:{self.port}"
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.token = ""

    @property
    def environment(self) -> dict[str, str]:
        database = f"sqlite:///{self.var / 'db.sqlite3'}"
        if self._postgres_url:
            database = self._postgres_url.rpartition("/")[0] + f"/{self._database}"
        own = {
            "CLOUDPORTAL_VAR": str(self.var),
            "DATABASE_URL": database,
            "REDIS_URL": self.redis.url,
            "DJANGO_SETTINGS_MODULE": "cloudportal.settings",
        }
        return {**os.environ, **own, **self._extra}

    def __enter__(self) -> Stack:
        (self.var / "run").mkdir(parents=True)
        self.redis.__enter__()
        try:
            self._create_database()
            for command in (["init_secrets"], ["migrate", "-v0"], ["init_cloud"]):
                self.manage(*command)
            self.token = self.manage("issue_token", "--user", "admin", "--name", "stack").split()[-1]
            for name in ("web", "short", "long", "sync", "beat"):
                self.revive(name)
            self.wait(self._answers, "the web server answers")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self.workers)):
            self.end(name, signal.SIGTERM)
        self.redis.__exit__()
        if self._postgres_url:
            self._server(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')

    def _create_database(self) -> None:
        if self._postgres_url:
            self._server(f'CREATE DATABASE "{self._database}"')

    def _server(self, statement: str) -> None:
        with psycopg.connect(self._postgres_url, autocommit=True) as connection:
            connection.execute(statement)

    def manage(self, *arguments: str) -> str:
        """Run a management command; what it printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout

    def python(self, code: str) -> str:
        """Run a piece of Python with Django set up; what it printed."""
        setup = "import django; django.setup()\n"
        command = [sys.executable, "-c", setup + code]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def revive(self, name: str) -> None:
        """Start "web", "short", "long", "sync" or "beat"."""
        celery = [sys.executable, "-m", "celery", "-A", "cloudportal.celery:app"]
        if name == "web":
            command = [sys.executable, "-m", "uvicorn", "cloudportal.asgi:application", "--no-access-log"]
            command += ["--port", str(self.port)]
        elif name == "beat":
            command = [*celery, "beat", "--loglevel=WARNING", "--pidfile="]
        else:
            command = [*celery, "worker", "--loglevel=WARNING", "--without-gossip", "--without-mingle"]
            command += ["-Q", name, "-n", f"{name}@{self.port}", "-c", str(self._concurrency[name])]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.workers[name] = subprocess.Popen(
                command,
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a program with all its processes: by SIGKILL as a crash would."""
        process = self.workers.pop(name)
        try:
            if how == signal.SIGKILL:
                os.killpg(process.pid, how)
            else:
                process.send_signal(how)
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        except ProcessLookupError:
            process.wait()

    def _answers(self) -> bool:
        try:
            self.get("me/")
        except (OSError, ApiError):
            return False
        return True

    def wait(self, condition: Callable[[], Any], what: str, *, seconds: float = READY_SECONDS) -> Any:
        """Poll until `condition` gives something true, and return that."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if found := condition():
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited {seconds:g} s: {what}\n{self.logs()}")

    def logs(self) -> str:
        """The end of each program's log."""
        parts = [f"--- {path.name}\n{path.read_text()[-2000:]}" for path in sorted(self.folder.glob("*.log"))]
        return "\n".join(parts)

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.request("POST", path, {} if body is None else body, **headers)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request to /api/v1/; the JSON of the answer, or ApiError."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Token {self.token}", "Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, json.loads(error.read() or b"null")) from None
        return json.loads(text) if text else None

    def job(self, answer: Any, *, seconds: float = READY_SECONDS) -> Any:
        """Wait until the job of an answer has ended or is stuck."""
        uuid = (answer.get("job") or answer)["id"]

        def ended() -> Any:
            found = self.get(f"jobs/{uuid}/")
            return found if found["state"] in {"done", "failed", "cancelled", "stuck"} else None

        return self.wait(ended, f"job {uuid} ends", seconds=seconds)
