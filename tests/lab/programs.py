"""What a machine must have before it can carry a lab. The lab itself installs nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

PACKAGES = {
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "tini": "tini",
    "sshd": "openssh-server",
    "libvirtd": "libvirt-daemon-system",
    "virtlogd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
}
"""Program -> the Debian package that brings it."""


class LabError(Exception):
    """The lab cannot do what was asked; the message says what to do about it."""


def program(name: str) -> str:
    """The absolute path of a required program (sshd insists on being called by it)."""
    require([name])
    return str(shutil.which(name, path=SEARCH_PATH))


def require(names: Iterable[str] = tuple(PACKAGES)) -> None:
    """LabError with the exact command to run, if a program is missing or we are not root."""
    if os.geteuid() != 0:
        raise LabError("the lab makes namespaces and network links: run it as root")
    missing = sorted({PACKAGES[name] for name in names if shutil.which(name, path=SEARCH_PATH) is None})
    if missing:
        raise LabError(
            f"programs are missing: run  apt-get install --no-install-recommends -y {' '.join(missing)}"
        )
