"""The tiny guest on a real KVM host: what the portal's own drivers make of it."""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.guest.machine import wait_for
from tests.lab import Lab
from workers.drivers import connect
from workers.drivers.base import DiskSpec, Hypervisor, MachineSpec, NicSpec, PoolAddress, Power
from workers.seed import SeedNic, SeedSpec, build_seed

pytestmark = pytest.mark.lab

MAC = "52:54:00:67:75:65"


@pytest.fixture
def driver(lab: Lab) -> Hypervisor:
    return connect.hypervisor(lab.address(0))


@pytest.fixture
def machine(lab: Lab, driver: Hypervisor, image: Path) -> Iterator[MachineSpec]:
    """A defined machine on a thin clone of the image, with a seed and an address in the guest network."""
    uuid = uuid4()
    pool = lab.shared / f"pool-{uuid}"
    pool.mkdir()
    shutil.copy(image, pool / "tpl-tiny")
    storage = connect.primary_storage(lab.address(0), PoolAddress(uuid, str(pool)))
    storage.clone("tpl-tiny", f"vol-{uuid}", 1024**3)
    prefix = lab.guest_network.prefixlen
    nic = SeedNic(MAC, f"{lab.guest_network[230]}/{prefix}", lab.guest_gateway, (lab.guest_gateway,))
    seed = SeedSpec(str(uuid), "on-a-host", networks=[nic])
    storage.write_seed(f"seed-{uuid}", build_seed(seed))
    spec = MachineSpec(
        uuid=uuid,
        name=f"i-{uuid}",
        vcpus=1,
        memory_mib=192,
        disks=(
            DiskSpec(storage.path(f"vol-{uuid}")),
            DiskSpec(storage.path(f"seed-{uuid}"), format="raw", read_only=True),
        ),
        nics=(NicSpec(MAC, lab.guest_bridge),),
    )
    driver.define(spec)
    yield spec
    driver.destroy(uuid)
    driver.undefine(uuid)
    shutil.rmtree(pool)


def test_it_answers_at_its_address_and_turns_off_when_asked(
    lab: Lab, driver: Hypervisor, machine: MachineSpec
) -> None:
    address = str(lab.guest_network[230])
    ready = f"cloudportal guest ready: on-a-host {address} ".encode()
    driver.start(machine.uuid)
    wait_for(lambda: ready in driver.console_log(machine.uuid), "the ready line", 90)
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request("GET", "/")
    assert str(machine.uuid) in connection.getresponse().read().decode()
    connection.close()
    driver.shutdown(machine.uuid)
    wait_for(
        lambda: (machine.uuid, Power.OFF) in [(state.uuid, state.power) for state in driver.states()],
        "the machine to be off",
        20,
    )
