"""Machines made by hand, the way a short script would: the floors of what a deploy takes."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import libvirt
from lxml import etree

from workers.drivers.base import MachineSpec
from workers.drivers.libvirt.connection import start_event_loop
from workers.drivers.libvirt.machine_xml import HostSide, build_machine

URI = "qemu:///system"
STARTED_SECONDS = 60.0


class Starts:
    """Hears from libvirt when machines have started, on the bench's own clock."""

    def __init__(self) -> None:
        start_event_loop()
        self._raw = libvirt.open(URI)
        self._heard = threading.Condition()
        self._times: dict[UUID, float] = {}
        self._raw.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._hear, None)

    def _hear(self, _conn: object, machine: libvirt.virDomain, event: int, *_: object) -> None:
        if event == libvirt.VIR_DOMAIN_EVENT_STARTED:
            now = time.perf_counter()
            with self._heard:
                self._times[UUID(bytes=machine.UUID())] = now
                self._heard.notify_all()

    def last_of(self, uuids: Sequence[UUID]) -> float:
        """The moment at which the last of these machines had started, on time.perf_counter's clock."""
        with self._heard:
            if not self._heard.wait_for(lambda: all(u in self._times for u in uuids), STARTED_SECONDS):
                raise TimeoutError(f"not started after {STARTED_SECONDS:g} s")
            return max(self._times[uuid] for uuid in uuids)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the machines by hand are copies of: one that the product deployed. `pool` and `image` are
    the folder and the file that its volume lies in and on; `seed` is the content of its seed."""

    spec: MachineSpec
    direct: bool
    pool: Path
    image: str
    volume_bytes: int
    seed: bytes


@dataclass(frozen=True, slots=True)
class BareMachine:
    """One machine to be made, with what does not count as making it ready beforehand."""

    uuid: UUID
    overlay: Path
    seed: Path
    xml: str
    pattern: Pattern

    @classmethod
    def of(cls, pattern: Pattern) -> BareMachine:
        uuid = uuid4()
        overlay, seed = pattern.pool / f"bare-{uuid}.qcow2", pattern.pool / f"bare-{uuid}.iso"
        root, iso = pattern.spec.disks
        spec = replace(
            pattern.spec,
            uuid=uuid,
            name=f"bare-{uuid}",
            disks=[replace(root, path=str(overlay)), replace(iso, path=str(seed))],
            nics=[
                replace(nic, mac=f"52:54:00:{uuid.hex[:2]}:{uuid.hex[2:4]}:{uuid.hex[4:6]}")
                for nic in pattern.spec.nics
            ],
        )
        return cls(uuid, overlay, seed, machine_xml(spec, pattern), pattern)

    def make(self, conn: libvirt.virConnect) -> None:
        """The same overlay, seed, definition and paused start as the product's, and nothing else."""
        create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", self.pattern.image]
        subprocess.run([*create, "--", self.overlay, str(self.pattern.volume_bytes)], check=True)
        self.seed.write_bytes(self.pattern.seed)
        conn.defineXML(self.xml).createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)

    def remove(self, conn: libvirt.virConnect) -> None:
        machine = conn.lookupByUUID(self.uuid.bytes)
        machine.destroy()
        machine.undefine()
        self.overlay.unlink()
        self.seed.unlink()


def _mac(uuid: UUID) -> str:
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in uuid.bytes[:3])


def machine_xml(spec: MachineSpec, pattern: Pattern) -> str:
    """The product's own XML without its tag: host sync is to take no notice."""
    direct = frozenset(disk.path for disk in spec.disks) if pattern.direct else frozenset[str]()
    console = pattern.pool / f"console-{spec.uuid}.log"
    root = etree.fromstring(build_machine(spec, HostSide(str(console), direct)))
    for tag in root.findall("metadata"):
        root.remove(tag)
    return etree.tostring(root, encoding="unicode")


class BareHost:
    """Open connections to libvirt, one for each thread of the loop."""

    def __init__(self, threads: int) -> None:
        start_event_loop()
        self._conns = [libvirt.open(URI) for _ in range(threads)]
        self.first = self._conns[0]

    def make(self, machines: Sequence[BareMachine]) -> None:
        """All of them, shared out to the threads as these come free."""
        self._each(machines, BareMachine.make)

    def remove(self, machines: Sequence[BareMachine]) -> None:
        self._each(machines, BareMachine.remove)

    def _each(
        self, machines: Sequence[BareMachine], act: Callable[[BareMachine, libvirt.virConnect], None]
    ) -> None:
        waiting = list(machines)

        def work(conn: libvirt.virConnect) -> None:
            while waiting:
                try:
                    machine = waiting.pop()
                except IndexError:
                    return
                act(machine, conn)

        with ThreadPoolExecutor(len(self._conns)) as threads:
            for done in [threads.submit(work, conn) for conn in self._conns]:
                done.result()


def pattern_of(spec: MachineSpec, *, direct: bool, image: str, volume_bytes: int) -> Pattern:
    """From the product's spec of a machine whose seed is there to be read."""
    root, seed = spec.disks
    pool = Path(root.path).parent
    return Pattern(spec, direct, pool, image, volume_bytes, Path(seed.path).read_bytes())
