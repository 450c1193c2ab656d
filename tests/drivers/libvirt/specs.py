"""Machines that golden files and schema checks are made of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lxml import etree

from workers.drivers.base import DiskSpec, MachineSpec, NicSpec
from workers.drivers.libvirt.machine_xml import HostSide

_POOL = "/srv/pool"


def parse(xml: str) -> Any:
    """A root element that tests may walk without asking at each step whether it is there."""
    return etree.fromstring(xml)


def _uuid(number: int) -> UUID:
    return UUID(f"00000000-0000-4000-8000-{number:012d}")


SPECS: dict[str, tuple[MachineSpec, HostSide]] = {
    "emulated": (
        MachineSpec(
            uuid=_uuid(1),
            name=f"i-{_uuid(1)}",
            vcpus=1,
            memory_mib=192,
            disks=(
                DiskSpec(f"{_POOL}/vol-1", serial="vol-1"),
                DiskSpec(f"{_POOL}/seed-1", format="raw", read_only=True),
            ),
            nics=(NicSpec("52:54:00:00:00:01", "cpbr0"),),
            title="A first <machine> & more",
        ),
        HostSide(f"/var/lib/cloudportal/console/{_uuid(1)}.log"),
    ),
    "kvm_two_disks_two_cards": (
        MachineSpec(
            uuid=_uuid(2),
            name=f"i-{_uuid(2)}",
            vcpus=8,
            memory_mib=16384,
            disks=(DiskSpec(f"{_POOL}/vol-2"), DiskSpec("/tmpfs/vol-3", format="raw")),
            nics=(
                NicSpec("52:54:00:00:00:02", "cpbr0"),
                NicSpec("52:54:00:00:00:03", "storage", mtu=9000),
            ),
            accelerator="kvm",
        ),
        HostSide(f"/var/lib/cloudportal/console/{_uuid(2)}.log", frozenset({f"{_POOL}/vol-2"})),
    ),
    "bare": (
        MachineSpec(
            uuid=_uuid(3), name=f"i-{_uuid(3)}", vcpus=2, memory_mib=512, disks=(), nics=(), title="Ωμέγα"
        ),
        HostSide(f"/var/lib/cloudportal/console/{_uuid(3)}.log"),
    ),
}
