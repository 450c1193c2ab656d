"""Drivers are kept for as long as the host is reached the same way, and closed when it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from apps.accounts import secrets
from apps.zones.models import Host
from tests import factories
from workers import hosts

pytestmark = pytest.mark.django_db


class Connection:
    """A hypervisor that notes that it was closed."""

    closed = False

    def drop(self) -> None:
        self.closed = True


@pytest.fixture
def host() -> Iterator[Host]:
    factories.make_zone()
    host = Host.objects.get()
    yield host
    hosts.drop(host)


def connected(drivers: hosts.Drivers) -> Connection:
    connection = drivers.__dict__["hypervisor"] = Connection()
    return connection


def test_the_drivers_of_a_host_are_kept(host: Host) -> None:
    kept = hosts.drivers_of(host)
    connection = connected(kept)
    assert hosts.drivers_of(Host.objects.get()) is kept
    assert not connection.closed


def test_a_host_with_another_address_gets_other_drivers_and_the_old_ones_are_closed(host: Host) -> None:
    former = hosts.drivers_of(host)
    connection = connected(former)
    host.address = "192.0.2.77"
    found = hosts.drivers_of(host)
    assert found is not former
    assert found.address.address == "192.0.2.77"
    assert connection.closed


def test_a_dropped_host_is_connected_anew(host: Host) -> None:
    former = hosts.drivers_of(host)
    connection = connected(former)
    hosts.drop(host)
    assert connection.closed
    assert hosts.drivers_of(host) is not former


def test_a_host_with_another_private_key_is_logged_in_to_with_that(host: Host) -> None:
    written, opened = [], []
    for text in ("the first", "the second"):
        host.private_key = secrets.seal(Host, host.uuid, "private_key", text)
        written.append(hosts.drivers_of(host))
        assert Path(written[-1].address.private_key_path).read_text() == f"{text}\n"
        opened.append(connected(written[-1]))
    assert [connection.closed for connection in opened] == [True, False]
    host.private_key = ""
    assert hosts.drivers_of(host).address.private_key_path == str(settings.PORTAL_KEY_PATH)
