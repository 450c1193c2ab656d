"""The supervisor on real processes: what dies comes back, and nothing is left behind."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation, free_port
from bootstrap.supervision import Program, Supervisor, configuration

pytestmark = pytest.mark.servers
SLEEPER = Program("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"], 10)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation(tmp_path, tmp_path / "var")
    made.memory.redis_port = 6390
    made.create()
    return made


@pytest.fixture
def supervisor(installation: Installation) -> Iterator[Supervisor]:
    made = Supervisor(installation, Path(sys.executable).with_name("supervisord"))
    yield made
    made.stop()


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pid_of(supervisor: Supervisor) -> int:
    return next((row.pid for row in supervisor.statuses() if row.state == "RUNNING"), 0)


def test_a_program_that_dies_is_started_again(supervisor: Supervisor) -> None:
    supervisor.start([SLEEPER])
    supervisor.await_running()
    first = pid_of(supervisor)
    os.kill(first, signal.SIGKILL)
    until(lambda: pid_of(supervisor) not in {0, first})


def test_stopping_ends_every_program(supervisor: Supervisor) -> None:
    supervisor.start([SLEEPER])
    supervisor.await_running()
    program = pid_of(supervisor)
    supervisor.stop()
    assert not supervisor.is_running()
    assert not is_alive(program)


def test_a_killed_supervisor_leaves_no_program_and_can_be_started_again(
    supervisor: Supervisor, installation: Installation
) -> None:
    supervisor.start([SLEEPER])
    supervisor.await_running()
    program = pid_of(supervisor)
    os.kill(int((installation.run / "supervisord.pid").read_text()), signal.SIGKILL)
    until(lambda: not is_alive(program))
    supervisor.start([SLEEPER])
    supervisor.await_running()
    assert pid_of(supervisor) not in {0, program}


def test_a_running_supervisor_differs_only_when_its_programs_do(supervisor: Supervisor) -> None:
    assert supervisor.differs([SLEEPER])
    supervisor.start([SLEEPER])
    assert not supervisor.differs([SLEEPER])
    assert supervisor.differs([])


def test_a_program_that_does_not_stay_up_is_named_with_its_words(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap.supervision.START_SECONDS", 1.5)
    supervisor.start([Program("broken", [sys.executable, "-c", "raise SystemExit('no such thing')"], 10)])
    with pytest.raises(CheckFailed, match="broken does not stay up") as caught:
        supervisor.await_running()
    assert "no such thing" in caught.value.details
    assert "broken.log" in caught.value.repair


def test_the_configuration_holds_no_secret(installation: Installation) -> None:
    installation.remember_environment({"DATABASE_URL": "postgres://u:planted@h/d"})
    text = configuration(installation, [SLEEPER])
    assert "planted" not in text
    assert installation.redis_password() not in text


def test_percent_signs_reach_the_program(installation: Installation, supervisor: Supervisor) -> None:
    supervisor.start([Program("printer", [sys.executable, "-c", "print('100%', flush=True); input()"], 10)])
    log = installation.log / "printer.log"
    until(lambda: log.exists() and "100%" in log.read_text())


def says_hello(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        return client.recv(5) == b"hello"


def test_while_one_process_restarts_the_other_answers(supervisor: Supervisor) -> None:
    accept = "import socket; s = socket.socket(fileno=0); "
    accept += "[s.accept()[0].sendall(b'hello') for _ in iter(int, 1)]"
    port = free_port(18000)
    shared = Program("web", [sys.executable, "-c", accept], 10, socket=f"127.0.0.1:{port}", processes=2)
    supervisor.start([shared])
    supervisor.await_running()
    first, second = supervisor.statuses()
    assert [first.name, second.name] == ["web-0", "web-1"]
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not is_alive(first.pid))
    assert says_hello(port)
    until(lambda: first.pid not in {row.pid for row in supervisor.statuses()})
    supervisor.await_running()
