"""Long commands on a host, run by the launcher script and outliving whoever started them.

A command tells its progress by printing it: the last percentage in its output counts ("42%", or
`qemu-img -p`'s "(42.50/100%)"). To leave nothing half done under its final name, it writes to a
temporary name and renames at the end; that is the caller's argv, e.g. a small `sh -c`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.drivers.base import HostCommands, TaskPhase, TaskStatus
from workers.drivers.errors import CommandFailed, HostBusy
from workers.drivers.hosts.rules import check_argv, check_task_id

_NO_SCRIPT = 2
"""What python3 exits with if the script it is to run is not there."""


class CommandTasks:
    """Each call is one run of the launcher on the host. Below `root`: a folder a task, the
    launcher under a name made from its content (so two releases never share one), and a lock."""

    def __init__(self, commands: HostCommands, root: str) -> None:
        self._commands = commands
        self._root = root

    def start(self, task_id: str, argv: Sequence[str]) -> TaskStatus:
        """A task that ended is not started again before it is forgotten."""
        check_argv(argv)
        return _status(self._launcher("start", task_id, json.dumps(list(argv)).encode()))

    def status(self, task_id: str) -> TaskStatus:
        return _status(self._launcher("status", task_id))

    def cancel(self, task_id: str) -> bool:
        """SIGTERM the first time, SIGKILL after that; waits up to a second for the end."""
        return bool(self._launcher("cancel", task_id)["ended"])

    def forget(self, task_id: str) -> None:
        """`HostBusy` while the task runs: what it writes would have no owner."""
        if not self._launcher("forget", task_id)["forgotten"]:
            raise HostBusy(f"task {task_id} still runs")

    def _launcher(self, verb: str, task_id: str, stdin: bytes = b"") -> dict[str, Any]:
        check_task_id(task_id)
        name, source = _launcher_script()
        script = posixpath.join(self._root, name)
        argv = ["python3", "-IS", script, verb, posixpath.join(self._root, task_id)]
        done = self._commands.run(argv, stdin=stdin)
        if done.exit_code == _NO_SCRIPT:
            self._install(script, source)
            done = self._commands.run(argv, stdin=stdin)
        if done.exit_code:
            raise CommandFailed(f"task {verb} {task_id}: {done.stderr.decode(errors='replace')[-1000:]}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _install(self, script: str, source: bytes) -> None:
        made = self._commands.run(["mkdir", "-p", "-m", "0700", "--", self._root])
        if made.exit_code:
            raise CommandFailed(f"mkdir {self._root}: {made.stderr.decode(errors='replace')}")
        self._commands.write_file(script, source, mode=0o600)


@functools.cache
def _launcher_script() -> tuple[str, bytes]:
    source = Path(__file__).with_name("launcher.py").read_bytes()
    return f".launcher-{hashlib.blake2b(source, digest_size=8).hexdigest()}.py", source


def _status(answer: dict[str, Any]) -> TaskStatus:
    phase = TaskPhase(answer["phase"])
    percent = 100 if phase is TaskPhase.DONE else answer["percent"]
    return TaskStatus(phase, percent, answer["exit_code"], answer["output"])
