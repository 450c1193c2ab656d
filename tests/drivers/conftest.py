"""`kit`: the host that contract tests run against, once for each driver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.drivers.contract.kit import HostKit
from tests.drivers.contract.real import real_kit
from workers.drivers.base import HostAddress, PoolAddress
from workers.drivers.simulator.control import Simulator


def simulated_kit(path: str) -> HostKit:
    simulator = Simulator(path)
    host = HostAddress(
        uuid=uuid4(), name="sim1", driver="simulator", simulator_path=path, extra={"bridges": "cpbr0"}
    )
    simulator.hide_source("/secondary/missing.qcow2")

    def small_pool() -> PoolAddress:
        pool = PoolAddress(uuid4(), "/primary")
        simulator.set_pool_capacity(pool.uuid, 4 * 2**20)
        return pool

    return HostKit(
        host=host,
        pool=PoolAddress(uuid4(), "/primary"),
        bridge="cpbr0",
        folder="/var/tmp",
        source="/secondary/empty.qcow2",
        missing_source="/secondary/missing.qcow2",
        add_foreign=lambda: simulator.add_machine(host.uuid),
        small_pool=small_pool,
        peer=replace(host, uuid=uuid4(), name="sim2"),
    )


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    simulator = Simulator(f"memory:{tmp_path}")
    yield simulator
    simulator.forget()


@pytest.fixture(params=["simulator", "simulator-in-memory", pytest.param("libvirt", marks=pytest.mark.lab)])
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostKit]:
    match request.param:
        case "simulator":
            made = simulated_kit(str(tmp_path / "world.sqlite3"))
        case "simulator-in-memory":
            made = simulated_kit(f"memory:{tmp_path}")
        case _:
            made = request.getfixturevalue("real_kit")
    with made.clean():
        yield made
    if request.param == "simulator-in-memory":
        Simulator(made.host.simulator_path).forget()


__all__ = ["kit", "real_kit", "simulator"]
