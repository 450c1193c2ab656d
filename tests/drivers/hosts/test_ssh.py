"""The connection to a host: whom it trusts, how it breaks, who shares it."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.drivers.hosts.conftest import Place
from tests.lab import Lab
from tests.lab.host import wait_for
from workers.drivers.base import CommandResult, HostAddress
from workers.drivers.errors import (
    AccessDenied,
    DeadlineExceeded,
    DriverError,
    HostKeyMismatch,
    HostUnreachable,
    PoolFull,
)
from workers.drivers.hosts.ssh import SshCommands, scan_host_key

pytestmark = pytest.mark.lab

CONNECTION = ["sh", "-c", "echo $SSH_CONNECTION"]


def exists(place: Place, path: str) -> bool:
    return place.commands.run(["test", "-e", path]).exit_code == 0


@pytest.fixture
def address(lab: Lab) -> HostAddress:
    return lab.address(0)


def test_the_scanned_key_is_the_one_the_host_was_made_with(address: HostAddress) -> None:
    assert scan_host_key(address.address, address.port) == address.host_key


def test_a_host_that_shows_another_key_is_refused(lab: Lab, address: HostAddress) -> None:
    wrong = replace(address, host_key=lab.address(1).host_key)
    with pytest.raises(HostKeyMismatch, match=address.host_key.split()[1].replace("+", r"\+")):
        SshCommands(wrong).run(["true"])
    with pytest.raises(HostKeyMismatch):
        SshCommands(wrong).write_file(f"{lab.work}/never", b"")


def test_a_host_without_a_key_of_the_recorded_type_is_refused(address: HostAddress) -> None:
    recorded = "ecdsa-sha2-nistp256 " + address.host_key.split()[1]
    with pytest.raises(HostKeyMismatch, match="recorded type"):
        SshCommands(replace(address, host_key=recorded)).run(["true"])


@pytest.mark.parametrize("recorded", ["", "ssh-ed25519", "ssh-ed25519 not*base64", "ssh-ed25519 AAAA"])
def test_without_a_valid_recorded_key_nobody_is_trusted(address: HostAddress, recorded: str) -> None:
    with pytest.raises(HostKeyMismatch):
        SshCommands(replace(address, host_key=recorded)).run(["true"])


def test_a_comment_behind_the_recorded_key_does_no_harm(address: HostAddress) -> None:
    commented = replace(address, host_key=f"{address.host_key} root@kvm1")
    assert SshCommands(commented).run(["true"]).exit_code == 0
    SshCommands(commented).drop()


def test_another_users_key_is_denied(lab: Lab, address: HostAddress) -> None:
    stranger = str(lab.hosts[1].folder / "ssh" / "ssh_host_ed25519_key")
    with pytest.raises(AccessDenied, match="not accepted"):
        SshCommands(replace(address, private_key_path=stranger)).run(["true"])


@pytest.mark.parametrize("content", [None, "", "not a key"])
def test_a_private_key_that_cannot_be_used_is_denied(
    address: HostAddress, tmp_path: Path, content: str | None
) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
    with pytest.raises(AccessDenied, match="cannot be read"):
        SshCommands(replace(address, private_key_path=str(key))).run(["true"])


def test_neither_agent_nor_home_folder_is_consulted(
    lab: Lab, address: HostAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(lab.private_key.read_bytes())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        agent.setblocking(False)
        stranger = str(lab.hosts[1].folder / "ssh" / "ssh_host_ed25519_key")
        with pytest.raises(AccessDenied):
            SshCommands(replace(address, private_key_path=stranger)).run(["true"])
        with pytest.raises(BlockingIOError):
            agent.accept()


def test_a_port_without_a_listener_is_unreachable(address: HostAddress) -> None:
    with pytest.raises(HostUnreachable, match="refused"):
        SshCommands(replace(address, port=2)).run(["true"])
    with pytest.raises(HostUnreachable):
        scan_host_key(address.address, 2)


def test_a_server_that_does_not_speak_ssh_is_unreachable(address: HostAddress) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host = replace(address, address="127.0.0.1", port=mute.getsockname()[1])
        with pytest.raises(HostUnreachable, match="no SSH answer"):
            SshCommands(host).run(["true"], deadline=1)


def test_an_address_nobody_has_is_unreachable(lab: Lab, address: HostAddress) -> None:
    nobody = replace(address, address=str(lab.management_network[250]))
    with pytest.raises(HostUnreachable):
        SshCommands(nobody).run(["true"], deadline=1)


def test_calls_share_one_connection(remote: Place, address: HostAddress) -> None:
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: SshCommands(address).run(CONNECTION).stdout, range(24)))
    assert set(seen) == {remote.commands.run(CONNECTION).stdout}


def test_many_short_commands_do_not_break_the_connection(remote: Place) -> None:
    """Each is over before all is sent, the moment when paramiko's own end of file comes too late."""
    before = remote.commands.run(CONNECTION).stdout
    turns = [b"", b"x", b"x" * 70_000] * 80
    with ThreadPoolExecutor(12) as pool:
        codes = pool.map(lambda stdin: remote.commands.run(["true"], stdin=stdin).exit_code, turns)
        assert set(codes) == {0}
    assert remote.commands.run(CONNECTION).stdout == before


def test_more_commands_than_sessions_wait_their_turn(remote: Place) -> None:
    with ThreadPoolExecutor(30) as pool:
        done = list(pool.map(lambda n: remote.commands.run(["sh", "-c", f"sleep 0.1; echo {n}"]), range(30)))
    assert [int(each.stdout) for each in done] == list(range(30))


def test_files_and_commands_of_many_threads_do_not_mix(remote: Place) -> None:
    def turn(number: int) -> bool:
        path, data = f"{remote.folder}/{number}", bytes([number]) * 70_000
        remote.commands.write_file(path, data)
        same = remote.commands.run(["cat", path]).stdout == data
        return same and remote.commands.read_file(path, limit=99_999) == data

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(turn, range(24)))


def test_a_dropped_connection_ends_calls_in_flight_and_the_next_opens_anew(remote: Place) -> None:
    before = remote.commands.run(CONNECTION).stdout
    started = f"{remote.folder}/started"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(remote.commands.run, ["sh", "-c", f"touch {started}; sleep 300"], deadline=60)
        wait_for(
            "the command", lambda: remote.commands.run(["test", "-e", started]).exit_code == 0, seconds=10
        )
        remote.commands.drop()
        with pytest.raises(HostUnreachable):
            waiting.result(timeout=10)
    assert remote.commands.run(CONNECTION).stdout != before


def test_a_command_ends_at_its_deadline_even_if_the_connection_is_gone(remote: Place) -> None:
    pid_file = f"{remote.folder}/pid"
    with ThreadPoolExecutor(1) as pool:
        script = f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 300"
        waiting = pool.submit(remote.commands.run, ["sh", "-c", script], deadline=2)
        wait_for("its start", lambda: exists(remote, pid_file), seconds=10)
        remote.commands.drop()
        with pytest.raises(DriverError):
            waiting.result(timeout=10)
    pid = remote.commands.read_file(pid_file).decode().strip()
    wait_for("its end", lambda: remote.commands.run(["kill", "-0", pid]).exit_code != 0, seconds=10)


def test_dropping_what_was_never_opened_is_no_error(address: HostAddress) -> None:
    SshCommands(replace(address, port=2)).drop()
    SshCommands(replace(address, port=2)).close()


@pytest.mark.parametrize(
    "act",
    [
        lambda commands: commands.run(["true"]),
        lambda commands: commands.read_file("/etc/hosts"),
        lambda commands: commands.write_file("/run/probe", b""),
        lambda commands: commands.remove("/run/probe"),
    ],
    ids=["run", "read_file", "write_file", "remove"],
)
def test_a_host_that_was_restarted_is_reached_over_a_new_connection(
    lab: Lab, act: Callable[[SshCommands], object]
) -> None:
    host, commands = lab.hosts[1], SshCommands(lab.address(1))
    commands.run(["true"])
    commands.read_file("/etc/hosts")
    host.kill()
    host.revive()
    act(commands)


def test_a_host_that_falls_silent_costs_no_more_than_the_deadline(lab: Lab) -> None:
    host, commands = lab.hosts[1], SshCommands(lab.address(1))
    commands.run(["true"])
    host.pause()
    try:
        with pytest.raises((DeadlineExceeded, HostUnreachable)):
            commands.run(["true"], deadline=1)
    finally:
        host.revive()
    assert commands.run(["true"]).exit_code == 0


def test_a_host_that_falls_silent_during_a_command_is_given_up(remote: Place, lab: Lab) -> None:
    host, commands = lab.hosts[1], SshCommands(lab.address(1))
    started = lab.shared / "silent-started"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(commands.run, ["sh", "-c", f"touch {started}; sleep 300"], deadline=2)
        wait_for("the command", started.exists, seconds=10)
        host.pause()
        try:
            with pytest.raises(DeadlineExceeded):
                waiting.result(timeout=20)
        finally:
            host.revive()
    assert commands.run(["true"]).exit_code == 0


def test_those_who_waited_for_a_connection_share_its_failure(address: HostAddress) -> None:
    """A dead host costs a batch one attempt, not one each."""
    attempts = 0
    gate = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = replace(address, address="127.0.0.1", port=server.getsockname()[1])

        def answer() -> None:
            nonlocal attempts
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                attempts += 1
                gate.wait(10)
                connection.close()

        serving = threading.Thread(target=answer)
        serving.start()
        with ThreadPoolExecutor(6) as pool:
            calls = [pool.submit(SshCommands(host).run, ["true"]) for _ in range(6)]
            wait_for("the first attempt", lambda: attempts > 0, seconds=10)
            wait_for("all to call", lambda: sum(call.running() for call in calls) == 6, seconds=10)
            gate.set()
            assert all(isinstance(call.exception(timeout=20), HostUnreachable) for call in calls)
        server.shutdown(socket.SHUT_RDWR)
        serving.join()
    assert attempts < 6


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_worker_opens_a_connection_of_its_own(remote: Place, address: HostAddress) -> None:
    ours = remote.commands.run(CONNECTION).stdout
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()

    def child(pipe: multiprocessing.connection.Connection) -> None:
        pipe.send(SshCommands(address).run(CONNECTION).stdout)

    process = context.Process(target=child, args=(there,))
    process.start()
    assert here.poll(20)
    theirs = here.recv()
    process.join()
    assert theirs != ours
    assert remote.commands.run(CONNECTION).stdout == ours


def test_a_full_disk_is_pool_full_and_leaves_nothing_behind(remote: Place, lab: Lab) -> None:
    host = lab.hosts[0]
    host.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", remote.folder])
    try:
        with pytest.raises(PoolFull):
            remote.commands.write_file(f"{remote.folder}/big", bytes(1_000_000))
        assert remote.commands.run(["ls", "-A", remote.folder]).stdout == b""
    finally:
        host.run(["umount", remote.folder])


def test_what_a_host_says_of_a_wrong_command_is_not_taken_for_a_lost_connection(remote: Place) -> None:
    done = remote.commands.run(["sh", "-c", "exit 255"])
    assert done == CommandResult(255, b"", b"")
