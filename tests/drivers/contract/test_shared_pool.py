"""What operations rely on where two hosts reach one pool."""

from __future__ import annotations

import pytest

from tests.drivers.contract.kit import IMAGE_BYTES, HostKit
from workers.drivers import connect
from workers.drivers.base import Power, TaskPhase
from workers.drivers.errors import HypervisorRefused


def test_what_one_host_stores_another_finds(kit: HostKit) -> None:
    theirs = connect.primary_storage(kit.peer, kit.pool)
    volume = kit.volume()
    assert volume in theirs.names()
    assert theirs.path(volume) == kit.storage.path(volume)


def test_a_template_is_copied_into_the_pool_once_for_all_hosts(kit: HostKit) -> None:
    theirs = connect.primary_storage(kit.peer, kit.pool)
    image, volume = kit.image(), kit.name("vol")
    assert theirs.import_image("again", kit.source, image, IMAGE_BYTES).phase is TaskPhase.DONE
    theirs.clone(image, volume, IMAGE_BYTES)
    kit.hypervisor.start(kit.machine(volume=volume))
    assert volume in kit.storage.names()


def test_a_machine_of_one_host_is_unknown_to_another(kit: HostKit) -> None:
    machine = kit.running()
    assert machine not in {state.uuid for state in connect.hypervisor(kit.peer).states()}


def test_a_machine_never_runs_on_two_hosts(kit: HostKit) -> None:
    spec, peer = kit.spec(), connect.hypervisor(kit.peer)
    for hypervisor in (kit.hypervisor, peer):
        hypervisor.define(spec)
    kit.hypervisor.start(spec.uuid)
    with pytest.raises(HypervisorRefused):
        peer.start(spec.uuid)
    assert kit.power(spec.uuid) is Power.RUNNING
    assert [state.power for state in peer.states() if state.uuid == spec.uuid] == [Power.OFF]


def test_a_machine_that_is_off_starts_on_another_host(kit: HostKit) -> None:
    spec, peer = kit.spec(), connect.hypervisor(kit.peer)
    kit.hypervisor.define(spec)
    kit.hypervisor.start(spec.uuid)
    kit.hypervisor.destroy(spec.uuid)
    kit.hypervisor.undefine(spec.uuid)
    peer.define(spec)
    peer.start(spec.uuid)
    assert [state.power for state in peer.states() if state.uuid == spec.uuid] == [Power.RUNNING]
    assert kit.power(spec.uuid) is None
