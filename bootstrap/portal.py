"""The portal as the installer sees it: its processes, its management commands, its code's fingerprint."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from bootstrap import redis, slapd
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation, write_private
from bootstrap.python_env import PythonEnvironment
from bootstrap.supervision import Program
from bootstrap.terminal import capture, run, succeeds

CODE = ("apps", "cloudportal", "workers", "templates", "static", "locale", "requirements", "manage.py")
SHORT_WORKERS = 4
WEB_PROCESSES = 2
PRIVATE = 0o077
"""The umask of whatever may make the database or write beside it."""
DAEMONS = {"virtlogd": "/usr/sbin/virtlogd", "libvirtd": "/usr/sbin/libvirtd"}


class Portal:
    def __init__(self, installation: Installation, python: PythonEnvironment) -> None:
        self.installation = installation
        self.python = python
        self._log = installation.log / "install.log"

    def manage(self, *arguments: str, what: str) -> None:
        """Run a management command, its output in the log."""
        run(
            [self.python.python, "manage.py", *arguments],
            what=what,
            repair=f"{self.command_line(*arguments)}",
            log=self._log,
            env=self.installation.environment(),
            cwd=self.installation.root,
            umask=PRIVATE,
        )

    def run_module(self, module: str, *, what: str) -> None:
        """Run one of the portal's own modules, its output in the log."""
        run(
            [self.python.python, "-m", module],
            what=what,
            repair=f"CLOUDPORTAL_VAR={self.installation.var} .venv/bin/python -m {module}",
            log=self._log,
            env=self.installation.environment(),
            cwd=self.installation.root,
            umask=PRIVATE,
        )

    def ask(self, *arguments: str, what: str) -> str:
        """A management command's stdout, logged nowhere."""
        return capture(
            [self.python.python, "manage.py", *arguments],
            what=what,
            repair=self.command_line(*arguments),
            env=self.installation.environment(),
            cwd=self.installation.root,
        ).strip()

    def agrees(self, *arguments: str) -> bool:
        """Whether a management command exits with 0."""
        return succeeds(
            [self.python.python, "manage.py", *arguments],
            env=self.installation.environment(),
            cwd=self.installation.root,
        )

    def command_line(self, *arguments: str) -> str:
        """The command as someone would type it."""
        return f"CLOUDPORTAL_VAR={self.installation.var} .venv/bin/python manage.py {' '.join(arguments)}"

    def fingerprint(self) -> str:
        """Changes whenever a file that the portal's processes have read changes."""
        environment = repr(sorted(self.installation.environment().items()))
        return hashlib.sha256((environment + self.fingerprint_of(CODE)).encode()).hexdigest()

    def fingerprint_of(self, names: Sequence[str]) -> str:
        """Changes whenever one of these files, or a file in one of these folders, changes."""
        digest = hashlib.sha256()
        for name in names:
            top = self.installation.root / name
            files = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())
            for path in files:
                if path.suffix == ".pyc":
                    continue
                state = path.stat()
                digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def write_redis_configuration(self) -> Path:
        installation = self.installation
        path = installation.run / "redis.conf"
        text = redis.configuration(
            port=installation.memory.redis_port,
            password=installation.redis_password(),
            folder=installation.run,
        )
        write_private(path, text)
        return path

    def programs(self) -> list[Program]:
        """Everything the supervisor keeps alive, in the order of starting."""
        installation = self.installation
        celery = [str(self.python.program("celery")), "-A", "cloudportal.celery:app"]
        worker = [*celery, "worker", "--loglevel=WARNING", "--without-gossip", "--without-mingle"]
        many = str(max(SHORT_WORKERS, os.cpu_count() or 1))
        found = [
            Program(name, [path], 10 + place, umask="022")
            for place, (name, path) in enumerate(DAEMONS.items())
            if name in installation.memory.own_daemons
        ]
        if installation.own_redis:
            found.append(
                Program("redis", [str(redis.server(self.python)), str(installation.run / "redis.conf")], 20)
            )
        if installation.memory.campus_ports:
            argv = slapd.command(installation.campus, installation.campus_uris)
            found.append(Program("campus", argv, 20))
        web = [str(self.python.program("uvicorn")), "cloudportal.asgi:application", "--no-access-log"]
        address = f"{installation.bind}:{installation.memory.port}"
        found += [
            Program("web", [*web, "--fd", "0"], 30, socket=address, processes=WEB_PROCESSES),
            Program(
                "worker-short",
                [*worker, "-Q", "short", "-n", "short@portal", "-c", many],
                40,
                20,
                group="workers",
            ),
            Program(
                "worker-long",
                [*worker, "-Q", "long", "-n", "long@portal", "-c", "2"],
                40,
                20,
                group="workers",
            ),
            Program(
                "worker-sync",
                [*worker, "-Q", "sync", "-n", "sync@portal", "-c", "2"],
                40,
                20,
                group="workers",
            ),
            Program("beat", [*celery, "beat", "--loglevel=WARNING", "--pidfile="], 40, group="workers"),
        ]
        return found

    def is_installed(self) -> bool:
        return not self.python.missing(["base", "redis"])

    def require_executable(self) -> None:
        for path in (
            redis.server(self.python),
            self.python.program("uvicorn"),
            self.python.program("celery"),
        ):
            if not os.access(path, os.X_OK):
                raise CheckFailed(
                    f"{path} is missing", repair="rm .venv/installed.json && make up  (or: make demo)"
                )
