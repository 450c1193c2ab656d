"""What a contract test needs of a host, whichever driver is behind it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from workers.drivers import connect
from workers.drivers.base import (
    DiskSpec,
    HostAddress,
    HostCommands,
    HostTasks,
    Hypervisor,
    MachineSpec,
    NetworkDriver,
    NicSpec,
    PoolAddress,
    Power,
    PrimaryStorage,
    TaskPhase,
    TaskStatus,
)

IMAGE_BYTES = 8 * 2**20
PATIENCE_SECONDS = 60.0


def until(condition: Callable[[], bool]) -> bool:
    """Look again until it holds; False when patience is over."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@dataclass
class HostKit:
    """One host with its drivers. `source` is an inspected image where imports find one,
    `missing_source` where there is none; `folder` is a folder of the host for a test's files;
    `peer` is another host that reaches the same pool."""

    host: HostAddress
    pool: PoolAddress
    bridge: str
    folder: str
    source: str
    missing_source: str
    add_foreign: Callable[[], UUID]
    small_pool: Callable[[], PoolAddress]
    peer: HostAddress
    accelerator: str = "tcg"
    hypervisor: Hypervisor = field(init=False)
    commands: HostCommands = field(init=False)
    tasks: HostTasks = field(init=False)
    storage: PrimaryStorage = field(init=False)
    network: NetworkDriver = field(init=False)
    _machines: list[UUID] = field(default_factory=list)
    _objects: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hypervisor = connect.hypervisor(self.host)
        self.commands = connect.commands(self.host)
        self.tasks = connect.tasks(self.host)
        self.storage = connect.primary_storage(self.host, self.pool)
        self.network = connect.network(self.host)

    @contextmanager
    def clean(self) -> Iterator[HostKit]:
        """Afterwards the host holds nothing that the test made through the kit."""
        try:
            yield self
        finally:
            for hypervisor in (self.hypervisor, connect.hypervisor(self.peer)):
                for machine in self._machines:
                    hypervisor.destroy(machine)
                    hypervisor.undefine(machine)
            for name in self._objects:
                self.storage.delete(name)
            self._machines.clear()
            self._objects.clear()

    def name(self, kind: str) -> str:
        """A new name in the pool: kind is tpl, vol or seed."""
        name = f"{kind}-{uuid4()}"
        self._objects.append(name)
        return name

    def await_import(self, storage: PrimaryStorage, task_id: str, image: str, source: str = "") -> TaskStatus:
        """Import an image and look at it until it has ended."""
        last: list[TaskStatus] = []

        def ended() -> bool:
            last.append(storage.import_image(task_id, source or self.source, image, IMAGE_BYTES))
            return last[-1].phase is not TaskPhase.RUNNING

        assert until(ended), last[-1]
        return last[-1]

    def await_task(self, task_id: str) -> TaskStatus:
        assert until(lambda: self.tasks.status(task_id).phase is not TaskPhase.RUNNING)
        return self.tasks.status(task_id)

    def image(self) -> str:
        name = self.name("tpl")
        assert self.await_import(self.storage, f"import-{name}", name).phase is TaskPhase.DONE
        return name

    def volume(self, image: str = "") -> str:
        name = self.name("vol")
        self.storage.clone(image or self.image(), name, IMAGE_BYTES)
        return name

    def spec(self, *, volume: str = "", **changes: object) -> MachineSpec:
        """A machine of one disk and one card, cleaned away with the test. Its disk is new unless
        `volume` names one that exists, or that is missing."""
        uuid = uuid4()
        self._machines.append(uuid)
        parts = uuid.bytes
        mac = f"52:54:00:{parts[0]:02x}:{parts[1]:02x}:{parts[2]:02x}"
        values: dict[str, object] = {
            "uuid": uuid,
            "name": f"i-{uuid}",
            "vcpus": 1,
            "memory_mib": 64,
            "disks": (DiskSpec(self.storage.path(volume or self.volume())),),
            "nics": (NicSpec(mac, self.bridge),),
            "accelerator": self.accelerator,
        }
        return MachineSpec(**(values | changes))  # type: ignore[arg-type]

    def machine(self, **changes: object) -> UUID:
        """A machine that is defined and off."""
        spec = self.spec(**changes)  # type: ignore[arg-type]
        self.hypervisor.define(spec)
        return spec.uuid

    def running(self) -> UUID:
        machine = self.machine()
        self.hypervisor.start(machine)
        return machine

    def power(self, machine: UUID) -> Power | None:
        """None if the host does not know it."""
        return next((state.power for state in self.hypervisor.states() if state.uuid == machine), None)
