"""The guest network contract."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.drivers.contract.kit import HostKit
from workers.drivers.base import NicSpec, Power
from workers.drivers.errors import HypervisorRefused


def test_plugging_and_unplugging_may_be_repeated(kit: HostKit) -> None:
    spec = kit.spec()
    (nic,) = spec.nics
    for act in (kit.network.unplug, kit.network.plug, kit.network.plug):
        act(spec.uuid, nic)
    kit.hypervisor.define(spec)
    kit.hypervisor.start(spec.uuid)
    assert kit.power(spec.uuid) is Power.RUNNING
    kit.hypervisor.destroy(spec.uuid)
    for act in (kit.network.unplug, kit.network.unplug, kit.network.plug):
        act(spec.uuid, nic)
    kit.hypervisor.start(spec.uuid)
    assert kit.power(spec.uuid) is Power.RUNNING
    kit.network.unplug(spec.uuid, nic)


@pytest.mark.parametrize("bridge", ["nosuchbr0", "", "../../etc", "br0;reboot", "a" * 64])
def test_a_bridge_that_the_host_does_not_have_is_refused(kit: HostKit, bridge: str) -> None:
    with pytest.raises(HypervisorRefused):
        kit.network.plug(uuid4(), NicSpec("52:54:00:aa:bb:03", bridge))


def test_a_card_of_a_bridge_now_gone_can_be_unplugged(kit: HostKit) -> None:
    machine, nic = uuid4(), NicSpec("52:54:00:aa:bb:04", "nosuchbr0")
    kit.network.unplug(machine, nic)
    with pytest.raises(HypervisorRefused):
        kit.network.plug(machine, nic)
