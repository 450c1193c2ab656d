"""The `Hypervisor` of real hosts: libvirt's QEMU driver."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from uuid import UUID

import libvirt
from lxml import etree

from workers.drivers.base import HostAddress, HostCommands, HostFacts, MachineSpec, MachineState, Power
from workers.drivers.errors import CommandFailed, HypervisorRefused
from workers.drivers.libvirt import console, probe
from workers.drivers.libvirt.connection import Session, connection_to
from workers.drivers.libvirt.machine_xml import TAG_NAMESPACE, HostSide, build_machine, read_tag

_POWERS = {
    libvirt.VIR_DOMAIN_RUNNING: Power.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: Power.RUNNING,
    libvirt.VIR_DOMAIN_SHUTDOWN: Power.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: Power.PAUSED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: Power.PAUSED,
    libvirt.VIR_DOMAIN_SHUTOFF: Power.OFF,
    libvirt.VIR_DOMAIN_CRASHED: Power.OFF,
}
"""A guest that is shutting down still runs: its disks are in use until it is off."""

_UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)


class LibvirtHypervisor:
    """Cheap to make: the connection belongs to the process and is opened by the first call."""

    def __init__(self, host: HostAddress, commands: HostCommands) -> None:
        self._host = host
        self._commands = commands

    def define(self, spec: MachineSpec) -> None:
        def act(session: Session) -> None:
            self._make_console_folder(session)
            host = HostSide(
                console.console_path(self._host.work_dir, spec.uuid),
                frozenset(disk.path for disk in spec.disks if self._takes_direct_io(session, disk.path)),
            )
            session.raw.defineXML(build_machine(spec, host))
            known = MachineState(spec.uuid, spec.name, Power.UNKNOWN, ours=True)
            session.machines[spec.uuid.bytes, spec.name] = known

        connection_to(self._host).call(act)

    def start(self, uuid: UUID, *, paused: bool = False) -> None:
        """A machine that was started paused, or paused itself, runs after a plain start."""

        def act(session: Session) -> None:
            machine = _find(session, uuid)
            try:
                machine.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED if paused else 0)
            except libvirt.libvirtError as error:
                if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID or not machine.isActive():
                    raise
                if not paused and machine.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
                    machine.resume()

        connection_to(self._host).call(act)

    def shutdown(self, uuid: UUID) -> None:
        """libvirt tries the guest's agent if one is connected, and falls back on ACPI."""

        def act(session: Session) -> None:
            with _tolerated(libvirt.VIR_ERR_OPERATION_INVALID):
                _find(session, uuid).shutdownFlags(0)

        connection_to(self._host).call(act)

    def reset(self, uuid: UUID) -> None:
        connection_to(self._host).call(lambda session: _find(session, uuid).reset(0))

    def destroy(self, uuid: UUID) -> None:
        def act(session: Session) -> None:
            with _tolerated(libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID):
                _find(session, uuid).destroyFlags(0)

        connection_to(self._host).call(act)

    def undefine(self, uuid: UUID) -> None:
        """The console's log stays, so that a machine that is put together anew goes on writing to
        it; `remove_console_log` ends it."""

        def act(session: Session) -> None:
            with _tolerated(libvirt.VIR_ERR_NO_DOMAIN):
                machine = _find(session, uuid)
                if machine.isActive():
                    raise HypervisorRefused(f"machine {uuid} is on: only one that is off can be undefined")
                machine.undefineFlags(_UNDEFINE)

        connection_to(self._host).call(act)

    def states(self) -> list[MachineState]:
        """One call, plus one for each machine that this connection has not seen before: whether a
        machine carries our tag is asked once and remembered by its uuid and name."""
        return connection_to(self._host).call(_states)

    def facts(self) -> HostFacts:
        """Memory as the kernel counts it: the sum over NUMA nodes leaves out what was plugged in."""

        def act(session: Session) -> HostFacts:
            self._make_console_folder(session)
            capabilities = etree.fromstring(session.raw.getCapabilities())
            if session.accelerators is None:
                emulator = capabilities.findtext("guest/arch[@name='x86_64']/emulator")
                session.accelerators = (
                    probe.working_accelerators(self._commands, emulator, self._host.work_dir)
                    if emulator
                    else ()
                )
            arch, _, cores, mhz = session.raw.getInfo()[:4]
            memory_kib = session.raw.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)["total"]
            version, library = session.raw.getVersion(), session.raw.getLibVersion()
            return HostFacts(
                hostname=session.raw.getHostname(),
                arch=arch,
                cpu_model=capabilities.findtext("host/cpu/model") or "unknown",
                cpu_cores=cores,
                cpu_mhz=mhz,
                memory_mib=memory_kib // 1024,
                hypervisor_version=f"QEMU {_dotted(version)}, libvirt {_dotted(library)}",
                accelerators=session.accelerators,
            )

        return connection_to(self._host).call(act)

    def console_log(self, uuid: UUID, *, limit_bytes: int = 65536) -> bytes:
        path = console.console_path(self._host.work_dir, uuid)
        return console.read_console(self._commands, path, limit_bytes)

    def remove_console_log(self, uuid: UUID) -> None:
        """Forget what the guest wrote; no error if there is nothing."""
        console.remove_console(self._commands, console.console_path(self._host.work_dir, uuid))

    def drop(self) -> None:
        """End every call that is under way, without waiting for the host."""
        connection_to(self._host).drop()

    close = drop

    def _make_console_folder(self, session: Session) -> None:
        """virtlogd makes no folders. Seen to once for each connection: it costs a command."""
        if not session.console_folder_made:
            folder = console.console_folder(self._host.work_dir)
            result = self._commands.run(["mkdir", "-p", "-m", "0700", folder])
            if result.exit_code:
                raise CommandFailed(result.stderr.decode(errors="replace"))
            session.console_folder_made = True

    def _takes_direct_io(self, session: Session, path: str) -> bool:
        """Whether QEMU can open the disk past the page cache: tmpfs and some FUSE file systems
        cannot, and the machine would not start. Tried once for each folder and connection, on a
        disk that is there."""
        folder = str(PurePosixPath(path).parent)
        if folder not in session.direct_io:
            read = ["dd", f"if={path}", "of=/dev/null", "bs=4096", "count=1", "iflag=direct", "status=none"]
            result = self._commands.run(read)
            if b"No such file" in result.stderr:
                return False
            session.direct_io[folder] = result.exit_code == 0
        return session.direct_io[folder]


def _find(session: Session, uuid: UUID) -> libvirt.virDomain:
    return session.raw.lookupByUUID(uuid.bytes)


@contextlib.contextmanager
def _tolerated(*codes: int) -> Iterator[None]:
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() not in codes:
            raise


def _states(session: Session) -> list[MachineState]:
    seen: dict[tuple[bytes, str], MachineState] = {}
    for machine, stats in session.raw.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0):
        key = machine.UUID(), machine.name()
        power = _POWERS.get(stats.get("state.state"), Power.UNKNOWN)
        known = session.machines.get(key)
        if known is None:
            with _tolerated(libvirt.VIR_ERR_NO_DOMAIN):
                seen[key] = _first_seen(machine, power)
        else:
            seen[key] = known if known.power is power else replace(known, power=power)
    session.machines = seen
    return list(seen.values())


def _first_seen(machine: libvirt.virDomain, power: Power) -> MachineState:
    uuid = UUID(bytes=machine.UUID())
    return MachineState(uuid, machine.name(), power, _carries_our_tag(machine, uuid))


def _carries_our_tag(machine: libvirt.virDomain, uuid: UUID) -> bool:
    try:
        xml = machine.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, TAG_NAMESPACE, 0)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            return False
        raise
    return read_tag(xml) == uuid


def _dotted(version: int) -> str:
    return f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}"
