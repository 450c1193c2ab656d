"""The SSH transport of a libvirt connection: OpenSSH, told exactly whom to trust.

libvirt's own `qemu+ssh` takes the known hosts of the worker's user and cannot be given others, so
it is handed a small program to run in place of ssh. That program knows one host key, the recorded
one, and one private key. The libssh transport would check the key as well, but its sockets are out
of reach: an ssh process can be killed, which frees a thread that hangs on a host that is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from workers.drivers.base import HostAddress
from workers.drivers.errors import AccessDenied, HostKeyMismatch, HypervisorRefused

CONNECT_SECONDS = 10

_ADDRESS = re.compile(r"[A-Za-z0-9:][A-Za-z0-9.:_%-]{0,252}\Z")
_USERNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")
_HOST_KEY = re.compile(r"[a-z][a-z0-9@.-]* [A-Za-z0-9+/]+={0,3}\Z")
_ALIAS = "cloudportal-host"
"""The name that ssh looks the host key up by, so that neither address nor port matters."""


class SshTransport:
    """A folder of its own, 0700, that lives while a connection is being opened."""

    def __init__(self, host: HostAddress) -> None:
        _check(host)
        self._folder = Path(tempfile.mkdtemp(prefix="cloudportal-ssh-", dir=_folder_of_programs(host)))
        known_hosts = self._folder / "known_hosts"
        known_hosts.write_text(f"{_ALIAS} {' '.join(host.host_key.split()[:2])}\n")
        self._program = self._folder / "ssh"
        self._program.write_text(self._script(host, known_hosts))
        self._program.chmod(0o700)
        self.uri = _uri(host, str(self._program))

    def _script(self, host: HostAddress, known_hosts: Path) -> str:
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(CONNECT_SECONDS),
            "GlobalKnownHostsFile": "/dev/null",
            "HostKeyAlias": _ALIAS,
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": _quoted(host.private_key_path),
            "LogLevel": "ERROR",
            "PasswordAuthentication": "no",
            "ServerAliveCountMax": "3",
            "ServerAliveInterval": "5",
            "StrictHostKeyChecking": "yes",
            "UpdateHostKeys": "no",
            "UserKnownHostsFile": _quoted(str(known_hosts)),
        }
        arguments = ["ssh", "-F", "none"]
        for name, value in options.items():
            arguments += ["-o", f"{name}={value}"]
        return f'#!/bin/sh\necho $$ >{shlex.quote(str(self._pid_file))}\nexec {shlex.join(arguments)} "$@"\n'

    @property
    def _pid_file(self) -> Path:
        return self._folder / "pid"

    def pid(self) -> int | None:
        """The ssh process that libvirt started; None before that."""
        try:
            return int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def kill_child(pid: int | None) -> None:
    """End an ssh process at once, if it is still a child of this one: a pid that libvirt has
    reaped may be somebody else's by now."""
    if pid is None:
        return
    with contextlib.suppress(OSError, IndexError):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if int(after_name[1]) == os.getpid():
            os.kill(pid, signal.SIGKILL)


def _check(host: HostAddress) -> None:
    if not host.host_key:
        raise HostKeyMismatch(f"no host key is recorded for {host.name}")
    if not _HOST_KEY.match(" ".join(host.host_key.split()[:2])):
        raise HostKeyMismatch(f"the host key recorded for {host.name} is not a public key")
    if not host.private_key_path:
        raise AccessDenied(f"no private key is given for {host.name}")
    if not _ADDRESS.match(host.address) or not _USERNAME.match(host.username):
        raise HypervisorRefused(f"not an address: {host.username!r} at {host.address!r}")
    if '"' in host.private_key_path or not host.private_key_path.startswith("/"):
        raise AccessDenied("the private key's path must be absolute and without quotes")


def _quoted(path: str) -> str:
    """A path as ssh's options take it: it would expand percent signs and split at spaces."""
    return '"' + path.replace("%", "%%") + '"'


def _uri(host: HostAddress, program: str) -> str:
    """`host.uri` on the far side may name another socket: `qemu+unix:///system?socket=/path`."""
    parts = urlsplit(host.uri)
    query = {"command": program, "no_tty": "1"}
    if sockets := parse_qs(parts.query).get("socket"):
        query["socket"] = sockets[0]
    address = f"[{host.address}]" if ":" in host.address else host.address
    return f"qemu+ssh://{host.username}@{address}:{host.port}{parts.path}?{urlencode(query)}"


def _folder_of_programs(host: HostAddress) -> str:
    """Where a program may be run from: /tmp, unless it is mounted noexec."""
    folders = [tempfile.gettempdir(), str(Path(host.private_key_path).parent)]
    for folder in folders:
        if not os.statvfs(folder).f_flag & os.ST_NOEXEC:
            return folder
    raise HypervisorRefused(f"no folder to run a program from: {' and '.join(folders)} are noexec")
