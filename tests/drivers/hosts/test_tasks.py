"""Long commands: begun once, watched by anybody, ended for certain."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.drivers.hosts.conftest import Place
from tests.lab import Lab
from tests.lab.host import wait_for
from workers.drivers.base import TaskPhase, TaskStatus
from workers.drivers.errors import CommandFailed, HostBusy, HypervisorRefused
from workers.drivers.hosts.launcher import last_percent
from workers.drivers.hosts.local import LocalCommands
from workers.drivers.hosts.ssh import SshCommands
from workers.drivers.hosts.tasks import CommandTasks

pytestmark = pytest.mark.servers

GONE = TaskStatus(TaskPhase.GONE)


@dataclass
class Bench:
    """Tasks in a folder of their own. `go` ends every command made by `until_go`."""

    place: Place
    tasks: CommandTasks

    def path(self, name: str) -> str:
        return f"{self.place.folder}/{name}"

    def until_go(self, before: str = "", after: str = "") -> list[str]:
        wait = f"while ! test -e {self.path('go')}; do sleep 0.02; done"
        return ["sh", "-c", "; ".join(part for part in (before, wait, after) if part)]

    def go(self) -> None:
        self.place.commands.write_file(self.path("go"), b"")

    def record(self, task: str) -> dict[str, int]:
        owner: dict[str, int] = json.loads(self.place.commands.read_file(self.path(f"tasks/{task}/owner")))
        return owner

    def has(self, name: str) -> bool:
        return self.place.commands.run(["test", "-e", self.path(name)]).exit_code == 0

    def wait_until(self, task: str, phase: TaskPhase) -> TaskStatus:
        wait_for(f"{task} to be {phase}", lambda: self.tasks.status(task).phase is phase, seconds=20)
        return self.tasks.status(task)

    def wait_for_file(self, name: str) -> str:
        wait_for(name, lambda: self.has(name), seconds=20)
        return self.place.commands.read_file(self.path(name)).decode().strip()


@pytest.fixture
def bench(place: Place) -> Iterator[Bench]:
    """Whatever a test leaves running is ended, by force if need be."""
    bench = Bench(place, CommandTasks(place.commands, f"{place.folder}/tasks"))
    yield bench
    listed = place.commands.run(["ls", bench.path("tasks")])
    for task in listed.stdout.decode().split():
        wait_for(f"{task} to end", partial(bench.tasks.cancel, task), seconds=20)


def test_a_task_ends_with_its_output_and_exit_code(bench: Bench) -> None:
    assert bench.tasks.start("t", ["sh", "-c", "echo out; echo err >&2; pwd"]).phase is not TaskPhase.GONE
    status = bench.wait_until("t", TaskPhase.DONE)
    assert (status.percent, status.exit_code) == (100, 0)
    assert status.output == f"out\nerr\n{bench.path('tasks/t')}\n"


def test_a_failed_command_is_a_failed_task(bench: Bench) -> None:
    bench.tasks.start("t", ["sh", "-c", "echo why; exit 3"])
    status = bench.wait_until("t", TaskPhase.FAILED)
    assert (status.exit_code, status.output) == (3, "why\n")


def test_a_program_that_is_not_there_is_a_failed_task(bench: Bench) -> None:
    bench.tasks.start("t", ["no-such-program"])
    status = bench.wait_until("t", TaskPhase.FAILED)
    assert (status.exit_code, status.output) == (127, "no-such-program: No such file or directory\n")


def test_start_attaches_to_what_runs_and_to_what_has_ended(bench: Bench) -> None:
    command = bench.until_go(before=f"echo x >> {bench.path('runs')}")
    assert bench.tasks.start("t", command).phase is TaskPhase.RUNNING
    assert bench.tasks.start("t", command).phase is TaskPhase.RUNNING
    bench.go()
    bench.wait_until("t", TaskPhase.DONE)
    assert bench.tasks.start("t", command).phase is TaskPhase.DONE
    assert bench.wait_for_file("runs") == "x"


def test_of_many_starters_one_begins_and_the_others_attach(bench: Bench) -> None:
    command = bench.until_go(before=f"echo x >> {bench.path('runs')}")
    bench.tasks.status("warm")
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: bench.tasks.start("t", command).phase, range(8)))
    assert seen == [TaskPhase.RUNNING] * 8
    bench.go()
    bench.wait_until("t", TaskPhase.DONE)
    assert bench.wait_for_file("runs") == "x"


def test_many_first_starters_install_the_launcher_together(bench: Bench) -> None:
    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda n: bench.tasks.start(f"t{n}", ["true"]).phase, range(4)))
    assert TaskPhase.GONE not in seen
    files = bench.place.commands.run(["ls", "-A", bench.path("tasks")]).stdout.decode().split()
    assert [name for name in files if name.endswith((".py", ".tmp"))] == [
        name for name in files if name.startswith(".launcher-")
    ]


def test_a_folder_without_owner_is_a_starters_that_died_and_is_begun_anew(bench: Bench) -> None:
    bench.tasks.status("warm")
    bench.place.commands.run(["mkdir", bench.path("tasks/t")])
    bench.place.commands.write_file(bench.path("tasks/t/half-done"), b"")
    assert bench.tasks.status("t") == GONE
    bench.tasks.start("t", ["ls"])
    assert bench.wait_until("t", TaskPhase.DONE).output == "owner\n"


def test_progress_is_what_the_command_printed_last(bench: Bench) -> None:
    command = bench.until_go(
        before=r"printf '   (12.34/100%%)\r'", after=r"printf '   (99.50/100%%)\r'; exit 1"
    )
    bench.tasks.start("t", command)
    wait_for("the progress", lambda: bench.tasks.status("t").percent == 12, seconds=10)
    bench.go()
    assert bench.wait_until("t", TaskPhase.FAILED).percent == 99


def test_a_progress_bar_is_not_kept_as_output(bench: Bench) -> None:
    bench.tasks.start("t", ["sh", "-c", r"printf '10%%\r'; printf '20%%\r\n'; printf 'a\r\nb\rc\n'; exit 1"])
    assert bench.wait_until("t", TaskPhase.FAILED).output == "20%\na\nc\n"


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        (b"(0.00/100%)", 0),
        (b"    (42.50/100%)\r    (43.01/100%)\r", 43),
        (b" 1.05G  37%  112.10MB/s    0:00:09", 37),
        (b"progress: 55.5 %", 55),
        (b"999%", 100),
        (b"no figure", 7),
        (b"%", 7),
    ],
)
def test_the_last_percentage_counts(text: bytes, percent: int) -> None:
    assert last_percent(text, 7) == percent


def test_output_is_bounded_to_its_end_and_any_byte_is_allowed(bench: Bench) -> None:
    script = r"yes 0123456789 | head -c 3000000; printf '\377\000end'; exit 1"
    bench.tasks.start("t", ["sh", "-c", script])
    output = bench.wait_until("t", TaskPhase.FAILED).output
    assert output.endswith("\ufffdend")
    assert len(output) <= 16384


def test_cancel_asks_and_is_certain(bench: Bench) -> None:
    trap = f"trap 'touch {bench.path('asked')}; exit 9' TERM; touch {bench.path('listening')}"
    bench.tasks.start("t", bench.until_go(before=trap))
    bench.wait_for_file("listening")
    wait_for("the end", lambda: bench.tasks.cancel("t"), seconds=20)
    assert bench.has("asked")
    status = bench.tasks.status("t")
    assert (status.phase, status.exit_code) == (TaskPhase.FAILED, 9)


def test_cancel_insists_with_what_does_not_listen_and_takes_its_children_along(bench: Bench) -> None:
    script = f"trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > {bench.path('child')}; sleep 300'"
    bench.tasks.start("t", ["sh", "-c", script])
    child = bench.wait_for_file("child")
    assert bench.tasks.cancel("t") is False
    assert bench.tasks.status("t").phase is TaskPhase.RUNNING
    wait_for("the end", lambda: bench.tasks.cancel("t"), seconds=20)
    assert bench.tasks.status("t").phase is TaskPhase.FAILED
    assert bench.place.commands.run(["grep", "-q", "State:.[^Z]", f"/proc/{child}/status"]).exit_code != 0


def test_cancel_of_nothing_or_of_what_has_ended_is_certain_at_once(bench: Bench) -> None:
    assert bench.tasks.cancel("never") is True
    bench.tasks.start("t", ["true"])
    bench.wait_until("t", TaskPhase.DONE)
    assert bench.tasks.cancel("t") is True
    assert bench.tasks.status("t").phase is TaskPhase.DONE


def test_forget_removes_what_has_ended_and_refuses_what_runs(bench: Bench) -> None:
    bench.tasks.forget("never")
    bench.tasks.start("t", bench.until_go())
    with pytest.raises(HostBusy):
        bench.tasks.forget("t")
    bench.go()
    bench.wait_until("t", TaskPhase.DONE)
    bench.tasks.forget("t")
    assert bench.tasks.status("t") == GONE
    assert not bench.has("tasks/t")


def test_a_task_whose_watcher_was_killed_has_failed_and_runs_again_once_forgotten(bench: Bench) -> None:
    bench.tasks.start("t", bench.until_go(before=f"echo $$ > {bench.path('pid')}"))
    pid = bench.wait_for_file("pid")
    bench.place.commands.run(["kill", "-KILL", str(bench.record("t")["pid"])])
    status = bench.wait_until("t", TaskPhase.FAILED)
    assert status.exit_code is None
    assert bench.place.commands.run(["grep", "-q", "State:.[^Z]", f"/proc/{pid}/status"]).exit_code != 0
    assert bench.tasks.start("t", ["true"]).phase is TaskPhase.FAILED
    bench.tasks.forget("t")
    bench.tasks.start("t", ["true"])
    bench.wait_until("t", TaskPhase.DONE)


def test_what_outlives_a_killed_watcher_still_counts_and_can_be_cancelled(bench: Bench) -> None:
    bench.tasks.start("t", ["sh", "-c", f"sleep 300 & echo $! > {bench.path('pid')}; wait"])
    bench.wait_for_file("pid")
    bench.place.commands.run(["kill", "-KILL", str(bench.record("t")["pid"])])
    assert bench.tasks.status("t").phase is TaskPhase.RUNNING
    with pytest.raises(HostBusy):
        bench.tasks.forget("t")
    wait_for("the end", lambda: bench.tasks.cancel("t"), seconds=20)
    assert bench.tasks.status("t").phase is TaskPhase.FAILED


def test_a_pid_that_another_process_has_got_since_is_not_mistaken_for_the_task(bench: Bench) -> None:
    bench.tasks.start("t", bench.until_go())
    owner = bench.record("t")
    bench.place.commands.run(["kill", "-KILL", str(owner["pid"])])
    bench.wait_until("t", TaskPhase.FAILED)
    stranger = bench.place.commands.run(
        ["sh", "-c", "setsid sleep 300 >/dev/null 2>&1 & echo $!"]
    ).stdout.decode()
    forged = json.dumps({**owner, "pid": int(stranger)}).encode()
    bench.place.commands.write_file(bench.path("tasks/t/owner"), forged)
    assert bench.tasks.status("t").phase is TaskPhase.FAILED
    assert bench.tasks.cancel("t") is True
    assert bench.place.commands.run(["kill", "-KILL", stranger.strip()]).exit_code == 0


def test_a_task_of_an_earlier_boot_has_failed(bench: Bench) -> None:
    bench.tasks.start("t", bench.until_go())
    owner = bench.record("t")
    bench.place.commands.write_file(
        bench.path("tasks/t/owner"), json.dumps({**owner, "boot": "earlier"}).encode()
    )
    bench.go()
    wait_for("the end", lambda: bench.tasks.status("t").phase is not TaskPhase.RUNNING, seconds=10)
    bench.place.commands.remove(bench.path("tasks/t/state"))
    assert bench.tasks.status("t").phase is TaskPhase.FAILED


def test_a_task_survives_the_worker_that_started_it(tmp_path: Path) -> None:
    bench = Bench(Place(LocalCommands(), str(tmp_path)), CommandTasks(LocalCommands(), f"{tmp_path}/tasks"))
    script = (
        "import os, signal, sys; from workers.drivers.hosts.local import LocalCommands; "
        "from workers.drivers.hosts.tasks import CommandTasks; "
        "CommandTasks(LocalCommands(), sys.argv[1]).start('t', sys.argv[2:]); "
        "os.killpg(0, signal.SIGKILL)"
    )
    worker = subprocess.run(
        [sys.executable, "-c", script, f"{tmp_path}/tasks", *bench.until_go(after="echo whole")],
        cwd=Path(__file__).parents[3],
        start_new_session=True,
        check=False,
    )
    assert worker.returncode == -signal.SIGKILL
    assert bench.tasks.status("t").phase is TaskPhase.RUNNING
    bench.go()
    assert bench.wait_until("t", TaskPhase.DONE).output == "whole\n"


def test_a_starter_killed_while_it_starts_leaves_one_run_or_none(tmp_path: Path) -> None:
    bench = Bench(Place(LocalCommands(), str(tmp_path)), CommandTasks(LocalCommands(), f"{tmp_path}/tasks"))
    bench.tasks.status("warm")
    script = next((tmp_path / "tasks").glob(".launcher-*"))
    command = bench.until_go(before=f"echo x >> {tmp_path}/runs")
    for delay in range(8):
        starter = subprocess.Popen(
            ["python3", "-IS", str(script), "start", f"{tmp_path}/tasks/t{delay}"], stdin=subprocess.PIPE
        )
        assert starter.stdin is not None
        starter.stdin.write(json.dumps(command).encode())
        starter.stdin.close()
        try:
            starter.wait(timeout=delay * 0.006)
        except subprocess.TimeoutExpired:
            starter.kill()
            starter.wait()
        assert bench.tasks.start(f"t{delay}", command).phase is TaskPhase.RUNNING
    bench.go()
    for delay in range(8):
        bench.wait_until(f"t{delay}", TaskPhase.DONE)
    assert (tmp_path / "runs").read_text() == "x\n" * 8


@pytest.mark.parametrize("task", ["", ".", "..", ".lock", "a/b", "../x", "a b", "x" * 121, "a\n", "-x"])
def test_a_task_id_that_could_lead_elsewhere_is_refused(tmp_path: Path, task: str) -> None:
    tasks = CommandTasks(LocalCommands(), str(tmp_path))
    for act in (tasks.status, tasks.cancel, tasks.forget):
        with pytest.raises(HypervisorRefused):
            act(task)
    with pytest.raises(HypervisorRefused):
        tasks.start(task, ["true"])


def test_signals_ignored_by_the_watcher_are_not_ignored_by_the_command(bench: Bench) -> None:
    bench.tasks.start("t", ["grep", "SigIgn", "/proc/self/status"])
    ignored = int(bench.wait_until("t", TaskPhase.DONE).output.split()[1], 16)
    ours = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ)
    assert [number.name for number in ours if ignored >> (number - 1) & 1] == []


def test_a_root_that_cannot_be_made_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandFailed, match="Not a directory"):
        CommandTasks(LocalCommands(), f"{tmp_path}/file/tasks").status("t")


@pytest.mark.lab
def test_a_task_survives_its_connection_and_is_seen_over_the_next(remote: Place) -> None:
    bench = Bench(remote, CommandTasks(remote.commands, f"{remote.folder}/tasks"))
    bench.tasks.start("t", bench.until_go(after="echo whole"))
    remote.commands.drop()
    assert bench.tasks.status("t").phase is TaskPhase.RUNNING
    bench.go()
    assert bench.wait_until("t", TaskPhase.DONE).output == "whole\n"


@pytest.mark.lab
def test_a_task_on_a_host_that_lost_power_has_failed(lab: Lab) -> None:
    host, commands = lab.hosts[1], SshCommands(lab.address(1))
    folder = f"{lab.work}/{uuid4().hex}"
    tasks = CommandTasks(commands, folder)
    tasks.start("t", ["sleep", "300"])
    host.kill()
    host.revive()
    assert tasks.status("t").phase is TaskPhase.FAILED
    assert tasks.cancel("t") is True
    tasks.forget("t")
    tasks.start("t", ["true"])
    wait_for("the second run", lambda: tasks.status("t").phase is TaskPhase.DONE, seconds=10)
    commands.remove(folder)


@pytest.mark.lab
def test_a_real_conversion_tells_its_progress(bench: Bench) -> None:
    source, target = bench.path("source.raw"), bench.path("target.qcow2")
    bench.place.commands.run(["sh", "-c", f"head -c 8000000 /dev/urandom > {source}"])
    convert = ["qemu-img", "convert", "-p", "-f", "raw", "-O", "qcow2", source, target]
    bench.tasks.start("t", ["sh", "-c", '"$@" && exit 1', "sh", *convert])
    assert bench.wait_until("t", TaskPhase.FAILED).percent == 100
    assert "target.qcow2" in bench.place.commands.run(["ls", bench.place.folder]).stdout.decode()
