"""An address belongs to one NIC at a time, and rests before the next one gets it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.network import addresses
from apps.network.models import IpAddress, Network
from tests.factories import make_pod, make_zone

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def network(count: int) -> Network:
    zone = make_zone(hosts=0, clusters=0, pods=0, pool=None)
    return make_pod(zone, addresses=count).network


def claim(where: Network) -> IpAddress | None:
    with transaction.atomic():
        key = addresses.claim(where.pk, uuid4())
    return IpAddress.objects.get(pk=key) if key else None


def test_every_address_is_claimed_once_and_then_there_is_none() -> None:
    here, there = network(20), network(5)
    taken = [claim(here) for _ in range(20)]
    assert {row.number for row in taken if row} == set(here.addresses.values_list("number", flat=True))
    assert claim(here) is None
    assert not there.addresses.exclude(holder=None).exists()


def test_a_nic_that_has_an_address_keeps_it() -> None:
    where, nic = network(5), uuid4()
    assert addresses.claim(where.pk, nic) == addresses.claim(where.pk, nic)
    assert IpAddress.objects.filter(holder=nic).count() == 1


def test_picks_start_anywhere() -> None:
    where = network(200)
    assert [row.number for row in map(claim, [where] * 12) if row] != sorted(
        where.addresses.values_list("number", flat=True)
    )[:12]


def test_a_released_address_rests_before_it_is_claimed_again() -> None:
    where, nic = network(1), uuid4()
    addresses.claim(where.pk, nic)
    before = timezone.now()
    addresses.release(nic)
    row = where.addresses.get()
    assert row.holder is None
    assert row.free_after
    assert row.free_after - before >= timedelta(seconds=settings.IP_REUSE_SECONDS)
    assert claim(where) is None
    where.addresses.update(free_after=timezone.now())
    again = claim(where)
    assert again
    assert again.free_after is None


def test_the_gateway_is_never_among_the_addresses() -> None:
    where = network(3)
    last = str(where.addresses.order_by("number").last())
    count = addresses.create_range(where, where.gateway, where.gateway)
    assert (count, last.endswith(".4")) == (0, True)
