"""N KVM hosts with two networks and a shared folder between them.

Everything that outlives a process is found by names made from `root`, so `down` needs neither
the process that ran `up` nor its state file.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.lab import boot, network
from tests.lab.host import LabHost
from tests.lab.programs import LabError, require
from workers.drivers.base import HostAddress

__all__ = ["Lab", "LabError"]

MACHINE_SSHD_FOLDER = "/etc/ssh"
_NWFILTER = Path("/etc/libvirt/nwfilter")


class Lab:
    """`root` is a folder of its own, on a short path: libvirt's sockets live below it.

    Inside every host, at the same paths as here: `shared` (one folder for all: primary and
    secondary storage) and `work` (private to each host, empty as seen from here).
    """

    def __init__(self, root: Path, hosts: int = 3) -> None:
        self.root = root.resolve()
        self.prefix = "cl" + hashlib.blake2s(str(self.root).encode(), digest_size=3).hexdigest()
        self.size = hosts
        self.hosts: list[LabHost] = []
        self.wiring: network.Wiring | None = None

    shared = property(lambda self: self.root / "shared")
    work = property(lambda self: self.root / "work")
    private_key = property(lambda self: self.root / "key")
    guest_bridge = network.GUEST_BRIDGE

    @property
    def guest_network(self) -> ipaddress.IPv4Network:
        """The flat network of all guests. Its first address is this machine's: use it as gateway."""
        return self._wired().guest

    @property
    def management_network(self) -> ipaddress.IPv4Network:
        return self._wired().management

    @property
    def guest_gateway(self) -> str:
        return str(self.guest_network[1])

    def _wired(self) -> network.Wiring:
        if self.wiring is None:
            raise LabError("the lab is not up")
        return self.wiring

    def address(self, index: int) -> HostAddress:
        """How the drivers reach host `index`, counted from 0: over SSH."""
        host = self.hosts[index]
        return HostAddress(
            uuid=UUID(host.uuid),
            name=host.name,
            driver="libvirt",
            address=host.address,
            private_key_path=str(self.private_key),
            host_key=host.host_key,
            work_dir=str(self.work),
        )

    def up(self) -> Self:
        """Make the lab and wait until every host is ready. What an earlier run left is taken away."""
        require()
        self.down()
        self._make_folders()
        try:
            self.wiring = network.build(self.prefix, self.size)
            self.hosts = [self._host(number, str(uuid.uuid4())) for number in range(1, self.size + 1)]
            self._equip()
            self._write_state()
            for host in self.hosts:
                host.boot()
            for host in self.hosts:
                host.wait_ready()
        except BaseException:
            self.down()
            raise
        return self

    def attach(self) -> Self:
        """Use a lab that is up already, made by another process."""
        try:
            state = json.loads((self.root / "lab.json").read_text())
        except FileNotFoundError:
            raise LabError(f"no lab at {self.root}: run  python -m tests.lab up") from None
        self.wiring = network.Wiring(
            self.prefix,
            ipaddress.IPv4Network(state["management"]),
            ipaddress.IPv4Network(state["guest"]),
        )
        self.hosts = [self._host(row["number"], row["uuid"], row["host_key"]) for row in state["hosts"]]
        self.size = len(self.hosts)
        return self

    def down(self) -> None:
        """End the lab's processes, remove its links and its folder; no error if there is nothing."""
        known = {host.namespace: host for host in self.hosts}
        for name in network.namespaces():
            if name.startswith(f"{self.prefix}-h"):
                number = int(name.removeprefix(f"{self.prefix}-h"))
                unknown = LabHost(number, name, "", "", name, self.root)
                known.get(name, unknown).power_off()
        network.remove(self.prefix)
        self.hosts, self.wiring = [], None
        if self.root.exists():
            shutil.rmtree(self.root)

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(self, *_: object) -> None:
        self.down()

    def _host(self, number: int, host_uuid: str, host_key: str = "") -> LabHost:
        return LabHost(
            number=number,
            name=f"kvm{number}",
            uuid=host_uuid,
            address=self._wired().address(number),
            namespace=self._wired().namespace(number),
            folder=self.root / "hosts" / f"kvm{number}",
            host_key=host_key,
        )

    def _make_folders(self) -> None:
        self.root.mkdir(parents=True, mode=0o700)
        for folder in (self.shared, self.work):
            folder.mkdir()
        _write_key_pair(self.private_key)

    def _equip(self) -> None:
        """Give each host its own keys, daemons' configuration and folders."""
        for host in self.hosts:
            for name in ("ssh", "libvirt", "state", "log", "cache", "work"):
                (host.folder / name).mkdir(parents=True)
            host.host_key = _write_key_pair(host.folder / "ssh" / "ssh_host_ed25519_key")
        known_hosts = [f"{host.name},{host.address} {host.host_key}" for host in self.hosts]
        names = ["127.0.0.1 localhost", *(f"{host.address} {host.name}" for host in self.hosts)]
        for host in self.hosts:
            _write_ssh_folder(host.folder / "ssh", self.private_key, known_hosts)
            _write_libvirt_folder(host.folder / "libvirt", host.uuid)
            _write_lines(host.folder / "hosts", names)
            _write_lines(host.folder / "passwd", _users_with_a_bare_root())
            _write_lines(host.folder / "shadow", ["root:*:20000:0:99999:7:::"])
            host.write_boot_plan(
                [
                    (host.folder / "ssh", MACHINE_SSHD_FOLDER),
                    (host.folder / "libvirt", "/etc/libvirt"),
                    (host.folder / "state", "/var/lib/libvirt"),
                    (host.folder / "log", "/var/log/libvirt"),
                    (host.folder / "cache", "/var/cache/libvirt"),
                    (host.folder / "work", str(self.work)),
                    (host.folder / "hosts", "/etc/hosts"),
                    (host.folder / "passwd", "/etc/passwd"),
                    (host.folder / "shadow", "/etc/shadow"),
                ]
            )

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "management": str(self.management_network),
            "guest": str(self.guest_network),
            "hosts": [host.record() for host in self.hosts],
        }
        (self.root / "lab.json").write_text(json.dumps(state, indent=2))


def _users_with_a_bare_root() -> list[str]:
    """This machine's users, but root lives in an empty folder: no one's shell profile is sourced."""
    lines = Path("/etc/passwd").read_text().splitlines()
    return [f"root:x:0:0:root:{boot.HOME}:/bin/bash" if line.startswith("root:") else line for line in lines]


def _write_lines(path: Path, lines: Sequence[str], mode: int = 0o644) -> None:
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")
    path.chmod(mode)


def _write_key_pair(path: Path) -> str:
    """A new ed25519 key in OpenSSH's format, 0600; returns its public line."""
    key = Ed25519PrivateKey.generate()
    openssh = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    _write_lines(path, [openssh.decode().rstrip("\n")], mode=0o600)
    _write_lines(path.with_name(path.name + ".pub"), [public.decode()])
    return public.decode()


def _write_ssh_folder(folder: Path, private_key: Path, known_hosts: Sequence[str]) -> None:
    """sshd of one host, and root's way from it to the other hosts (for live migration)."""
    public = private_key.with_name("key.pub").read_text().strip()
    _write_lines(folder / "authorized_keys", [public])
    _write_lines(folder / "id_ed25519", [private_key.read_text().rstrip("\n")], mode=0o600)
    _write_lines(folder / "ssh_known_hosts", known_hosts)
    _write_lines(
        folder / "ssh_config",
        ["Host *", f"  IdentityFile {MACHINE_SSHD_FOLDER}/id_ed25519", "  BatchMode yes"],
    )
    _write_lines(
        folder / "sshd_config",
        [
            f"HostKey {MACHINE_SSHD_FOLDER}/ssh_host_ed25519_key",
            f"AuthorizedKeysFile {MACHINE_SSHD_FOLDER}/authorized_keys",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "UsePAM no",
            "UseDNS no",
            "PidFile /run/sshd.pid",
            "Subsystem sftp internal-sftp",
        ],
    )


def _write_libvirt_folder(folder: Path, host_uuid: str) -> None:
    """No cgroups, no security driver, no device namespace: the machine's own may lack them all."""
    _write_lines(
        folder / "libvirtd.conf",
        [
            f'host_uuid = "{host_uuid}"',
            'auth_unix_rw = "none"',
            'log_outputs = "2:file:/var/log/libvirt/libvirtd.log"',
        ],
    )
    _write_lines(
        folder / "qemu.conf",
        [
            'user = "root"',
            'group = "root"',
            'security_driver = "none"',
            "namespaces = []",
            "cgroup_controllers = []",
            "remember_owner = 0",
        ],
    )
    if _NWFILTER.is_dir():
        shutil.copytree(_NWFILTER, folder / "nwfilter")
