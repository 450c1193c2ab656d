"""The state file: one world for many processes and threads."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.drivers.contract.kit import until
from workers.drivers import connect
from workers.drivers.base import HostAddress, MachineSpec
from workers.drivers.errors import DriverError, HostBusy, HypervisorRefused
from workers.drivers.simulator import state as state_module
from workers.drivers.simulator.control import Simulator
from workers.drivers.simulator.state import open_state

ROOT = Path(__file__).parents[3]
DEFINE_FIFTY = """
import sys
from uuid import UUID, uuid4
from workers.drivers import connect
from workers.drivers.base import HostAddress, MachineSpec
host = HostAddress(uuid=UUID(sys.argv[2]), name="sim", driver="simulator", simulator_path=sys.argv[1])
for _ in range(50):
    uuid = uuid4()
    connect.hypervisor(host).define(MachineSpec(uuid, f"i-{uuid}", 1, 64, (), ()))
    connect.hypervisor(host).start(uuid)
"""


def host_at(path: Path | str) -> HostAddress:
    return HostAddress(uuid=uuid4(), name="sim", driver="simulator", simulator_path=str(path))


def define(host: HostAddress) -> UUID:
    uuid = uuid4()
    connect.hypervisor(host).define(MachineSpec(uuid, f"i-{uuid}", 1, 64, (), ()))
    return uuid


def test_processes_that_begin_together_share_one_world(tmp_path: Path) -> None:
    path, host = tmp_path / "new" / "world.sqlite3", host_at(tmp_path / "new" / "world.sqlite3")
    command = [sys.executable, "-c", DEFINE_FIFTY, str(path), str(host.uuid)]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    assert len(connect.hypervisor(host).states()) == 200
    assert sorted(entry.name for entry in path.parent.iterdir() if "-" not in entry.name) == [path.name]


def test_the_state_file_is_its_owners_alone(tmp_path: Path) -> None:
    define(host_at(tmp_path / "world.sqlite3"))
    assert (tmp_path / "world.sqlite3").stat().st_mode & 0o777 == 0o600


def test_threads_share_one_world(tmp_path: Path) -> None:
    host = host_at(tmp_path / "world.sqlite3")
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: define(host), range(200)))
    assert {state.uuid for state in connect.hypervisor(host).states()} == made


def test_a_forked_child_shares_the_world_of_its_parent(tmp_path: Path) -> None:
    host = host_at(tmp_path / "world.sqlite3")
    mine = define(host)
    driver = connect.hypervisor(host)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            theirs = uuid4()
            driver.define(MachineSpec(theirs, f"i-{theirs}", 1, 64, (), ()))
            code = 0 if mine in {state.uuid for state in driver.states()} else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(driver.states()) == 2
    define(host)
    assert len(driver.states()) == 3


def test_a_world_that_was_removed_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite3"
    host = host_at(path)
    define(host)
    for entry in tmp_path.iterdir():
        entry.unlink()
    assert connect.hypervisor(host).states() == []
    define(host)
    assert len(connect.hypervisor(host).states()) == 1


def test_a_file_of_another_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite3"
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 999")
    other.close()
    with pytest.raises(HypervisorRefused, match="version 999"):
        define(host_at(path))


def test_a_file_that_is_no_world_is_a_driver_error(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite3"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(DriverError):
        define(host_at(path))


def test_a_host_without_a_world_is_refused() -> None:
    with pytest.raises(HypervisorRefused):
        connect.hypervisor(host_at(""))


def test_a_world_held_by_someone_else_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "world.sqlite3"
    monkeypatch.setattr(state_module, "BUSY_SECONDS", 0)
    define(host_at(path))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(HostBusy):
            define(host_at(path))
    finally:
        holder.close()


def test_a_bug_inside_an_act_takes_everything_back(tmp_path: Path) -> None:
    state = open_state(str(tmp_path / "world.sqlite3"))

    def act() -> None:
        with state.transaction(write=True) as tx:
            tx.put_setting("boot_seconds", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    with state.transaction(write=False) as tx:
        assert tx.setting("boot_seconds") == 0


def test_worlds_in_memory_are_apart_and_end_when_forgotten(tmp_path: Path) -> None:
    first, second = host_at(f"memory:{tmp_path}/1"), host_at(f"memory:{tmp_path}/2")
    define(first)
    assert len(connect.hypervisor(first).states()) == 1
    assert connect.hypervisor(second).states() == []
    for host in (first, second):
        Simulator(host.simulator_path).forget()
    assert connect.hypervisor(first).states() == []
    Simulator(first.simulator_path).forget()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_caller_leaves_what_its_call_had_committed(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite3"
    host = host_at(path)
    Simulator(str(path)).order(verb="define", error="Kill", nth=10, when="after")
    process = subprocess.Popen([sys.executable, "-c", DEFINE_FIFTY, str(path), str(host.uuid)], cwd=ROOT)
    assert until(lambda: process.poll() is not None)
    assert process.returncode == -9
    assert len(connect.hypervisor(host).states()) == 10
