"""Copies of a machine by virt-clone: how ten machines are made where nothing of this kind is in place."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from uuid import UUID, uuid4

import libvirt
from lxml import etree

from bench.bare import URI, Pattern, machine_xml


class Original:
    """A machine that is off, with a disk of its own; and its clones. Gone at the end of the block."""

    def __init__(self, pattern: Pattern, conn: libvirt.virConnect) -> None:
        self._pattern, self._conn = pattern, conn
        self._disk = pattern.pool / "original.qcow2"
        self._seed = pattern.pool / "original.iso"
        self._names: list[str] = []

    def __enter__(self) -> Original:
        source = self._pattern.pool / self._pattern.image
        convert = ["qemu-img", "convert", "-O", "qcow2", "--", str(source), str(self._disk)]
        subprocess.run(convert, check=True)
        self._seed.write_bytes(self._pattern.seed)
        root, iso = self._pattern.spec.disks
        disks = [replace(root, path=str(self._disk)), replace(iso, path=str(self._seed))]
        spec = replace(self._pattern.spec, uuid=uuid4(), name="original", disks=disks)
        xml = etree.fromstring(machine_xml(spec, self._pattern))
        etree.strip_elements(xml, "log")  # clones would all write to it
        self._machine = self._conn.defineXML(etree.tostring(xml, encoding="unicode"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove_clones()
        self._machine.undefine()
        self._disk.unlink()
        self._seed.unlink()

    def clone_and_start(self, count: int) -> list[UUID]:
        """One after another, as a script does it: virt-clone, virsh start."""
        for number in range(count):
            name = f"clone-{number}"
            self._names.append(name)
            copy = ["virt-clone", "--quiet", "--connect", URI, "--original", "original", "--name", name]
            subprocess.run([*copy, "--auto-clone"], check=True, stdout=subprocess.DEVNULL)
            start = ["virsh", "--quiet", "--connect", URI, "start", name, "--paused"]
            subprocess.run(start, check=True, stdout=subprocess.DEVNULL)
        return [UUID(bytes=self._conn.lookupByName(name).UUID()) for name in self._names]

    def remove_clones(self) -> None:
        while self._names:
            try:
                machine = self._conn.lookupByName(self._names.pop())
            except libvirt.libvirtError:
                continue
            disk = etree.fromstring(machine.XMLDesc()).xpath("string(devices/disk/source/@file)")
            if machine.isActive():
                machine.destroy()
            machine.undefine()
            if disk != str(self._disk):
                Path(str(disk)).unlink()
