"""Pods with their networks: subnets, ranges, addresses."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.actor import Actor
from apps.core import sql
from apps.core.constraints import insert
from apps.core.errors import Conflict, InvalidInput, NameTaken, ObjectInUse
from apps.core.messages import explain
from apps.network import addresses
from apps.network.models import IpAddress, Network
from apps.network.services import change_pod, create_pod, remove_pod
from apps.network.subnets import MAX_ADDRESSES, clean_subnet
from apps.zones.models import Pod, Zone
from tests import factories

OPERATOR = Actor.system("a test")
GOOD: dict[str, Any] = {
    "name": "pod",
    "cidr": "10.9.0.0/16",
    "gateway": "10.9.0.1",
    "guest_start": "10.9.1.0",
    "guest_end": "10.9.1.255",
    "bridge": "br0",
}


@pytest.fixture
def zone(db: None) -> Zone:
    return factories.make_zone(hosts=0, pods=0, clusters=0, pool=None)


def test_a_pod_comes_with_its_network_and_addresses(zone: Zone) -> None:
    Zone.objects.filter(pk=zone.pk).update(dns=["10.0.0.53"])
    zone.refresh_from_db()
    pod = create_pod(OPERATOR, zone=zone, **GOOD)
    network = Network.objects.get(pod=pod)
    assert (network.cidr, network.gateway, network.zone.dns) == ("10.9.0.0/16", "10.9.0.1", ["10.0.0.53"])
    found = IpAddress.objects.filter(network=network).order_by("number")
    assert found.count() == 256
    assert (found[0].address, found[255].address) == ("10.9.1.0", "10.9.1.255")
    assert addresses.free().count() == 256


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        ({"cidr": "10.9.0.0"}, "cidr", "not_a_subnet"),
        ({"cidr": "10.9.0.5/16"}, "cidr", "not_a_subnet"),
        ({"cidr": "10.0.0.0/7"}, "cidr", "not_a_subnet"),
        ({"cidr": "10.9.0.0/31"}, "cidr", "not_a_subnet"),
        ({"cidr": "fd00::/64"}, "cidr", "not_a_subnet"),
        ({"cidr": "10.9.0.0/16/16"}, "cidr", "not_a_subnet"),
        ({"gateway": "10.8.0.1"}, "gateway", "outside_subnet"),
        ({"gateway": "10.9.0.0"}, "gateway", "outside_subnet"),
        ({"gateway": "10.9.255.255"}, "gateway", "outside_subnet"),
        ({"gateway": "10.9.1.7"}, "guest_start", "range_holds_gateway"),
        ({"guest_start": "10.9.2.0"}, "guest_end", "range_reversed"),
        ({"guest_end": "10.10.0.0"}, "guest_end", "outside_subnet"),
        ({"bridge": "br 0"}, "bridge", "not_a_bridge"),
        ({"bridge": "b" * 16}, "bridge", "not_a_bridge"),
        ({"bridge": "0br"}, "bridge", "not_a_bridge"),
        ({"mtu": 9217}, "mtu", "out_of_range"),
        ({"name": ""}, "name", "blank"),
    ],
)
def test_a_network_that_could_not_work_is_refused(
    zone: Zone, change: dict[str, Any], place: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        create_pod(OPERATOR, zone=zone, **{**GOOD, **change})
    assert (caught.value.place, caught.value.params["reason"]) == (place, reason)
    assert not Pod.objects.exists()
    assert not IpAddress.objects.exists()


def addresses_of(pod: Pod) -> list[str]:
    rows = IpAddress.objects.filter(network__pod=pod).order_by("number")
    return list(rows.values_list("address", flat=True))


def test_a_pod_changes_its_ranges_and_keeps_what_is_held(zone: Zone) -> None:
    small = {**GOOD, "guest_start": "10.9.1.10", "guest_end": "10.9.1.12"}
    pod = create_pod(OPERATOR, zone=zone, **small, reserved_start="10.9.0.10", reserved_end="10.9.0.20")
    held = uuid4()
    IpAddress.objects.filter(address="10.9.1.12").update(holder=held)
    change_pod(OPERATOR, pod, name="renamed", guest_start="10.9.1.12", guest_end="10.9.1.14", bridge="br1")
    assert addresses_of(pod) == ["10.9.1.12", "10.9.1.13", "10.9.1.14"]
    network = Network.objects.get(pod=pod)
    assert (network.name, network.bridge) == ("renamed", "br1")
    with pytest.raises(ObjectInUse):
        change_pod(OPERATOR, pod, guest_start="10.9.1.13")
    pod.refresh_from_db()
    assert (pod.guest_start, pod.reserved_start) == ("10.9.1.12", "10.9.0.10")
    assert IpAddress.objects.get(address="10.9.1.12").holder == held
    change_pod(OPERATOR, pod, reserved_start=None, reserved_end=None)
    pod.refresh_from_db()
    assert (pod.reserved_start, pod.reserved_last) == (None, None)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_address_that_is_claimed_while_the_range_shrinks_stays(transactional_db: None) -> None:
    zone = factories.make_zone(hosts=0, pods=0, clusters=0, pool=None)
    pod = create_pod(OPERATOR, zone=zone, **GOOD)
    outcomes: list[object] = []

    def shrink() -> None:
        try:
            outcomes.append(change_pod(OPERATOR, pod, guest_end="10.9.1.100"))
        except ObjectInUse as error:
            outcomes.append(error.params["counts"])
        finally:
            connection.close()

    shrinking = threading.Thread(target=shrink)
    with transaction.atomic():
        IpAddress.objects.filter(address="10.9.1.200").update(holder=uuid4())
        shrinking.start()
        while shrinking.is_alive() and not sql.rows("SELECT 1 FROM pg_locks WHERE NOT granted", {}):
            pass
    shrinking.join(60)
    assert outcomes == [{"IP address": 1}]
    assert addresses_of(pod)[-1] == "10.9.1.255"


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        ({"reserved_start": "10.8.0.1", "reserved_end": "10.9.0.20"}, "reserved_start", "outside_subnet"),
        ({"reserved_start": "10.9.0.20", "reserved_end": "10.9.0.10"}, "reserved_end", "range_reversed"),
        ({"reserved_start": "10.9.0.1", "reserved_end": "10.9.0.9"}, "reserved_start", "range_holds_gateway"),
        ({"reserved_start": "10.9.0.9", "reserved_end": "10.9.1.0"}, "reserved_start", "ranges_overlap"),
        ({"reserved_end": "10.9.0.9"}, "reserved_start", "not_an_ipv4_address"),
    ],
)
def test_a_reserved_range_lies_apart(zone: Zone, change: dict[str, Any], place: str, reason: str) -> None:
    pod = create_pod(OPERATOR, zone=zone, **GOOD)
    with pytest.raises(InvalidInput) as caught:
        change_pod(OPERATOR, pod, **change)
    assert (caught.value.place, caught.value.params["reason"]) == (place, reason)


@pytest.mark.databases
@pytest.mark.parametrize(
    ("gateway", "guest", "reserved"),
    [
        ("10.8.0.1", ("10.9.1.0", "10.9.1.9"), None),
        ("10.9.0.1", ("10.9.1.9", "10.9.1.0"), None),
        ("10.9.0.1", ("10.9.1.0", "10.10.0.0"), None),
        ("10.9.1.5", ("10.9.1.0", "10.9.1.9"), None),
        ("10.9.0.1", ("10.9.1.0", "10.9.1.9"), ("10.9.0.0", "10.9.0.9")),
        ("10.9.0.5", ("10.9.1.0", "10.9.1.9"), ("10.9.0.2", "10.9.0.9")),
        ("10.9.0.1", ("10.9.1.0", "10.9.1.9"), ("10.9.1.9", "10.9.1.12")),
    ],
)
def test_the_database_itself_refuses_ranges_that_cannot_be(
    zone: Zone, gateway: str, guest: tuple[str, str], reserved: tuple[str, str] | None
) -> None:
    pod = Pod(zone=zone, name="pod")
    pod.set_subnet(cidr="10.9.0.0/16", gateway=gateway, guest=guest, reserved=reserved)
    with pytest.raises(Conflict) as caught:
        insert(pod)
    assert explain("conflict", caught.value.params).detail != explain("conflict").detail


def test_a_range_may_hold_65536_addresses_and_no_more(zone: Zone) -> None:
    body: dict[str, Any] = {"cidr": "10.0.0.0/8", "gateway": "10.0.0.1", "guest_start": "10.1.0.0"}
    subnet = clean_subnet(zone, guest_end="10.1.255.255", **body)
    assert subnet.guest[1] == "10.1.255.255"
    assert MAX_ADDRESSES == 65536
    with pytest.raises(InvalidInput) as caught:
        clean_subnet(zone, guest_end="10.2.0.0", **body)
    assert caught.value.params["reason"] == "range_too_large"


def test_pods_of_a_zone_do_not_overlap_but_zones_may(zone: Zone) -> None:
    create_pod(OPERATOR, zone=zone, **GOOD)
    for cidr in ("10.9.0.0/16", "10.9.1.0/24", "10.0.0.0/8"):
        with pytest.raises(InvalidInput) as caught:
            create_pod(OPERATOR, zone=zone, **{**GOOD, "name": "other", "cidr": cidr})
        assert caught.value.params == {"reason": "subnet_overlaps", "cidr": "10.9.0.0/16", "pod": "pod"}
    elsewhere = factories.make_zone(hosts=0, pods=0, clusters=0, pool=None)
    assert create_pod(OPERATOR, zone=elsewhere, **GOOD).zone == elsewhere


def test_a_taken_name_leaves_no_addresses(zone: Zone) -> None:
    create_pod(OPERATOR, zone=zone, **GOOD)
    with pytest.raises(NameTaken):
        create_pod(
            OPERATOR,
            zone=zone,
            **{
                **GOOD,
                "name": "POD",
                "cidr": "10.8.0.0/24",
                "gateway": "10.8.0.1",
                "guest_start": "10.8.0.2",
                "guest_end": "10.8.0.9",
            },
        )
    assert IpAddress.objects.count() == 256


def test_an_empty_pod_goes_with_its_network(zone: Zone) -> None:
    pod = create_pod(OPERATOR, zone=zone, **GOOD)
    taken = addresses.claim(pod.network.pk, zone.uuid)
    assert taken is not None
    with pytest.raises(ObjectInUse) as caught:
        remove_pod(OPERATOR, pod)
    assert caught.value.params["counts"] == {"IP address": 1}
    addresses.release(zone.uuid)
    remove_pod(OPERATOR, pod)
    assert not Pod.objects.exists()
    assert not Network.objects.exists()
    assert not IpAddress.objects.exists()


def test_a_pod_with_a_cluster_stays(zone: Zone) -> None:
    pod = create_pod(OPERATOR, zone=zone, **GOOD)
    factories.make_cluster(pod)
    with pytest.raises(ObjectInUse):
        remove_pod(OPERATOR, pod)
    assert IpAddress.objects.count() == 256


@given(text=st.text(max_size=40))
def test_no_text_is_more_than_refused(text: str) -> None:
    """Whatever is given for an address is an address or InvalidInput, never another error."""
    zone = Zone(pk=None)
    with pytest.raises(InvalidInput):
        clean_subnet(zone, cidr=text, gateway=text, guest_start=text, guest_end=text)
