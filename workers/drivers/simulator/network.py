"""Simulated guest networks: a port is a row."""

from __future__ import annotations

from uuid import UUID

from workers.drivers.base import NicSpec
from workers.drivers.errors import HypervisorRefused
from workers.drivers.simulator.call import SimulatedDriver
from workers.drivers.simulator.state import Transaction


class SimulatedNetwork(SimulatedDriver):
    """A host has every bridge, unless `HostAddress.extra["bridges"]` names those it has."""

    def plug(self, machine: UUID, nic: NicSpec) -> None:
        bridges = self.host.extra.get("bridges")

        def act(tx: Transaction) -> None:
            if bridges is not None and nic.bridge not in bridges.split():
                raise HypervisorRefused(f"{self.host.name} has no bridge {nic.bridge}")
            tx.execute(
                "INSERT OR REPLACE INTO ports VALUES (?, ?, ?, ?)",
                (self._host, str(machine), nic.mac, nic.bridge),
            )

        self._call("plug", act, subject=machine)

    def unplug(self, machine: UUID, nic: NicSpec) -> None:
        def act(tx: Transaction) -> None:
            tx.execute(
                "DELETE FROM ports WHERE host = ? AND machine = ? AND mac = ?",
                (self._host, str(machine), nic.mac),
            )

        self._call("unplug", act, subject=machine)
