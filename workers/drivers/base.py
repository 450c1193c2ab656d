"""The contract between operations and the world: specs, reports and protocols.

Every verb is idempotent (doing it again, or finding it half done, is fine), is keyed by our
own UUID or by a name made from it, and raises only `workers.drivers.errors.DriverError`.
A verb blocks for no longer than `DEADLINES` allows; whatever takes longer is a host task.
libvirt calls its guests "domains"; on this side of the boundary they are machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

QUICK_SECONDS = 20.0
DEADLINES: Mapping[str, float] = {"start": 60.0, "destroy": 60.0, "import_image": 30.0, "write_seed": 30.0}
"""Seconds a verb may block; verbs not named here have QUICK_SECONDS."""


class Power(StrEnum):
    """What a hypervisor says of a machine."""

    RUNNING = "running"
    PAUSED = "paused"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """One disk as the machine sees it. `path` is absolute on the host."""

    path: str
    format: Literal["qcow2", "raw"] = "qcow2"
    read_only: bool = False
    serial: str = ""


@dataclass(frozen=True, slots=True)
class NicSpec:
    """One network card. `bridge` is a bridge on the host, `mac` is ours and unique."""

    mac: str
    bridge: str
    address: str = ""
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """All a hypervisor needs to define a machine. Disks and NICs are in the guest's order."""

    uuid: UUID
    name: str
    vcpus: int
    memory_mib: int
    disks: Sequence[DiskSpec]
    nics: Sequence[NicSpec]
    accelerator: Literal["kvm", "tcg"] = "tcg"
    arch: str = "x86_64"
    title: str = ""


@dataclass(frozen=True, slots=True)
class MachineState:
    """One row of a host's bulk report. `ours` is whether it carries our tag."""

    uuid: UUID
    name: str
    power: Power
    ours: bool


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a host says of itself. `accelerators` are those that really booted something."""

    hostname: str
    arch: str
    cpu_model: str
    cpu_cores: int
    cpu_mhz: int
    memory_mib: int
    hypervisor_version: str
    accelerators: Sequence[str] = ("tcg",)


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """A storage pool's size as its file system reports it."""

    capacity_bytes: int
    used_bytes: int


class TaskPhase(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """Where a host task stands. `percent` is 0 to 100, or None while it cannot be told."""

    phase: TaskPhase
    percent: int | None = None
    exit_code: int | None = None
    output: str = ""


@dataclass(frozen=True, slots=True)
class CommandResult:
    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class HostAddress:
    """How to reach a host. `uri` is libvirt's; a host without `address` is this machine.

    `private_key_path` names a 0600 file; `host_key` is the recorded public key, as
    "ssh-ed25519 AAAA...". `simulator_path` is the shared state file of simulated hosts.
    """

    uuid: UUID
    name: str
    driver: Literal["libvirt", "simulator"]
    address: str = ""
    port: int = 22
    username: str = "root"
    private_key_path: str = ""
    host_key: str = ""
    uri: str = "qemu:///system"
    simulator_path: str = ""
    work_dir: str = "/var/lib/cloudportal"
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system that a server exports and a host mounts. `kind` is mount's own word ("nfs",
    "glusterfs"), `source` its "server:/path". What is ours lies in `folder`, a folder inside the file
    system: where nothing is mounted it is not there, so nobody writes below an empty mount point."""

    kind: str
    source: str
    point: str
    options: str

    @property
    def folder(self) -> str:
        return f"{self.point}/cloudportal"


@dataclass(frozen=True, slots=True)
class PoolAddress:
    """A primary storage pool. `path` is where its hosts have it, the same on each of them; with `mount`
    that is its folder, once it is mounted."""

    uuid: UUID
    path: str
    driver: str = "directory"
    mount: Mount | None = None


class Hypervisor(Protocol):
    """Machines on one host. Keyed by machine UUID."""

    def define(self, spec: MachineSpec) -> None:
        """Make the machine known to the host, replacing an older definition of the same UUID."""

    def start(self, uuid: UUID, *, paused: bool = False) -> None:
        """Power on a defined machine; no error if it runs. Unknown: MachineNotFound."""

    def shutdown(self, uuid: UUID) -> None:
        """Ask the guest to power off (ACPI, or its agent). Returns at once; no error if it is off."""

    def reset(self, uuid: UUID) -> None:
        """Press the reset button of a running machine."""

    def destroy(self, uuid: UUID) -> None:
        """Power off at once; no error if it is off or unknown."""

    def undefine(self, uuid: UUID) -> None:
        """Forget a machine that is off; no error if it is unknown."""

    def states(self) -> list[MachineState]:
        """Every machine of the host in one bulk call, ours or not."""

    def facts(self) -> HostFacts:
        """What the host is made of."""

    def console_log(self, uuid: UUID, *, limit_bytes: int = 65536) -> bytes:
        """The end of what the guest wrote to its serial console; empty if it never started."""

    def remove_console_log(self, uuid: UUID) -> None:
        """Forget what the guest wrote; no error if there is nothing. Undefining alone keeps it."""


class HostCommands(Protocol):
    """Commands and small files on one host: argument lists, a deadline, a verified host key."""

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = QUICK_SECONDS
    ) -> CommandResult:
        """Run and wait. A non-zero exit code is returned, not raised."""

    def write_file(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        """Write to a temporary name beside `path`, then rename over it."""

    def read_file(self, path: str, *, offset: int = 0, limit: int = 65536) -> bytes:
        """At most `limit` bytes from `offset` (negative: from the end). Missing: ObjectMissing."""

    def remove(self, path: str) -> None:
        """Remove a file or a folder's tree; no error if it is not there."""

    def close(self) -> None: ...


class HostTasks(Protocol):
    """Long commands that outlive the worker that began them: detached on the host, in a folder
    named by job and step, holding the pid with its start time, the progress and the exit code."""

    def start(self, task_id: str, argv: Sequence[str]) -> TaskStatus:
        """Attach to the task of this id, or start it. Never runs a second copy."""

    def status(self, task_id: str) -> TaskStatus: ...

    def cancel(self, task_id: str) -> bool:
        """Ask it to end, by force on later calls; True once it is certain that it has ended."""

    def forget(self, task_id: str) -> None:
        """Remove the folder of a task that has ended."""


class PrimaryStorage(Protocol):
    """Images, volumes and seeds in one pool, as one host reaches it. Names are ours, without
    a slash: "tpl-<uuid>", "vol-<uuid>", "seed-<uuid>"."""

    def import_image(self, task_id: str, source_path: str, image: str, size_bytes: int) -> TaskStatus:
        """Copy an inspected qcow2 from secondary storage into the pool: start it or attach to it."""

    def cancel_import(self, task_id: str, image: str) -> bool:
        """End a copy that is under way and remove what it wrote; True once both are certain."""

    def clone(self, image: str, volume: str, size_bytes: int) -> None:
        """A thin volume of `size_bytes` on top of `image`; kept as it is if it exists."""

    def write_seed(self, seed: str, data: bytes) -> None:
        """Store a machine's seed image, replacing an older one."""

    def delete(self, name: str) -> None:
        """Remove an image, volume or seed; no error if it is not there."""

    def path(self, name: str) -> str:
        """Where a machine of this host finds it."""

    def names(self) -> set[str]:
        """All names of ours that exist in the pool: for audits and tests."""

    def facts(self) -> PoolFacts: ...


class Mounts(Protocol):
    """File systems of other machines on one host."""

    def mount(self, mount: Mount) -> None:
        """See that it is mounted and that our folder in it is there. What is mounted from elsewhere at
        the same point is unmounted first, unless it is in use."""


class NetworkDriver(Protocol):
    """Guest networks on one host."""

    def plug(self, machine: UUID, nic: NicSpec) -> None:
        """See that the host can carry this NIC (the bridge is there and up), and prepare its port."""

    def unplug(self, machine: UUID, nic: NicSpec) -> None:
        """Take back what `plug` prepared for this NIC; no error if there is nothing."""
