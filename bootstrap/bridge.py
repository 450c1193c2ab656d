"""The demo zone's host-only bridge: no uplink, a private /24 that no route of this machine touches."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.terminal import capture

CANDIDATES = [ipaddress.IPv4Network(f"10.77.{third}.0/24") for third in range(32)]
ALIAS = "cloudportal"


def free_subnet(taken: Iterable[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    """The first candidate that overlaps nothing in `taken`."""
    used = list(taken)
    for candidate in CANDIDATES:
        if not any(candidate.overlaps(network) for network in used):
            return candidate
    raise CheckFailed(
        "10.77.0.0/24 to 10.77.31.0/24 are all routed here", repair="ip -4 route show table all"
    )


def taken_subnets() -> list[ipaddress.IPv4Network]:
    """Every destination this machine routes somewhere, in all tables, the default route aside."""
    routes = json.loads(_ip("-4", "-json", "route", "show", "table", "all"))
    destinations = {route["dst"] for route in routes} - {"default"}
    return [ipaddress.IPv4Network(destination, strict=False) for destination in destinations]


class Bridge:
    """A bridge of ours, marked by its alias with the installation's name."""

    def __init__(self, name: str, subnet: str, owner: str) -> None:
        self.name = name
        self.subnet = ipaddress.IPv4Network(subnet)
        self._alias = f"{ALIAS}:{owner}"
        self._link = Path("/sys/class/net") / name

    @property
    def gateway(self) -> str:
        return str(self.subnet[1])

    def is_ours(self) -> bool:
        alias = self._link / "ifalias"
        return alias.exists() and alias.read_text().strip() == self._alias

    def is_up(self) -> bool:
        """Whether it is there as we make it: ours, up, with the gateway's address."""
        if not self.is_ours():
            return False
        (link,) = json.loads(_ip("-json", "address", "show", "dev", self.name))
        addresses = [entry["local"] for entry in link.get("addr_info", [])]
        return "UP" in link["flags"] and self.gateway in addresses

    def create(self) -> None:
        """Make it, or complete one that was half made: a bare bridge that nobody has named or used."""
        if self._link.exists() and not self.is_ours() and not self._is_bare():
            raise CheckFailed(f"{self.name} exists and is not ours", repair=f"ip link delete {self.name}")
        if not self._link.exists():
            _ip("link", "add", self.name, "type", "bridge", "forward_delay", "0")
        _ip("link", "set", self.name, "alias", self._alias)
        Path(f"/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6").write_text("1")
        _ip("address", "replace", f"{self.gateway}/{self.subnet.prefixlen}", "dev", self.name)
        _ip("link", "set", self.name, "up")

    def _is_bare(self) -> bool:
        ports = self._link / "brif"
        alias = (self._link / "ifalias").read_text().strip()
        return ports.exists() and not alias and not any(ports.iterdir())

    def remove(self) -> None:
        if self.is_ours():
            _ip("link", "delete", self.name)


def free_name() -> str:
    """cpbr0, or the next name that no link has."""
    for number in range(100):
        name = f"cpbr{number}"
        if not Path(f"/sys/class/net/{name}").exists():
            return name
    raise CheckFailed("cpbr0 to cpbr99 are taken", repair="ip link show type bridge")


def _ip(*arguments: str) -> str:
    return capture(["ip", *arguments], what=f"ip {' '.join(arguments)}", repair=f"ip {' '.join(arguments)}")
