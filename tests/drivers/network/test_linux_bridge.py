"""A card is plugged only into a bridge that is there, switched on and wide enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest

from tests.lab import Lab
from workers.drivers import connect
from workers.drivers.base import CommandResult, HostAddress, NicSpec
from workers.drivers.errors import DriverError, HypervisorRefused, ObjectMissing
from workers.drivers.hosts.local import LocalCommands
from workers.drivers.network.linux_bridge import LinuxBridge

BRIDGE_UP = {"bridge/bridge_id": b"8000.52540012abcd\n", "flags": b"0x1003\n", "mtu": b"1500\n"}


class KernelFiles(LocalCommands):
    """A host whose kernel has these devices; starting a process there is an error."""

    def __init__(self, **devices: dict[str, bytes]) -> None:
        self._files = {
            f"/sys/class/net/{device}/{name}": data
            for device, attributes in devices.items()
            for name, data in attributes.items()
        }

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 20.0) -> CommandResult:
        raise AssertionError(f"a process was started: {argv}")

    def read_file(self, path: str, *, offset: int = 0, limit: int = 65536) -> bytes:
        try:
            return self._files[path][:limit]
        except KeyError:
            raise ObjectMissing(path) from None


def plug(bridge: str, devices: dict[str, dict[str, bytes]], *, mtu: int = 1500) -> None:
    LinuxBridge(KernelFiles(**devices)).plug(uuid4(), NicSpec("52:54:00:00:00:01", bridge, mtu=mtu))


@pytest.mark.parametrize("mtu", [1280, 1500])
def test_a_bridge_that_is_up_takes_a_card_without_a_process(mtu: int) -> None:
    plug("br0", {"br0": BRIDGE_UP}, mtu=mtu)


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ({}, "no bridge br0"),
        ({"br0": {"flags": b"0x1003", "mtu": b"1500"}}, "no bridge br0"),
        ({"br0": BRIDGE_UP | {"flags": b"0x1002\n"}}, "ip link set br0 up"),
        ({"br0": BRIDGE_UP | {"mtu": b"1442\n"}}, "1442"),
    ],
)
def test_a_bridge_that_will_not_do_is_named_with_the_reason(
    devices: dict[str, dict[str, bytes]], words: str
) -> None:
    with pytest.raises(HypervisorRefused, match=words):
        plug("br0", devices)


@pytest.mark.parametrize("name", ["", ".", "..", "-br0", "br/0", "../br0", "br 0", "br0\n", "a" * 16, "br\0"])
def test_a_name_that_no_bridge_can_have_is_looked_up_nowhere(name: str) -> None:
    with pytest.raises(HypervisorRefused, match="not the name"):
        plug(name, {"br0": BRIDGE_UP})


@pytest.fixture
def bridge(lab: Lab) -> Iterator[str]:
    """A bridge of the first host, without any port and down."""
    name = f"t{uuid4().hex[:8]}"
    lab.hosts[0].run(["ip", "link", "add", name, "type", "bridge"])
    yield name
    lab.hosts[0].run(["ip", "link", "delete", name])


@pytest.mark.lab
def test_a_real_bridge_is_seen_as_the_kernel_has_it(lab: Lab, bridge: str) -> None:
    host: HostAddress = lab.address(0)
    driver = connect.network(host)

    def outcome(name: str, mtu: int = 1500) -> type[DriverError] | None:
        try:
            driver.plug(uuid4(), NicSpec("52:54:00:00:00:01", name, mtu=mtu))
        except DriverError as error:
            return type(error)
        return None

    def switch(word: str) -> None:
        lab.hosts[0].run(["ip", "link", "set", bridge, word])

    assert outcome(bridge) is HypervisorRefused
    switch("up")
    assert outcome(bridge) is None
    assert outcome(bridge, mtu=9000) is HypervisorRefused
    assert outcome("lo") is HypervisorRefused
    switch("down")
    assert outcome(bridge) is HypervisorRefused
