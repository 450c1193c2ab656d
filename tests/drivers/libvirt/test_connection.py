"""One kept connection for each host and process: whom it trusts, how it dies and comes back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab
from tests.lab.host import LabHost, wait_for
from workers.drivers.base import HostAddress
from workers.drivers.errors import (
    AccessDenied,
    DriverError,
    HostKeyMismatch,
    HostUnreachable,
    HypervisorRefused,
)

pytestmark = pytest.mark.lab
connection: Any = pytest.importorskip("workers.drivers.libvirt.connection")


def hostname(host: HostAddress) -> str:
    name: str = connection.connection_to(host).call(lambda session: session.raw.getHostname())
    return name


def session_of(host: HostAddress) -> Any:
    return connection.connection_to(host).call(lambda session: session)


class Caller(threading.Thread):
    """Calls in a thread of its own and keeps what came of it."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._act = act
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._act()
        except BaseException as error:
            self.error = error

    def ended(self, seconds: float = 30) -> BaseException | None:
        self.join(seconds)
        assert not self.is_alive(), "the call still hangs"
        return self.error


def ssh_children() -> set[int]:
    own = os.getpid()
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent = rest.split()[:2]
        if name.endswith("(ssh") and int(parent) == own and state != "Z":
            found.add(int(stat.parent.name))
    return found


def test_a_host_with_the_recorded_key_is_reached(lab: Lab, far: HostAddress) -> None:
    assert hostname(far) == lab.hosts[0].name


def test_a_host_with_another_key_is_not_talked_to(lab: Lab, far: HostAddress) -> None:
    impostor = replace(far, host_key=lab.hosts[1].host_key)
    with pytest.raises(HostKeyMismatch) as caught:
        hostname(impostor)
    assert "SHA256:" in caught.value.technical
    assert lab.hosts[0].host_key.split()[1] not in caught.value.technical


def test_a_key_that_the_host_does_not_know_is_denied(lab: Lab, far: HostAddress) -> None:
    key = lab.hosts[1].folder / "ssh" / "ssh_host_ed25519_key"
    with pytest.raises(AccessDenied):
        hostname(replace(far, private_key_path=str(key)))


@pytest.mark.parametrize("port", [1, 9])
def test_a_port_where_nobody_listens_is_unreachable(far: HostAddress, port: int) -> None:
    with pytest.raises(HostUnreachable):
        hostname(replace(far, port=port))


def test_a_machine_without_libvirtd_is_unreachable(near: HostAddress) -> None:
    with pytest.raises(HostUnreachable):
        hostname(replace(near, uri="qemu+unix:///system?socket=/nonexistent"))


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+ext:///system?command=/bin/true",
        "qemu+ssh://root@192.0.2.1/system",
        "qemu+tls://192.0.2.1/system?no_verify=1",
        "qemu+unix:///system?command=/bin/true",
        "test:///default",
        "",
    ],
)
def test_a_uri_that_would_run_or_trust_anything_is_refused(near: HostAddress, uri: str) -> None:
    with pytest.raises(HypervisorRefused):
        hostname(replace(near, uri=uri))


def test_nothing_is_left_of_opening_but_ssh_itself(
    far: HostAddress, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = ssh_children()
    hostname(far)
    assert list(tmp_path.iterdir()) == []
    assert len(ssh_children() - before) == 1


def test_threads_share_one_connection(far: HostAddress) -> None:
    before = ssh_children()
    with ThreadPoolExecutor(8) as pool:
        sessions = list(pool.map(lambda _: session_of(far), range(16)))
    assert len({id(session) for session in sessions}) == 1
    assert len(ssh_children() - before) == 1


@pytest.mark.parametrize("way", ["near", "far"])
def test_a_connection_that_died_is_opened_again(lab: Lab, way: str, request: pytest.FixtureRequest) -> None:
    host: HostAddress = request.getfixturevalue(way)
    before = session_of(host)
    lab.hosts[0].end_service("libvirtd")
    lab.hosts[0].start_service("libvirtd")
    assert hostname(host) == lab.hosts[0].name
    assert session_of(host) is not before


def test_a_host_without_libvirtd_is_unreachable_until_it_is_back(lab: Lab, far: HostAddress) -> None:
    hostname(far)
    lab.hosts[0].end_service("libvirtd")
    try:
        for _ in range(2):
            with pytest.raises(HostUnreachable):
                hostname(far)
    finally:
        lab.hosts[0].start_service("libvirtd")
    assert hostname(far) == lab.hosts[0].name


@pytest.fixture
def silent(lab: Lab) -> Any:
    """Cuts a host off, so that packets vanish; put right afterwards."""

    def cut(host: LabHost = lab.hosts[0]) -> None:
        host.pause()

    yield cut
    lab.hosts[0].revive()


def test_dropping_frees_a_call_that_hangs(lab: Lab, far: HostAddress, silent: Callable[[], None]) -> None:
    hostname(far)
    silent()
    begun = threading.Event()

    def act(session: Any) -> str:
        begun.set()
        name: str = session.raw.getHostname()
        return name

    caller = Caller(lambda: connection.connection_to(far).call(act))
    assert begun.wait(10)
    connection.connection_to(far).drop()
    assert isinstance(caller.ended(), HostUnreachable)


def test_dropping_frees_who_opens_and_who_waits(
    lab: Lab, far: HostAddress, silent: Callable[[], None]
) -> None:
    silent()
    before = ssh_children()
    callers = [Caller(lambda: hostname(far)) for _ in range(3)]
    wait_for("ssh to start", lambda: bool(ssh_children() - before), seconds=10)
    connection.connection_to(far).drop()
    errors = [caller.ended() for caller in callers]
    assert all(isinstance(error, DriverError) and error.retry for error in errors)
    wait_for("ssh to end", lambda: not ssh_children() - before, seconds=10)


def test_dropping_what_is_idle_does_not_wait_for_a_silent_host(
    lab: Lab, far: HostAddress, near: HostAddress, silent: Callable[[], None]
) -> None:
    before = ssh_children()
    hostname(far)
    silent()
    Caller(connection.connection_to(far).drop).ended(seconds=5)
    wait_for("ssh to end", lambda: not ssh_children() - before, seconds=10)


def test_a_dropped_connection_is_opened_again(lab: Lab, far: HostAddress) -> None:
    first = session_of(far)
    connection.connection_to(far).drop()
    connection.connection_to(far).drop()
    assert session_of(far) is not first


@pytest.mark.long
def test_a_host_that_falls_silent_is_noticed_without_a_drop(
    lab: Lab, far: HostAddress, silent: Callable[[], None]
) -> None:
    hostname(far)
    silent()
    caller = Caller(lambda: hostname(far))
    assert isinstance(caller.ended(seconds=60), HostUnreachable)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("way", ["near", "far"])
def test_a_forked_child_leaves_its_parents_connection_alone(
    lab: Lab, way: str, request: pytest.FixtureRequest
) -> None:
    host: HostAddress = request.getfixturevalue(way)
    session = session_of(host)
    child = os.fork()
    if not child:
        status = 1
        try:
            status = int(hostname(host) != lab.hosts[0].name)
            connection.connection_to(host).drop()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert session_of(host) is session
    assert hostname(host) == lab.hosts[0].name
