"""`far`: a lab host over SSH, `near`: the same host through its socket, as on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.lab import Lab
from workers.drivers.base import HostAddress


@pytest.fixture
def far(lab: Lab) -> Iterator[HostAddress]:
    from workers.drivers.libvirt.connection import connection_to

    host = lab.address(0)
    yield host
    connection_to(host).drop()


@pytest.fixture
def near(lab: Lab, far: HostAddress) -> Iterator[HostAddress]:
    from workers.drivers.libvirt.connection import connection_to

    socket = lab.hosts[0].seen("/run/libvirt/libvirt-sock")
    host = replace(far, address="", uri=f"qemu+unix:///system?socket={socket}")
    yield host
    connection_to(host).drop()
