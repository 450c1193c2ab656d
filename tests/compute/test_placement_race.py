"""Sixteen processes reach for the last room of a zone: none gets what another has, none loses in vain."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from apps.compute import placement
from apps.compute.models import Placement, VirtualMachine
from apps.compute.placement import Reason
from apps.core.errors import InsufficientCapacity
from apps.storage.models import PrimaryStorage
from apps.zones.models import Host
from tests.factories import make_account, make_offering, make_template, make_vm, make_zone, placed
from tests.race import race, shared_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases, pytest.mark.servers]
PROCESSES = 16
ROOM = 16
MACHINES = 2 * PROCESSES

SCARCE: dict[str, dict[str, Any]] = {
    "no_vcpus": {"capacity_vcpus": ROOM // 4},
    "no_memory": {"capacity_memory_mib": ROOM // 4 * (1024 + 64)},
    "no_pool": {"pool": "zone", "pool_gib": 10 * ROOM},
    "no_address": {"addresses": ROOM},
}


def try_to_place(pk: int) -> tuple[str, str]:
    vm = VirtualMachine.objects.get(pk=pk)
    try:
        with transaction.atomic():
            host = placed(vm)
    except InsufficientCapacity as error:
        placement.remember(vm, error.explanation or {}, fits=False)
        return "refused", error.params["reason"]
    return "placed", str(host.uuid)


@pytest.mark.parametrize(
    ("scarce", "strategy"),
    [
        ("no_vcpus", "spread"),
        ("no_vcpus", "pack"),
        ("no_memory", "first-fit"),
        ("no_pool", "spread"),
        ("no_address", "spread"),
    ],
)
def test_the_last_room_is_given_once_and_every_loser_is_told_why(
    scarce: str, strategy: str, tmp_path: Path
) -> None:
    zone = make_zone(hosts=4, clusters=2, **{"addresses": 100} | SCARCE[scarce])
    account, offering = make_account(), make_offering()
    template = make_template(zone, account)
    machines = [
        make_vm(zone, account=account, offering=offering, template=template, strategy=strategy).pk
        for _ in range(MACHINES)
    ]
    with shared_database(tmp_path):
        results = Counter(
            how if how == "placed" else what
            for how, what in race(try_to_place, [machines[first::PROCESSES] for first in range(PROCESSES)])
        )
        assert results == {"placed": ROOM, scarce: MACHINES - ROOM}
        assert not Host.objects.filter(allocated_vcpus__gt=F("capacity_vcpus")).exists()
        assert not Host.objects.filter(allocated_memory_mib__gt=F("capacity_memory_mib")).exists()
        assert not PrimaryStorage.objects.filter(allocated_bytes__gt=F("promised_bytes")).exists()
        assert placement.recount() == []
        explained = Placement.objects.filter(vm__host=None)
        assert explained.count() == MACHINES - ROOM
        for stored in explained:
            assert not stored.fits
            assert stored.explanation["reason"] in set(Reason)
            assert sum(entry["hosts"] for entry in stored.explanation["counts"]) == 4
            assert stored.explanation["near_misses"]


def move_in_and_out(pk: int) -> int:
    """Claims and gives back, as starts and stops do."""
    vm = VirtualMachine.objects.get(pk=pk)
    placed = 0
    for _ in range(2):
        try:
            with transaction.atomic():
                placement.place(vm)
            placed += 1
        except InsufficientCapacity:
            continue
        with transaction.atomic():
            placement.release_everything(vm)
    return placed


def test_coming_and_going_leaves_every_count_as_it_was(tmp_path: Path) -> None:
    zone = make_zone(hosts=2, capacity_vcpus=4, pool="zone", addresses=100)
    machines = [make_vm(zone, nics=2).pk for _ in range(PROCESSES)]
    with shared_database(tmp_path):
        assert sum(race(move_in_and_out, [[pk] for pk in machines])) > 0
        assert placement.recount() == []
        assert {row.allocated_vcpus for row in Host.objects.all()} == {0}
        assert {row.allocated_bytes for row in PrimaryStorage.objects.all()} == {0}


def release_and_ask(pk: int) -> None:
    """Everyone holds the same row from before, and gives it back."""
    vm = VirtualMachine.objects.get(pk=pk)
    with transaction.atomic():
        placement.release_everything(vm)


def test_what_many_give_back_at_once_is_given_back_once(tmp_path: Path) -> None:
    zone = make_zone()
    stays, goes = make_vm(zone), make_vm(zone, disks_gib=(10, 20), nics=2)
    placement.place(stays)
    placement.place(goes)
    with shared_database(tmp_path):
        race(release_and_ask, [[goes.pk]] * PROCESSES)
        assert placement.recount() == []
        assert Host.objects.get().allocated_vcpus == 1
