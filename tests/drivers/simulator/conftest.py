"""A simulated host with a pool, for tests of what only the simulator does."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from workers.drivers import connect
from workers.drivers.base import DiskSpec, HostAddress, MachineSpec, NicSpec, PoolAddress, Power
from workers.drivers.simulator.control import Simulator


@dataclass
class Cloud:
    """One world with one pool that all its hosts share."""

    simulator: Simulator
    pool: PoolAddress = field(default_factory=lambda: PoolAddress(uuid4(), "/primary"))

    def host(self, **extra: str) -> HostAddress:
        return HostAddress(
            uuid=uuid4(), name="sim", driver="simulator", simulator_path=self.simulator.path, extra=extra
        )

    def define(self, host: HostAddress, uuid: UUID | None = None, **changes: object) -> MachineSpec:
        """A machine of one volume and one card; another host gets the same one by its uuid."""
        uuid = uuid or uuid4()
        storage = connect.primary_storage(host, self.pool)
        storage.import_image("import-tpl", "/secondary/tiny.qcow2", "tpl-tiny", 1024)
        storage.clone("tpl-tiny", f"vol-{uuid}", 1024)
        mac = "52:54:00:" + ":".join(f"{byte:02x}" for byte in uuid.bytes[:3])
        values: dict[str, object] = {
            "uuid": uuid,
            "name": f"i-{uuid}",
            "vcpus": 2,
            "memory_mib": 512,
            "disks": (DiskSpec(storage.path(f"vol-{uuid}")),),
            "nics": (NicSpec(mac, "br0", "10.1.2.3/24"),),
        }
        spec = MachineSpec(**(values | changes))  # type: ignore[arg-type]
        connect.hypervisor(host).define(spec)
        return spec

    def running(self, host: HostAddress) -> MachineSpec:
        spec = self.define(host)
        connect.hypervisor(host).start(spec.uuid)
        return spec

    def power(self, host: HostAddress, machine: UUID) -> Power | None:
        states = connect.hypervisor(host).states()
        return next((state.power for state in states if state.uuid == machine), None)


@pytest.fixture
def cloud(simulator: Simulator) -> Cloud:
    return Cloud(simulator)
