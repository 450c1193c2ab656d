"""From a `MachineSpec` to libvirt's XML, and from our tag in it back to a UUID.

Always a q35 machine with virtio devices. libvirt fills in what is not said here (addresses, the
versioned machine type) and keeps it, so that a machine looks the same to its guest for life.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from lxml import etree
from lxml.builder import ElementMaker

from workers.drivers.base import DiskSpec, MachineSpec, NicSpec
from workers.drivers.errors import HypervisorRefused

TAG_NAMESPACE = "https://cloudportal/xmlns/machine/1"
SPARE_PORTS = 4
"""PCIe root ports left free: q35 takes a disk or card at run time only into an empty port."""

_OWN_PORTS = 3
"""Ports for the devices every machine has: virtio-serial, random numbers, balloon."""

_TCG_FEATURES = ("cx16", "lahf_lm", "popcnt", "ssse3", "sse4.1", "sse4.2")
"""With these, qemu64 is an x86-64-v2 processor, which several distributions ask for."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class _Maker(Protocol):
    """lxml's element maker, which brings no types."""

    def __call__(self, tag: str, *children: object, **attributes: str) -> etree._Element: ...

    def __getattr__(self, tag: str) -> Callable[..., etree._Element]: ...


E: _Maker = ElementMaker()
_TAG: _Maker = ElementMaker(namespace=TAG_NAMESPACE, nsmap={"cloudportal": TAG_NAMESPACE})


@dataclass(frozen=True, slots=True)
class HostSide:
    """What the host decides: where the console's log goes, which disks bypass the page cache."""

    console_path: str
    direct_paths: frozenset[str] = frozenset()


def build_machine(spec: MachineSpec, host: HostSide) -> str:
    """`HypervisorRefused` for what XML cannot carry or a machine cannot have."""
    if len(spec.disks) > len(_LETTERS):
        raise HypervisorRefused(f"a machine takes at most {len(_LETTERS)} disks")
    try:
        root = _machine(spec, host)
    except ValueError as error:
        raise HypervisorRefused(f"machine {spec.uuid}: {error}") from error
    return etree.tostring(root, pretty_print=True, encoding="unicode")


def read_tag(xml: str) -> UUID | None:
    """The UUID in our metadata element. A copy of a machine that was made by hand still carries
    the original's, so it is ours only where it equals the machine's own."""
    try:
        return UUID(etree.fromstring(xml).get("uuid", ""))
    except (ValueError, etree.XMLSyntaxError):
        return None


def _machine(spec: MachineSpec, host: HostSide) -> etree._Element:
    root = E.domain(
        E.name(spec.name),
        E.uuid(str(spec.uuid)),
        *([E.title(spec.title)] if spec.title else []),
        E.metadata(_TAG.machine(uuid=str(spec.uuid))),
        E.memory(str(spec.memory_mib), unit="MiB"),
        E.vcpu(str(spec.vcpus), placement="static"),
        E.os(E.type("hvm", arch=spec.arch, machine="q35"), E.boot(dev="hd"), E.bootmenu(enable="no")),
        E.features(E.acpi(), E.apic(), E.vmport(state="off")),
        _cpu(spec),
        _clock(),
        E.on_poweroff("destroy"),
        E.on_reboot("restart"),
        E.on_crash("destroy"),
        E.pm(E("suspend-to-mem", enabled="no"), E("suspend-to-disk", enabled="no")),
        _devices(spec, host),
        type="kvm" if spec.accelerator == "kvm" else "qemu",
    )
    etree.cleanup_namespaces(root, keep_ns_prefixes=["cloudportal"])
    return root


def _cpu(spec: MachineSpec) -> etree._Element:
    """KVM: the host's processor by its named model, so that it can migrate to a like host.
    Emulated: the plainest model that current distributions run on; more features cost time."""
    topology = E.topology(sockets="1", cores=str(spec.vcpus), threads="1")
    if spec.accelerator == "kvm":
        return E.cpu(topology, mode="host-model", check="partial")
    features = [E.feature(policy="require", name=name) for name in _TCG_FEATURES]
    no_nesting = E.feature(policy="disable", name="svm")
    model = E.model("qemu64", fallback="forbid")
    return E.cpu(model, topology, *features, no_nesting, mode="custom", match="exact", check="none")


def _clock() -> etree._Element:
    return E.clock(
        E.timer(name="rtc", tickpolicy="catchup"),
        E.timer(name="pit", tickpolicy="delay"),
        E.timer(name="hpet", present="no"),
        offset="utc",
    )


def _devices(spec: MachineSpec, host: HostSide) -> etree._Element:
    """The VNC server listens on a socket file of its own: no port to run out of, and nobody else
    who is logged in on the host can connect."""
    ports = len(spec.disks) + len(spec.nics) + _OWN_PORTS + SPARE_PORTS
    return E.devices(
        E.controller(type="usb", model="none"),
        E.controller(type="pci", index="0", model="pcie-root"),
        *[
            E.controller(type="pci", index=str(index), model="pcie-root-port")
            for index in range(1, ports + 1)
        ],
        *_disks(spec.disks, host),
        *[_nic(nic) for nic in spec.nics],
        E.serial(E.log(file=host.console_path, append="on"), E.target(port="0"), type="pty"),
        E.console(E.target(type="serial", port="0"), type="pty"),
        E.channel(E.target(type="virtio", name="org.qemu.guest_agent.0"), type="unix"),
        E.graphics(E.listen(type="socket"), type="vnc"),
        E.video(E.model(type="vga")),
        E.memballoon(model="virtio"),
        E.rng(E.backend("/dev/urandom", model="random"), model="virtio"),
    )


def _disks(disks: Sequence[DiskSpec], host: HostSide) -> list[etree._Element]:
    """virtio-blk throughout, the seed included: small kernels have no AHCI driver."""
    return [
        _disk(disk, f"vd{letter}", direct=disk.path in host.direct_paths)
        for disk, letter in zip(disks, _LETTERS, strict=False)
    ]


def _disk(disk: DiskSpec, target: str, *, direct: bool) -> etree._Element:
    driver = E.driver(name="qemu", type=disk.format, cache="none" if direct else "writeback")
    if not disk.read_only:
        driver.set("discard", "unmap")
    element = E.disk(
        driver, E.source(file=disk.path), E.target(dev=target, bus="virtio"), type="file", device="disk"
    )
    if disk.read_only:
        element.append(E.readonly())
    if disk.serial:
        element.append(E.serial(disk.serial))
    return element


def _nic(nic: NicSpec) -> etree._Element:
    return E.interface(
        E.mac(address=nic.mac),
        E.source(bridge=nic.bridge),
        E.model(type="virtio"),
        E.mtu(size=str(nic.mtu)),
        type="bridge",
    )
