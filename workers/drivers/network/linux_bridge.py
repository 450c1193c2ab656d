"""Guest networks as Linux bridges that the host already has."""

from __future__ import annotations

import re
from uuid import UUID

from workers.drivers.base import HostCommands, NicSpec
from workers.drivers.errors import HypervisorRefused, ObjectMissing

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}\Z")
_UP = 0x1


class LinuxBridge:
    """libvirt makes and removes a machine's taps; this driver sees that there is a bridge for them.
    It reads the kernel's own files, which on the worker's machine takes no process."""

    def __init__(self, commands: HostCommands) -> None:
        self._commands = commands

    def plug(self, machine: UUID, nic: NicSpec) -> None:
        """`HypervisorRefused` unless the bridge exists, is switched on and carries the card's MTU.

        Switched on, not "up": a bridge has no carrier before its first port, and that may be ours.
        """
        if not _NAME.match(nic.bridge):
            raise HypervisorRefused(f"not the name of a bridge: {nic.bridge[:80]!r}")
        if self._attribute(nic.bridge, "bridge/bridge_id") is None:
            raise HypervisorRefused(f"the host has no bridge {nic.bridge}")
        if not int(self._attribute(nic.bridge, "flags") or "0", 16) & _UP:
            raise HypervisorRefused(f"bridge {nic.bridge} is down: ip link set {nic.bridge} up")
        mtu = int(self._attribute(nic.bridge, "mtu") or "0")
        if mtu < nic.mtu:
            raise HypervisorRefused(f"bridge {nic.bridge} carries {mtu} bytes a packet, not {nic.mtu}")

    def unplug(self, machine: UUID, nic: NicSpec) -> None:
        """Nothing to take back: the tap goes with its machine."""

    def _attribute(self, bridge: str, name: str) -> str | None:
        """An attribute in sysfs; None if the device has none of that name, or is not there."""
        try:
            return self._commands.read_file(f"/sys/class/net/{bridge}/{name}", limit=64).decode().strip()
        except ObjectMissing:
            return None
