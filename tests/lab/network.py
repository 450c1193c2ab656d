"""The wires of a lab: one namespace as a switch, joining hosts and the machine that runs the tests.

Two flat networks, neither with an uplink: "management" (the hosts' own addresses) and "guest"
(bridge `cpbr0` on every host). This machine holds the first address of each. Only the two links
to the switch live in its own namespace, so its firewall forwards nothing for us.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab.programs import LabError

GUEST_BRIDGE = "cpbr0"
_POOL = ipaddress.IPv4Network("10.64.0.0/10")
_LOCK = "/run/cloudportal-lab.lock"


@dataclass(frozen=True, slots=True)
class Wiring:
    """Names and ranges of one lab. `prefix` is at most 8 characters: kernel link names end at 15."""

    prefix: str
    management: ipaddress.IPv4Network
    guest: ipaddress.IPv4Network

    @property
    def switch(self) -> str:
        return f"{self.prefix}-sw"

    def namespace(self, number: int) -> str:
        return f"{self.prefix}-h{number}"

    def address(self, number: int) -> str:
        return str(self.management[10 + number])


def ip(*arguments: str) -> str:
    """The output of `ip`; LabError with its own words if it fails."""
    return _ip(arguments)


def ip_batch(lines: Sequence[str], *, namespace: str = "") -> None:
    """Many `ip` commands in one process: the first that fails stops the rest."""
    _ip([*(["-n", namespace] if namespace else []), "-batch", "-"], stdin="\n".join(lines) + "\n")


def _ip(arguments: Sequence[str], stdin: str = "") -> str:
    done = subprocess.run(["ip", *arguments], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def namespaces() -> set[str]:
    return {row["name"] for row in json.loads(ip("-j", "netns", "list") or "[]")}


def processes(namespace: str) -> list[int]:
    """Pids of all that runs in a network namespace; empty if there is no such namespace."""
    if namespace not in namespaces():
        return []
    return [int(pid) for pid in ip("netns", "pids", namespace).split()]


@contextmanager
def _one_lab_at_a_time() -> Iterator[None]:
    """Two labs that start together must not choose the same range."""
    handle = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _free_ranges(seed: int, count: int) -> list[ipaddress.IPv4Network]:
    """`count` /24 ranges that no route of this machine touches, in an order given by `seed`."""
    taken = [
        ipaddress.IPv4Network(row["dst"], strict=False)
        for row in json.loads(ip("-j", "-4", "route", "show", "table", "all") or "[]")
        if row["dst"] != "default"
    ]
    total = 2 ** (24 - _POOL.prefixlen)
    base = int(_POOL.network_address)
    free = []
    for offset in range(total):
        start = base + ((seed + offset) % total) * 256
        candidate = ipaddress.IPv4Network((start, 24))
        if not any(candidate.overlaps(other) for other in taken):
            free.append(candidate)
            if len(free) == count:
                return free
    raise LabError(f"no free /24 is left in {_POOL}: see  ip route show table all")


def build(prefix: str, hosts: int) -> Wiring:
    """Make all links and namespaces, with addresses, up."""
    with _one_lab_at_a_time():
        management, guest = _free_ranges(int(prefix[-6:], 16), 2)
        wiring = Wiring(prefix, management, guest)
        numbers = range(1, hosts + 1)
        ip_batch([f"netns add {name}" for name in (wiring.switch, *map(wiring.namespace, numbers))])
        ip_batch(list(_links(wiring, numbers)))
    ip_batch(list(_switch_side(numbers)), namespace=wiring.switch)
    for number in numbers:
        ip_batch(list(_host_side(wiring, number)), namespace=wiring.namespace(number))
    return wiring


def _links(wiring: Wiring, numbers: Sequence[int]) -> Iterator[str]:
    for kind, network in (("m", wiring.management), ("g", wiring.guest)):
        own = f"{wiring.prefix}{kind}"
        yield f"link add {own} type veth peer name {kind}0 netns {wiring.switch}"
        yield f"address add {network[1]}/{network.prefixlen} dev {own}"
        yield f"link set {own} up"
        for number in numbers:
            inner = {"m": "eth0", "g": "eth1"}[kind]
            yield (
                f"link add name {inner} netns {wiring.namespace(number)} "
                f"type veth peer name {kind}{number} netns {wiring.switch}"
            )


def _switch_side(numbers: Sequence[int]) -> Iterator[str]:
    for kind, bridge in (("m", "management"), ("g", "guest")):
        yield f"link add {bridge} type bridge"
        for number in (0, *numbers):
            yield f"link set {kind}{number} master {bridge} up"
        yield f"link set {bridge} up"


def _host_side(wiring: Wiring, number: int) -> Iterator[str]:
    yield "link set lo up"
    yield f"address add {wiring.address(number)}/{wiring.management.prefixlen} dev eth0"
    yield "link set eth0 up"
    yield f"link add {GUEST_BRIDGE} type bridge"
    yield f"link set eth1 master {GUEST_BRIDGE} up"
    yield f"link set {GUEST_BRIDGE} up"


def remove(prefix: str) -> None:
    """Take away whatever of a lab's wires is there. Its processes must have ended before."""
    links = {row["ifname"] for row in json.loads(ip("-j", "link", "show") or "[]")}
    for link in (f"{prefix}m", f"{prefix}g"):
        if link in links:
            ip("link", "delete", link)
    for name in sorted(namespaces()):
        if name.startswith(f"{prefix}-"):
            ip("netns", "delete", name)
