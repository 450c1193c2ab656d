"""Claiming and releasing guest addresses.

A pick starts at a random number, so that many claims at once do not meet at the lowest free one;
the claim itself is a conditional UPDATE.
"""

from __future__ import annotations

import random
from datetime import timedelta
from ipaddress import IPv4Address
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.network.models import IpAddress, Network

_ATTEMPTS = 8


def free() -> QuerySet[IpAddress]:
    """Addresses that may be claimed now."""
    return IpAddress.objects.filter(holder=None).filter(
        Q(free_after=None) | Q(free_after__lte=timezone.now())
    )


def claim(network_id: int, holder: UUID) -> IpAddress | None:
    """An address of the network for the Nic `holder`; its own if it has one; None if all are taken."""
    if own := IpAddress.objects.filter(holder=holder).first():
        return own
    mine = free().filter(network_id=network_id)
    numbers = IpAddress.objects.filter(network_id=network_id).order_by("number")
    low = numbers.values_list("number", flat=True).first()
    high = numbers.values_list("number", flat=True).last()
    if low is None or high is None:
        return None
    for _attempt in range(_ATTEMPTS):
        start = random.randint(low, high)  # noqa: S311 - spreads load, guards nothing
        pick = mine.filter(number__gte=start).order_by("number").first() or mine.order_by("number").first()
        if pick is None:
            return None
        if IpAddress.objects.filter(pk=pick.pk, holder=None).update(holder=holder, free_after=None):
            pick.holder = holder
            return pick
    return None


def release(holder: UUID) -> None:
    """Give the Nic's address back; nobody gets it for IP_REUSE_SECONDS."""
    rest = timezone.now() + timedelta(seconds=settings.IP_REUSE_SECONDS)
    IpAddress.objects.filter(holder=holder).update(holder=None, free_after=rest)


def create_range(network: Network, start: str, end: str) -> int:
    """Make the addresses from `start` to `end`, both included, free to claim. Returns how many."""
    first, last = int(IPv4Address(start)), int(IPv4Address(end))
    rows = [
        IpAddress(network=network, address=str(IPv4Address(number)), number=number)
        for number in range(first, last + 1)
        if str(IPv4Address(number)) != network.gateway
    ]
    IpAddress.objects.bulk_create(rows, batch_size=2000)
    return len(rows)
