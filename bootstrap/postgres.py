"""A PostgreSQL of our own for tests and measurements: a private cluster on a private port."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.installation import some_free_port
from bootstrap.terminal import tail

START_ATTEMPTS = 5
USER = "postgres"
"""PostgreSQL refuses to run as root; its Debian package brings this user."""

SETTINGS = """\
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = '256MB'
unix_socket_directories = ''
timezone = 'UTC'
log_timezone = 'UTC'
"""
THROWAWAY = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
"""For tests only: a crash of the machine may lose everything. Measurements run durable."""


class PrivatePostgres:
    """A cluster that lives as long as the block. Its folder lies where its user may enter it, which a
    checkout below someone's home is not. `durable` keeps what makes a commit survive a crash."""

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        self._password = secrets.token_urlsafe(18)
        self._folder = Path()
        self._bin = _programs()
        self.port = 0

    @property
    def url(self) -> str:
        """A DATABASE_URL whose user may create databases."""
        return f"postgres://cloudportal:{self._password}@127.0.0.1:{self.port}/cloudportal"

    def __enter__(self) -> PrivatePostgres:
        self._folder = Path(tempfile.mkdtemp(prefix="cloudportal-postgres-", dir="/var/tmp"))
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        try:
            self._create_cluster()
            self._start_on_a_free_port()
            self._create_database()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _create_cluster(self) -> None:
        password = self._folder / "password"
        password.write_text(self._password)
        password.chmod(0o644)
        options = ["--username=cloudportal", f"--pwfile={password}", "--auth=scram-sha-256"]
        options += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        self._run("initdb", *options)
        password.unlink()
        with (self._data / "postgresql.conf").open("a") as stream:
            stream.write(SETTINGS + ("" if self._durable else THROWAWAY))

    def _start_on_a_free_port(self) -> None:
        """A port that was free may be taken a moment later, by another run of the tests."""
        for attempt in range(START_ATTEMPTS):
            self.port = some_free_port(15432)
            try:
                self.start()
            except CheckFailed:
                if attempt == START_ATTEMPTS - 1:
                    raise
            else:
                return

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        """Start it; after `stop` it comes back with the same data on the same port."""
        self._run(
            "pg_ctl", f"--options=-p {self.port}", "--log", str(self._data / "server.log"), "--wait", "start"
        )

    def stop(self) -> None:
        """End it as a crash would; it recovers at the next start."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "--mode=immediate", "--wait", "stop")

    def _create_database(self) -> None:
        environment = {**os.environ, "PGPASSWORD": self._password}
        program = [str(self._bin / "createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "cloudportal"]
        done = subprocess.run(
            [*program, "cloudportal"], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CheckFailed("the test database is not made", repair="make test", details=done.stderr)

    def _run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs on our data, as a user that it accepts. Its output goes to a
        file: a server that was started keeps the pipe it was given."""
        become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        argv = [str(self._bin / program), "--pgdata", str(self._data), *arguments]
        output = self._folder / f"{program}.log"
        with output.open("wb") as stream:
            done = subprocess.run(
                become + argv if os.geteuid() == 0 else argv,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            details = tail(output) + tail(self._data / "server.log")
            raise CheckFailed(f"{program} failed", repair=f"df -h {self._folder.parent}", details=details)


def _programs() -> Path:
    """The folder of the newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        raise CheckFailed("PostgreSQL is not installed", repair="apt-get install --yes postgresql")
    return found[-1].parent
