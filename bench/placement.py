"""Placement among ten thousand hosts, and a race for the last slots of a nearly full zone.

Both run against the database of Django's settings and take away what they made there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction
from django.db.models import F

from apps.accounts import quota
from apps.accounts.models import Account, Quota
from apps.compute import placement
from apps.compute.models import Nic, ServiceOffering, VirtualMachine, VolumeAttachment
from apps.core.errors import InsufficientCapacity
from apps.network.models import IpAddress, Network
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template, Volume
from apps.zones.models import Cluster, Host, HostState, Pod, Zone
from tests.factories import make_account, make_offering, make_template, make_vm, make_zone
from tests.race import race

Measured = tuple[dict[str, float], dict[str, list[float]]]
STRATEGIES = ("spread", "pack", "first-fit")
WARM_UP = 20
PROCESSES = 16


def placement_p95_ms_10k(*, hosts: int = 10_000, clusters: int = 500, placements: int = 400) -> Measured:
    """Milliseconds to decide, claim host, pool and address, store the explanation and commit."""
    with _zone(hosts=hosts, clusters=clusters, pods=25, addresses=2000) as zone:
        _occupy(zone)
        machines = _machines(zone, placements + WARM_UP, vcpus=4, memory_mib=8192)
        _settle()
        samples = [_milliseconds(pk) for pk in machines][WARM_UP:]
    ordered = sorted(samples)
    figures = {
        "placement_p95_ms_10k": ordered[int(0.95 * len(ordered))],
        "placement_median_ms_10k": ordered[len(ordered) // 2],
    }
    return figures, {"placement_ms_10k": samples}


def placement_overcommits(*, slots: int = 48, each: int = 8) -> Measured:
    """Slots given twice when sixteen processes reach for the last ones with `each` machines a process:
    hosts and pools beyond what they may promise, machines beyond the slots, and counts that drifted."""
    with _zone(hosts=40, clusters=4, pods=2, addresses=500, pool="zone") as zone:
        full = Host.objects.filter(zone=zone)
        full.update(allocated_vcpus=F("capacity_vcpus"), allocated_memory_mib=F("capacity_memory_mib"))
        roomy = list(full.order_by("-pk").values_list("pk", flat=True)[:8])
        full.filter(pk__in=roomy).update(
            capacity_vcpus=F("capacity_vcpus") + slots // 8, allocated_memory_mib=0
        )
        before = sum(full.values_list("allocated_vcpus", flat=True))
        machines = _machines(zone, PROCESSES * each, vcpus=1, memory_mib=512)
        results = race(_try, [machines[first::PROCESSES] for first in range(PROCESSES)])
        placed = sum(fits for fits, _ms in results)
        claimed = sum(full.values_list("allocated_vcpus", flat=True)) - before
        pools = PrimaryStorage.objects.filter(zone=zone)
        wrong = (
            full.filter(allocated_vcpus__gt=F("capacity_vcpus")).count()
            + full.filter(allocated_memory_mib__gt=F("capacity_memory_mib")).count()
            + pools.filter(allocated_bytes__gt=F("promised_bytes")).count()
            + max(0, placed - slots)
            + abs(claimed - placed)
        )
    figures = {"placement_overcommits": float(wrong), "placement_race_placed": float(placed)}
    return figures, {"placement_race_ms": [ms for _fits, ms in results]}


def run() -> Measured:
    """All figures of placement on this database, and the samples behind them."""
    figures, samples = placement_p95_ms_10k()
    more_figures, more_samples = placement_overcommits()
    return figures | more_figures, samples | more_samples


def _milliseconds(pk: int) -> float:
    vm = VirtualMachine.objects.select_related("offering", "template").get(pk=pk)
    begun = time.perf_counter()
    with transaction.atomic():
        placement.place(vm)
    return (time.perf_counter() - begun) * 1000


def _try(pk: int) -> tuple[bool, float]:
    vm = VirtualMachine.objects.get(pk=pk)
    begun = time.perf_counter()
    try:
        with transaction.atomic():
            placement.place(vm)
    except InsufficientCapacity:
        return False, (time.perf_counter() - begun) * 1000
    return True, (time.perf_counter() - begun) * 1000


def _machines(zone: Zone, count: int, **size: int) -> list[int]:
    account, offering = make_account(), make_offering(**size)
    template = make_template(zone, account)
    with transaction.atomic():
        return [
            make_vm(
                zone,
                account=account,
                offering=offering,
                template=template,
                strategy=STRATEGIES[number % len(STRATEGIES)],
            ).pk
            for number in range(count)
        ]


def _occupy(zone: Zone) -> None:
    """As in a zone that has been in use: every host filled differently, some off, some out of reach."""
    chance = random.Random(10_000)
    hosts = list(Host.objects.filter(zone=zone))
    for host in hosts:
        host.allocated_vcpus = chance.randrange(host.capacity_vcpus + 1)
        host.allocated_memory_mib = chance.randrange(host.capacity_memory_mib + 1)
        host.enabled = chance.random() > 0.02
        host.state = HostState.UP if chance.random() > 0.03 else HostState.DISCONNECTED
    columns = ["allocated_vcpus", "allocated_memory_mib", "enabled", "state"]
    with transaction.atomic():
        Host.objects.bulk_update(hosts, columns, batch_size=500)


def _settle() -> None:
    """What PostgreSQL does by itself within a minute of such a load."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


@contextmanager
def _zone(**shape: Any) -> Iterator[Zone]:
    with transaction.atomic():
        zone = make_zone(**shape)
    try:
        yield zone
    finally:
        _remove(zone)


@transaction.atomic
def _remove(zone: Zone) -> None:
    """Every row that hangs on the zone, the accounts and offerings of its machines included."""
    for vm in VirtualMachine.objects.filter(zone=zone).select_related("account", "offering"):
        quota.release(vm.account, vm.quota_amount, member_id=vm.created_by_id)
    machines = VirtualMachine.objects.filter(zone=zone)
    accounts = list(machines.values_list("account", flat=True).distinct())
    offerings = list(machines.values_list("offering", flat=True).distinct())
    region = zone.region
    rows: list[models.QuerySet[Any]] = [
        VolumeAttachment.objects.filter(vm__zone=zone),
        Nic.objects.filter(vm__zone=zone),
        machines,
        Volume.objects.filter(zone=zone),
        Template.objects.filter(secondary_storage__zone=zone),
        SecondaryStorage.objects.filter(zone=zone),
        PrimaryStorage.objects.filter(zone=zone),
        IpAddress.objects.filter(network__zone=zone),
        Network.objects.filter(zone=zone),
        Host.objects.filter(zone=zone),
        Cluster.objects.filter(pod__zone=zone),
        Pod.objects.filter(zone=zone),
        Zone.objects.filter(pk=zone.pk),
        ServiceOffering.objects.filter(pk__in=offerings),
        Quota.objects.filter(account__in=accounts),
        Account.objects.filter(pk__in=accounts),
    ]
    for queryset in rows:
        queryset.delete()
    region.delete()
