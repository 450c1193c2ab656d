"""Claiming and releasing guest addresses.

A pick starts at a random number, so that many claims at once do not meet at the lowest free one;
the claim itself is one conditional UPDATE.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from ipaddress import IPv4Address
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.core import sql
from apps.core.errors import ObjectInUse
from apps.network.models import IpAddress, Network

_ATTEMPTS = 8


def free() -> QuerySet[IpAddress]:
    """Addresses that may be claimed now."""
    return IpAddress.objects.filter(holder=None).filter(
        Q(free_after=None) | Q(free_after__lte=timezone.now())
    )


_CLAIM = """
WITH first AS (SELECT number FROM network_ipaddress WHERE network_id = %(network)s ORDER BY number LIMIT 1),
last AS (SELECT number FROM network_ipaddress WHERE network_id = %(network)s ORDER BY number DESC LIMIT 1)
UPDATE network_ipaddress SET holder = %(holder)s, free_after = NULL
WHERE id = coalesce(
    (SELECT id FROM network_ipaddress WHERE holder = %(holder)s),
    (SELECT id FROM network_ipaddress
     WHERE network_id = %(network)s AND holder IS NULL AND (free_after IS NULL OR free_after <= %(now)s)
       AND number >= (SELECT first.number + CAST(%(luck)s * (last.number - first.number) AS bigint)
                      FROM first, last)
     ORDER BY number LIMIT 1 {skip}))
  AND (holder IS NULL OR holder = %(holder)s)
RETURNING id
"""


def claim(network_id: int, holder: UUID) -> int | None:
    """The key of an address of the network for the Nic `holder`; of its own if it has one; None if all
    are taken. Call it in a transaction."""
    params = {
        "network": network_id,
        "holder": IpAddress._meta.get_field("holder").get_db_prep_value(holder, connection),
        "now": connection.ops.adapt_datetimefield_value(timezone.now()),
    }
    skip = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    for _attempt in range(_ATTEMPTS):
        # First pass by what others are about to take; only the last free ones are worth a wait.
        for luck, unless_locked in ((random.random(), skip), (0.0, "")):  # noqa: S311 - guards nothing
            if claimed := sql.rows(_CLAIM.format(skip=unless_locked), {**params, "luck": luck}):
                key: int = claimed[0][0]
                return key
        if not free().filter(network_id=network_id).exists():
            return None
    return None


def release(holder: UUID) -> None:
    """Give the Nic's address back; nobody gets it for IP_REUSE_SECONDS."""
    rest = timezone.now() + timedelta(seconds=settings.IP_REUSE_SECONDS)
    IpAddress.objects.filter(holder=holder).update(holder=None, free_after=rest)


def create_range(network: Network, start: str, end: str) -> int:
    """Make the addresses from `start` to `end`, both included, free to claim. Returns how many."""
    return _create(network, range(int(IPv4Address(start)), int(IPv4Address(end)) + 1))


_FORGET = """
DELETE FROM network_ipaddress
WHERE network_id = %(network)s AND holder IS NULL AND NOT number BETWEEN %(first)s AND %(last)s
"""
"""In one statement: Django would read the keys first, and take with them what is claimed meanwhile."""


def resize_range(network: Network, start: str, end: str) -> None:
    """Make these the network's addresses. ObjectInUse if one that would go is held. Call it in a
    transaction, which is to be taken back then."""
    wanted = range(int(IPv4Address(start)), int(IPv4Address(end)) + 1)
    own = IpAddress.objects.filter(network=network)
    sql.changed(_FORGET, {"network": network.pk, "first": wanted[0], "last": wanted[-1]})
    if held := own.exclude(number__range=(wanted[0], wanted[-1])).count():
        raise ObjectInUse(counts={"IP address": held})
    there = set(own.values_list("number", flat=True))
    _create(network, [number for number in wanted if number not in there])


def _create(network: Network, numbers: Iterable[int]) -> int:
    rows = [
        IpAddress(network=network, address=str(IPv4Address(number)), number=number)
        for number in numbers
        if str(IPv4Address(number)) != network.gateway
    ]
    IpAddress.objects.bulk_create(rows, batch_size=2000)
    return len(rows)
