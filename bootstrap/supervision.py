"""The process supervisor: its configuration, and talking to it over its own socket."""

from __future__ import annotations

import http.client
import os
import shlex
import socket
import subprocess
import time
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation, write_private
from bootstrap.terminal import Heartbeat, tail

START_SECONDS = 60.0
STOP_SECONDS = 60.0
RUNNING = 20
"""supervisord's code for a process that has stayed up for `startsecs`."""


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised program. Lower `priority` starts first and stops last.

    With a `socket` ("127.0.0.1:8000") the supervisor listens and its `processes` accept from their
    descriptor 0: none of them can leave the address taken, and while one restarts others answer.
    Programs of one `group` stop side by side, others one after another.
    """

    name: str
    argv: Sequence[str]
    priority: int
    stop_seconds: int = 10
    umask: str = "077"
    socket: str = ""
    processes: int = 1
    group: str = ""


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    name: str
    state: str
    pid: int
    up_seconds: int


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = str(path)

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        self._connection = host, connection
        return connection


def configuration(installation: Installation, programs: Sequence[Program]) -> str:
    """supervisord's configuration. Secrets are not in it: they come by the environment.

    A program ends with its supervisor (`setpriv --pdeathsig`), so a supervisor that was killed
    leaves nothing that would hold the ports of the next one.
    """
    log = installation.log
    sections = [
        ("unix_http_server", {"file": _literal(installation.socket), "chmod": "0700"}),
        (
            "supervisord",
            {
                "logfile": _literal(log / "supervisord.log"),
                "logfile_maxbytes": "5MB",
                "pidfile": _literal(installation.run / "supervisord.pid"),
                "directory": _literal(installation.root),
                "childlogdir": _literal(log),
            },
        ),
        (
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
    ]
    sections += [
        (f"{'fcgi-program' if program.socket else 'program'}:{program.name}", _program(program, log))
        for program in programs
    ]
    groups = sorted({program.group for program in programs if program.group})
    for group in groups:
        members = [program for program in programs if program.group == group]
        names = ",".join(program.name for program in members)
        priority = str(min(program.priority for program in members))
        sections.append((f"group:{group}", {"programs": names, "priority": priority}))
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
        for name, values in sections
    )


def _literal(value: object) -> str:
    """A value that supervisord's expansion of %(names)s leaves as it is."""
    return str(value).replace("%", "%%")


def _program(program: Program, log: Path) -> dict[str, str]:
    name = "%(program_name)s" + ("-%(process_num)d" if program.processes > 1 else "")
    return {
        **({"socket": f"tcp://{program.socket}"} if program.socket else {}),
        "command": _literal(shlex.join(["setpriv", "--pdeathsig", "TERM", *program.argv])),
        "process_name": name,
        "numprocs": str(program.processes),
        "priority": str(program.priority),
        "umask": program.umask,
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "100",
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"{_literal(log)}/{name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "3",
    }


class Supervisor:
    """supervisord of one installation."""

    def __init__(self, installation: Installation, program: Path) -> None:
        self._installation = installation
        self._program = program
        self._configuration = installation.run / "supervisord.conf"

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = _UnixTransport(self._installation.socket)
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)

    def _ask(self, method: str) -> Any:
        """The answer to a question, or None where nobody answers."""
        try:
            return self._call(method)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None

    def is_running(self) -> bool:
        state = self._ask("getState")
        return bool(state and state["statename"] == "RUNNING")

    def differs(self, programs: Sequence[Program]) -> bool:
        """Whether the supervisor is down, or was told something other than `programs`."""
        wanted = configuration(self._installation, programs)
        return not self.is_running() or self._configuration.read_text() != wanted

    def statuses(self) -> list[ProgramStatus]:
        """Every program; empty where the supervisor does not answer."""
        return [
            ProgramStatus(row["name"], row["statename"], row["pid"], max(0, row["now"] - row["start"]))
            for row in self._ask("getAllProcessInfo") or []
        ]

    def start(self, programs: Sequence[Program]) -> None:
        """Bring the supervisor to `programs`; a new configuration starts it afresh."""
        if self.is_running():
            self.stop()
        write_private(self._configuration, configuration(self._installation, programs))
        self._installation.socket.unlink(missing_ok=True)
        done = subprocess.run(
            [str(self._program), "-c", str(self._configuration)],
            env=self._installation.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CheckFailed(
                "supervisord does not start",
                repair=f"{self._program} --nodaemon -c {self._configuration}",
                details=done.stdout + done.stderr,
            )

    def await_running(self) -> None:
        """Wait until every program has stayed up; names the first that has not."""
        limit = time.monotonic() + START_SECONDS
        with Heartbeat("starting processes"):
            while True:
                waiting = [row for row in self.statuses() if row.state != "RUNNING"]
                if not waiting and self.is_running():
                    return
                if time.monotonic() > limit:
                    name = waiting[0].name if waiting else "supervisord"
                    log = self._installation.log / f"{name}.log"
                    raise CheckFailed(f"{name} does not stay up", repair=f"tail -50 {log}", details=tail(log))
                time.sleep(0.1)

    def stop(self) -> None:
        """End the supervisor and, through it, every program; returns when they are gone."""
        pid = self._ask("getPID")
        if not self.is_running() or pid is None:
            return
        self._call("shutdown")
        limit = time.monotonic() + STOP_SECONDS
        with Heartbeat("stopping processes"):
            while _alive(pid):
                if time.monotonic() > limit:
                    raise CheckFailed(f"supervisord (pid {pid}) does not end", repair=f"kill -KILL {pid}")
                time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
