"""The simulated hypervisor: refuses what KVM and libvirt refuse, in the same words."""

from __future__ import annotations

import json
import math
from uuid import UUID

from workers.drivers.base import HostFacts, MachineSpec, MachineState, Power
from workers.drivers.errors import HypervisorRefused, MachineNotFound
from workers.drivers.simulator.call import SimulatedDriver
from workers.drivers.simulator.guest import Boot, boot_text
from workers.drivers.simulator.machines import note_boot, power_off, power_on, set_power, spec_text
from workers.drivers.simulator.state import Transaction

KEPT_BOOTS = 20
"""Older boots have scrolled out of a console's log."""

_POWERS = {power.value: power for power in Power}


class SimulatedHypervisor(SimulatedDriver):
    """One host of the world. It needs no registration: what it is made of comes from
    `HostAddress.extra` (cpu_cores, cpu_mhz, memory_mib, cpu_model, arch, accelerators as words)."""

    def define(self, spec: MachineSpec) -> None:
        facts = self._facts()
        if spec.accelerator not in facts.accelerators:
            raise HypervisorRefused(f"accelerator {spec.accelerator} does not work on {self.host.name}")
        if spec.arch != facts.arch:
            raise HypervisorRefused(f"{self.host.name} runs {facts.arch}, not {spec.arch}")
        if spec.vcpus < 1 or spec.memory_mib < 1:
            raise HypervisorRefused("a machine has at least one vCPU and 1 MiB of memory")

        def act(tx: Transaction) -> None:
            machine = str(spec.uuid)
            namesake = tx.execute(
                "SELECT uuid FROM machines WHERE host = ? AND name = ?", (self._host, spec.name)
            ).fetchone()
            if namesake and namesake[0] != machine:
                raise HypervisorRefused(f"machine {spec.name} exists with uuid {namesake[0]}")
            known = tx.execute(
                "SELECT name FROM machines WHERE host = ? AND uuid = ?", (self._host, machine)
            ).fetchone()
            if known and known[0] != spec.name:
                raise HypervisorRefused(f"machine {machine} is defined as {known[0]}: it cannot be renamed")
            tx.execute(
                "INSERT INTO machines (host, uuid, name, spec, ours, power) VALUES (?, ?, ?, ?, 1, 'off')"
                " ON CONFLICT (host, uuid) DO UPDATE SET spec = excluded.spec, ours = 1",
                (self._host, machine, spec.name, spec_text(spec)),
            )

        self._call("define", act, subject=spec.uuid)

    def start(self, uuid: UUID, *, paused: bool = False) -> None:
        """A machine that was started paused, or paused itself, runs after a plain start."""

        def act(tx: Transaction) -> None:
            machine = str(uuid)
            row = tx.execute(
                "SELECT power, spec, booted FROM machines WHERE host = ? AND uuid = ?", (self._host, machine)
            ).fetchone()
            if row is None:
                raise MachineNotFound(machine)
            power, spec, booted = row
            if power == Power.OFF:
                wanted = Power.PAUSED if paused else Power.RUNNING
                power_on(tx, self._host, machine, json.loads(spec), wanted)
            elif power == Power.PAUSED and not paused:
                set_power(tx, self._host, machine, Power.RUNNING)
                if not booted:
                    note_boot(tx, self._host, machine, json.loads(spec))

        self._call("start", act, subject=uuid)

    def shutdown(self, uuid: UUID) -> None:
        """A deaf or paused guest never answers; others do after `guest_shutdown_seconds`."""

        def act(tx: Transaction) -> None:
            machine = str(uuid)
            row = tx.execute(
                "SELECT power, deaf, shutdown_due FROM machines WHERE host = ? AND uuid = ?",
                (self._host, machine),
            ).fetchone()
            if row is None:
                raise MachineNotFound(machine)
            power, deaf, due = row
            seconds = tx.setting("guest_shutdown_seconds")
            if power != Power.RUNNING or deaf or due is not None or math.isinf(seconds):
                return
            if seconds:
                tx.execute(
                    "UPDATE machines SET shutdown_due = ? WHERE host = ? AND uuid = ?",
                    (tx.now + seconds, self._host, machine),
                )
            else:
                power_off(tx, self._host, machine)

        self._call("shutdown", act, subject=uuid)

    def reset(self, uuid: UUID) -> None:
        def act(tx: Transaction) -> None:
            machine = str(uuid)
            row = tx.execute(
                "SELECT power, spec FROM machines WHERE host = ? AND uuid = ?", (self._host, machine)
            ).fetchone()
            if row is None:
                raise MachineNotFound(machine)
            if row[0] == Power.OFF:
                raise HypervisorRefused(f"machine {machine} is not running")
            if row[0] == Power.RUNNING:
                set_power(tx, self._host, machine, Power.RUNNING)
                note_boot(tx, self._host, machine, json.loads(row[1]))

        self._call("reset", act, subject=uuid)

    def destroy(self, uuid: UUID) -> None:
        self._call("destroy", lambda tx: power_off(tx, self._host, str(uuid)), subject=uuid)

    def undefine(self, uuid: UUID) -> None:
        def act(tx: Transaction) -> None:
            key = (self._host, str(uuid))
            row = tx.execute("SELECT power FROM machines WHERE host = ? AND uuid = ?", key).fetchone()
            if row and row[0] != Power.OFF:
                raise HypervisorRefused(f"machine {uuid} is {row[0]}: only one that is off can be undefined")
            tx.execute("DELETE FROM machines WHERE host = ? AND uuid = ?", key)

        self._call("undefine", act, subject=uuid)

    def states(self) -> list[MachineState]:
        def act(tx: Transaction) -> list[MachineState]:
            rows = tx.execute("SELECT uuid, name, power, ours FROM machines WHERE host = ?", (self._host,))
            return [
                MachineState(UUID(uuid), name, _POWERS[power], bool(ours)) for uuid, name, power, ours in rows
            ]

        return self._call("states", act, write=False)

    def facts(self) -> HostFacts:
        return self._call("facts", lambda _tx: self._facts(), write=False)

    def console_log(self, uuid: UUID, *, limit_bytes: int = 65536) -> bytes:
        def act(tx: Transaction) -> bytes:
            rows = tx.execute(
                "SELECT hostname, address, vcpus, memory_mib, at FROM boots WHERE host = ? AND machine = ?"
                " ORDER BY id DESC LIMIT ?",
                (self._host, str(uuid), KEPT_BOOTS),
            ).fetchall()
            seconds = tx.setting("boot_seconds")
            text = "".join(boot_text(Boot(*row), now=tx.now, boot_seconds=seconds) for row in reversed(rows))
            return text.encode()[-limit_bytes:] if limit_bytes > 0 else b""

        return self._call("console_log", act, write=False, subject=uuid)

    def remove_console_log(self, uuid: UUID) -> None:
        """Forget what the guest wrote; no error if there is nothing."""
        self._call(
            "remove_console_log",
            lambda tx: tx.execute(
                "DELETE FROM boots WHERE host = ? AND machine = ?", (self._host, str(uuid))
            ),
            subject=uuid,
        )

    def _facts(self) -> HostFacts:
        extra = self.host.extra
        return HostFacts(
            hostname=self.host.name,
            arch=extra.get("arch", "x86_64"),
            cpu_model=extra.get("cpu_model", "Simulated-EPYC"),
            cpu_cores=int(extra.get("cpu_cores", "32")),
            cpu_mhz=int(extra.get("cpu_mhz", "2600")),
            memory_mib=int(extra.get("memory_mib", "131072")),
            hypervisor_version="simulator 1",
            accelerators=tuple(extra.get("accelerators", "kvm tcg").split()),
        )
