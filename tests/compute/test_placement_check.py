"""The check before a machine is made: what can never be, what is full now, what fits."""

from __future__ import annotations

import pytest

from apps.compute import placement
from apps.core.errors import CloudError, InsufficientCapacity, InvalidInput
from apps.zones.models import HostState
from tests.compute.test_placement import change, hosts_of, request
from tests.factories import make_cluster, make_hosts, make_zone

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def test_a_check_passes_what_fits_and_writes_nothing() -> None:
    zone = make_zone()
    placement.check(request(zone))
    assert hosts_of(zone)[0].allocated_vcpus == 0


def test_a_check_tells_what_can_never_be_held_from_what_is_full() -> None:
    zone = make_zone(hosts=2, clusters=2)
    with pytest.raises(InvalidInput) as caught:
        placement.check(request(zone, vcpus=33))
    assert (caught.value.place, caught.value.params["reason"]) == ("offering", "offering_too_large")
    change(hosts_of(zone)[0], capacity_vcpus=64, state=HostState.DISCONNECTED)
    with pytest.raises(InsufficientCapacity) as full:
        placement.check(request(zone, vcpus=33))
    assert full.value.params["reason"] == "host_down"


def test_a_larger_host_of_another_architecture_does_not_count() -> None:
    zone = make_zone()
    other = make_cluster(hosts_of(zone)[0].pod, arch="aarch64")
    make_hosts(other, 1, capacity_vcpus=64)
    with pytest.raises(InvalidInput, match="offering_too_large"):
        placement.check(request(zone, vcpus=33))
    placement.check(request(zone, arch="aarch64", vcpus=33, disk_bytes=0))


def test_a_check_of_a_disabled_zone_names_the_zone() -> None:
    zone = make_zone()
    change(zone, enabled=False)
    with pytest.raises(InvalidInput) as caught:
        placement.check(request(zone))
    assert (caught.value.place, caught.value.params["reason"]) == ("zone", "zone_disabled")


def test_a_zone_without_hosts_says_so() -> None:
    zone = make_zone(hosts=0)
    with pytest.raises(CloudError) as caught:
        placement.check(request(zone))
    assert caught.value.params["reason"] == "no_hosts"
