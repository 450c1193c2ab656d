"""Commands, files and tasks of simulated hosts."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from workers.drivers.base import QUICK_SECONDS, CommandResult, TaskPhase, TaskStatus
from workers.drivers.errors import DeadlineExceeded, HostBusy, ObjectMissing
from workers.drivers.hosts.rules import check_argv, check_data, check_path, check_removable, check_task_id
from workers.drivers.simulator.call import SimulatedDriver
from workers.drivers.simulator.programs import run_program, sleep_seconds
from workers.drivers.simulator.state import Transaction

CANCELLED_EXIT_CODE = 143
"""128 + SIGTERM, as a shell reports it."""


class SimulatedCommands(SimulatedDriver):
    """A host's files are rows; its programs are those of `programs.run_program`."""

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = QUICK_SECONDS
    ) -> CommandResult:
        check_argv(argv)
        check_data(stdin)

        def act(tx: Transaction) -> CommandResult:
            return run_program(tx, self._host, self.host.name, argv, stdin)

        result = self._call("run", act, write=False, subject=argv[0])
        seconds = sleep_seconds(argv)
        time.sleep(min(seconds, deadline))
        if seconds > deadline:
            raise DeadlineExceeded(f"{argv[0]} took longer than {deadline} s")
        return result

    def write_file(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        path = check_path(path)
        check_data(data)
        self._call(
            "write_file",
            lambda tx: tx.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", (self._host, path, mode, data)
            ),
            subject=path,
        )

    def read_file(self, path: str, *, offset: int = 0, limit: int = 65536) -> bytes:
        path = check_path(path)

        def act(tx: Transaction) -> bytes:
            row = tx.execute(
                "SELECT data FROM files WHERE host = ? AND path = ?", (self._host, path)
            ).fetchone()
            if row is None:
                raise ObjectMissing(f"{path} does not exist")
            data = bytes(row[0])
            begin = max(0, len(data) + offset) if offset < 0 else offset
            return data[begin : begin + limit]

        return self._call("read_file", act, write=False, subject=path)

    def remove(self, path: str) -> None:
        path = check_removable(path)

        def act(tx: Transaction) -> None:
            below = f"{path}/"
            tx.execute(
                "DELETE FROM files WHERE host = ? AND (path = ? OR substr(path, 1, ?) = ?)",
                (self._host, path, len(below), below),
            )

        self._call("remove", act, subject=path)


class SimulatedTasks(SimulatedDriver):
    """A task takes `task_seconds`, or what `sleep` says, of the world's time."""

    def start(self, task_id: str, argv: Sequence[str]) -> TaskStatus:
        check_argv(argv)
        check_task_id(task_id)

        def act(tx: Transaction) -> TaskStatus:
            known = self._status(tx, task_id)
            if known.phase is not TaskPhase.GONE:
                return known
            result = run_program(tx, self._host, self.host.name, argv)
            seconds = tx.setting("task_seconds") + sleep_seconds(argv)
            output = (result.stdout + result.stderr).decode(errors="replace")
            tx.execute(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    self._host,
                    task_id,
                    json.dumps(list(argv)),
                    tx.now,
                    tx.now + seconds,
                    result.exit_code,
                    output,
                ),
            )
            return self._status(tx, task_id)

        return self._call("start_task", act, subject=task_id)

    def status(self, task_id: str) -> TaskStatus:
        check_task_id(task_id)
        return self._call("task_status", lambda tx: self._status(tx, task_id), write=False, subject=task_id)

    def cancel(self, task_id: str) -> bool:
        check_task_id(task_id)

        def act(tx: Transaction) -> bool:
            tx.execute(
                "UPDATE tasks SET ends_at = ?, exit_code = ?, output = ''"
                " WHERE host = ? AND task = ? AND ends_at > ?",
                (tx.now, CANCELLED_EXIT_CODE, self._host, task_id, tx.now),
            )
            return True

        return self._call("cancel_task", act, subject=task_id)

    def forget(self, task_id: str) -> None:
        """`HostBusy` while the task runs: what it writes would have no owner."""
        check_task_id(task_id)

        def act(tx: Transaction) -> None:
            if self._status(tx, task_id).phase is TaskPhase.RUNNING:
                raise HostBusy(f"task {task_id} still runs")
            tx.execute("DELETE FROM tasks WHERE host = ? AND task = ?", (self._host, task_id))

        self._call("forget_task", act, subject=task_id)

    def _status(self, tx: Transaction, task_id: str) -> TaskStatus:
        row = tx.execute(
            "SELECT started_at, ends_at, exit_code, output FROM tasks WHERE host = ? AND task = ?",
            (self._host, task_id),
        ).fetchone()
        if row is None:
            return TaskStatus(TaskPhase.GONE)
        began, ends, exit_code, output = row
        if tx.now < ends:
            return TaskStatus(TaskPhase.RUNNING, int(100 * (tx.now - began) / (ends - began)))
        if exit_code:
            return TaskStatus(TaskPhase.FAILED, None, exit_code, output)
        return TaskStatus(TaskPhase.DONE, 100, 0, output)
