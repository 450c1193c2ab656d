"""This machine's libvirt: the running one if there is one, otherwise one of our own."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.terminal import capture, run, succeeds

SYSTEMD = Path("/run/systemd/system")
SOCKETS = {"virtlogd": Path("/run/libvirt/virtlogd-sock"), "libvirtd": Path("/run/libvirt/libvirt-sock")}
URI = "qemu:///system"


def answers(daemon: str) -> bool:
    """Whether someone listens on the daemon's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(SOCKETS[daemon]))
        except OSError:
            return False
    return True


def wanted_daemons(kept: list[str], *, supervised: bool) -> list[str]:
    """Which daemons we have to run ourselves. Those we already run (`kept`, while the supervisor is
    up) stay ours; whatever else answers is the machine's."""
    if SYSTEMD.exists():
        return []
    return [name for name in SOCKETS if (supervised and name in kept) or not answers(name)]


def start_by_systemd(log: Path) -> None:
    """Have the machine's service manager run libvirt, now and after a restart."""
    if SYSTEMD.exists() and not answers("libvirtd"):
        run(
            ["systemctl", "enable", "--now", "libvirtd.service"],
            what="starting libvirtd",
            repair="systemctl status libvirtd",
            log=log,
        )


def await_answer(seconds: float = 20.0) -> None:
    """Wait until libvirtd takes connections."""
    limit = time.monotonic() + seconds
    while not answers("libvirtd"):
        if time.monotonic() > limit:
            raise CheckFailed("libvirtd does not answer", repair="libvirtd --verbose")
        time.sleep(0.1)


def prove() -> None:
    if not succeeds(["virsh", "--connect", URI, "version"]):
        raise CheckFailed("libvirt does not answer", repair=f"virsh --connect {URI} version")


def own_machines(storage: Path) -> list[str]:
    """The machines of this host whose disks lie under `storage`, by UUID."""
    listed = _virsh("list", "--all", "--uuid")
    return [uuid for uuid in listed.split() if f"'{storage}/" in _virsh("dumpxml", uuid)]


def others_machines(storage: Path) -> list[str]:
    """The machines of this host whose disks lie elsewhere, by UUID."""
    own = set(own_machines(storage))
    return [uuid for uuid in _virsh("list", "--all", "--uuid").split() if uuid not in own]


def start_alone(daemon: str, log: Path) -> None:
    """Start a daemon that nobody supervises, as the machine's own would be."""
    run([daemon, "--daemon"], what=f"starting {daemon}", repair=f"{daemon} --daemon", log=log)


def remove_machine(uuid: str) -> None:
    """Power off and forget; its disks are removed with the storage folder."""
    succeeds(["virsh", "--connect", URI, "destroy", uuid])
    if not succeeds(
        ["virsh", "--connect", URI, "undefine", uuid, "--managed-save", "--snapshots-metadata"]
    ) and uuid in _virsh("list", "--all", "--uuid"):
        raise CheckFailed(f"machine {uuid} is not removed", repair=f"virsh --connect {URI} undefine {uuid}")


def _virsh(*arguments: str) -> str:
    return capture(
        ["virsh", "--connect", URI, *arguments],
        what="libvirt does not answer",
        repair=f"virsh --connect {URI} {' '.join(arguments)}",
    )
