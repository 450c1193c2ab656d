"""The kit of a real KVM host: the first one of the lab, the second as its peer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from tests.drivers.contract.kit import IMAGE_BYTES, HostKit
from workers.drivers.base import PoolAddress

if TYPE_CHECKING:
    from tests.lab import Lab, LabHost


def _write_image(host: LabHost, source: Path) -> None:
    """Full of data, so that a small pool has no room for it; nothing that could boot."""
    raw = source.with_suffix(".raw")
    raw.write_bytes(b"\0" * 512 + os.urandom(IMAGE_BYTES - 512))
    host.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(source)])
    raw.unlink()


@pytest.fixture(scope="package")
def real_kit(lab: Lab) -> Iterator[HostKit]:
    host = lab.hosts[0]
    folder = lab.shared / f"contract-{uuid4().hex[:8]}"
    foreign: list[UUID] = []
    for name in ("primary", "small", "files"):
        (folder / name).mkdir(parents=True)
    source = folder / "empty.qcow2"
    _write_image(host, source)

    def add_foreign() -> UUID:
        uuid = uuid4()
        xml = (
            f"<domain type='qemu'><name>foreign-{uuid}</name><uuid>{uuid}</uuid>"
            "<memory unit='MiB'>32</memory><os><type machine='q35'>hvm</type></os></domain>"
        )
        host.run(["virsh", "define", "/dev/stdin"], stdin=xml)
        host.run(["virsh", "start", str(uuid)])
        foreign.append(uuid)
        return uuid

    def small_pool() -> PoolAddress:
        path = str(folder / "small")
        if host.run(["mountpoint", "-q", path], check=False).returncode:
            host.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", path])
        return PoolAddress(uuid4(), path)

    kit = HostKit(
        host=lab.address(0),
        pool=PoolAddress(uuid4(), str(folder / "primary")),
        bridge=lab.guest_bridge,
        folder=str(folder / "files"),
        source=str(source),
        missing_source=str(folder / "missing.qcow2"),
        add_foreign=add_foreign,
        small_pool=small_pool,
        peer=lab.address(1),
    )
    yield kit
    for uuid in foreign:
        host.run(["virsh", "destroy", str(uuid)], check=False)
        host.run(["virsh", "undefine", str(uuid)])
    host.run(["umount", str(folder / "small")], check=False)
