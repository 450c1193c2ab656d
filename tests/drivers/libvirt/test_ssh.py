"""The SSH transport trusts one key and reads nobody's configuration."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from workers.drivers.base import HostAddress
from workers.drivers.errors import AccessDenied, DriverError, HostKeyMismatch, HypervisorRefused
from workers.drivers.libvirt.ssh import SshTransport, kill_child

HOST = HostAddress(
    uuid=uuid4(),
    name="kvm1",
    driver="libvirt",
    address="192.0.2.7",
    port=2222,
    private_key_path="/srv/keys/with space & 100%",
    host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA comment",
)


def ssh_arguments(program: Path, folder: Path) -> list[str]:
    """What the program hands to ssh, found by giving it another ssh."""
    spy = folder / "ssh"
    spy.write_text(f"#!{sys.executable}\nimport sys\nprint('\\0'.join(sys.argv[1:]), end='')\n")
    spy.chmod(0o700)
    search = {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = [str(program), "-p", "2222", "--", "192.0.2.7"]
    done = subprocess.run(command, env=search, capture_output=True, check=True)
    return done.stdout.decode().split("\0")


def test_ssh_is_told_whom_to_trust_and_what_to_ignore(tmp_path: Path) -> None:
    transport = SshTransport(HOST)
    try:
        program = Path(parse_qs(urlsplit(transport.uri).query)["command"][0])
        arguments = ssh_arguments(program, tmp_path)
        known_hosts = program.with_name("known_hosts")
        assert known_hosts.read_text() == "cloudportal-host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA\n"
        assert arguments[:2] == ["-F", "none"]
        assert arguments[-4:] == ["-p", "2222", "--", "192.0.2.7"]
        assert {
            "StrictHostKeyChecking=yes",
            "HostKeyAlias=cloudportal-host",
            f'UserKnownHostsFile="{known_hosts}"',
            "GlobalKnownHostsFile=/dev/null",
            "UpdateHostKeys=no",
            'IdentityFile="/srv/keys/with space & 100%%"',
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "BatchMode=yes",
        } <= set(arguments)
        assert stat.S_IMODE(program.parent.stat().st_mode) == 0o700
        assert transport.pid() is not None
    finally:
        transport.remove()
    assert not program.parent.exists()


@pytest.mark.parametrize(
    ("changes", "where", "socket"),
    [
        ({}, "root@192.0.2.7:2222", None),
        ({"address": "2001:db8::7", "port": 22}, "root@[2001:db8::7]:22", None),
        ({"uri": "qemu+unix:///system?socket=/run/a b"}, "root@192.0.2.7:2222", ["/run/a b"]),
    ],
)
def test_the_uri_names_host_and_socket(changes: dict[str, object], where: str, socket: object) -> None:
    transport = SshTransport(replace(HOST, **changes))  # type: ignore[arg-type]
    transport.remove()
    parts = urlsplit(transport.uri)
    assert (parts.scheme, parts.netloc, parts.path) == ("qemu+ssh", where, "/system")
    assert parse_qs(parts.query).get("socket") == socket


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"host_key": ""}, HostKeyMismatch),
        ({"host_key": "ssh-ed25519"}, HostKeyMismatch),
        ({"host_key": "ssh-ed25519 AAAA\n* ssh-rsa BBBB"}, None),
        ({"host_key": "@cert-authority AAAA"}, HostKeyMismatch),
        ({"host_key": "* ssh-ed25519 AAAA"}, HostKeyMismatch),
        ({"private_key_path": ""}, AccessDenied),
        ({"private_key_path": "key"}, AccessDenied),
        ({"private_key_path": '/a"b'}, AccessDenied),
        ({"address": "-oProxyCommand=reboot"}, HypervisorRefused),
        ({"address": "a b"}, HypervisorRefused),
        ({"address": "a/../b?command=c"}, HypervisorRefused),
        ({"address": "host\n"}, HypervisorRefused),
        ({"username": "-l"}, HypervisorRefused),
        ({"username": "root@evil"}, HypervisorRefused),
    ],
)
def test_an_address_cannot_smuggle_anything_in(
    changes: dict[str, object], error: type[DriverError] | None
) -> None:
    host = replace(HOST, **changes)  # type: ignore[arg-type]
    if error is not None:
        with pytest.raises(error):
            SshTransport(host)
        return
    transport = SshTransport(host)
    program = Path(parse_qs(urlsplit(transport.uri).query)["command"][0])
    lines = program.with_name("known_hosts").read_text().splitlines()
    transport.remove()
    assert len(lines) == 1


def test_only_an_own_child_is_killed() -> None:
    kill_child(None)
    kill_child(os.getppid())
    kill_child(2**22 + 1)
    child = subprocess.Popen(["sleep", "600"])
    kill_child(child.pid)
    assert child.wait(timeout=10) == -9
