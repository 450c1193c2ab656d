"""The step that lets QEMU's user open /dev/kvm, where no device manager has done it.

libvirt asks QEMU what it can do as one user and looks at the device as another; where the two
disagree it asks again before every start, for seconds each time.
"""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

from bootstrap.steps import Step

GROUP = "kvm"
"""Whom Debian gives the device to; QEMU's user is in it."""


class KvmDevice(Step):
    key = "kvm"
    title = "KVM device"

    def __init__(self, device: Path = Path("/dev/kvm")) -> None:
        self._device = device

    def needed(self) -> str | None:
        return None if not self._device.exists() or self._is_open() else f"give it to the group {GROUP}"

    def _is_open(self) -> bool:
        state = self._device.stat()
        for_all = state.st_mode & 0o006 == 0o006
        try:
            group = grp.getgrnam(GROUP).gr_gid
        except KeyError:
            return for_all
        return for_all or (state.st_gid == group and state.st_mode & 0o060 == 0o060)

    def do(self) -> None:
        try:
            os.chown(self._device, -1, grp.getgrnam(GROUP).gr_gid)
            self._device.chmod(stat.S_IMODE(self._device.stat().st_mode) | 0o060)
        except (OSError, KeyError):
            return

    def prove(self) -> str:
        if not self._device.exists():
            return "none; QEMU emulates"
        return (
            f"open to the group {GROUP}" if self._is_open() else "closed to QEMU's user; starts take longer"
        )
