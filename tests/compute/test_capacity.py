"""What is told of the cloud's capacity is what its rows say, in few statements at any size."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from apps.accounts.actor import Actor
from apps.compute import placement
from apps.compute.capacity import Place, capacity_of
from apps.compute.services.recount import recount_counters
from apps.compute.states import State
from apps.core.errors import PermissionDenied
from apps.jobs.models import Event
from apps.storage.models import PrimaryStorage
from apps.zones.models import Cluster, Host, HostState, Pod, Zone
from tests import factories
from tests.factories import GIB

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def operator() -> Actor:
    return Actor(factories.make_user(super_admin=True))


def test_sums_go_from_hosts_up_to_the_whole(operator: Actor) -> None:
    zone = factories.make_zone(hosts=4, clusters=2, pods=2)
    other = factories.make_zone(hosts=1)
    vm = factories.make_vm(zone, vcpus=3, memory_mib=2048)
    host = factories.placed(vm)
    whole = capacity_of(operator)
    places = {place.row.pk: place for place in whole.of_kind("zone")}
    mine = places[zone.pk]
    assert (whole.hosts.hosts, mine.hosts.hosts, places[other.pk].hosts.hosts) == (5, 4, 1)
    assert (mine.hosts.cpu_cores, mine.hosts.memory_mib, mine.hosts.reserve_mib) == (64, 4 * 65536, 4096)
    assert (mine.hosts.capacity_vcpus, mine.hosts.allocated_vcpus, mine.hosts.free_vcpus) == (128, 3, 125)
    assert mine.hosts.allocated_memory_mib == vm.claimed_memory_mib == 2048 + mine.overhead_mib
    assert mine.machines_by_state == {"Starting": 1}
    assert (mine.storage.pools, mine.storage.promised_bytes) == (2, 2000 * GIB)
    assert (mine.storage.allocated_bytes, mine.storage.free_bytes) == (10 * GIB, 1990 * GIB)
    low = {place.row.pk: place for place in mine.of_kind("cluster")}
    assert low[host.cluster_id].machines == low[host.cluster_id].hosts.hosts - 1 == 1
    assert [low[key].machines for key in low if key != host.cluster_id] == [0]


def test_a_part_says_the_same_of_itself_as_the_whole_does(operator: Actor) -> None:
    zone = factories.make_zone(hosts=4, clusters=2, pods=2)
    factories.make_zone(hosts=2, pool="host")
    for _ in range(3):
        factories.placed(factories.make_vm(zone))
    factories.make_vm(zone, state=State.STOPPED)
    rows: list[Any] = [zone.region, zone, *Pod.objects.all(), *Cluster.objects.all()]
    by_row = {(place.kind, place.row.pk): place for place in capacity_of(operator).below() if place.row}
    for row in rows:
        alone = capacity_of(operator, row)
        assert alone == by_row[type(row).__name__.lower(), row.pk]


def test_hosts_that_take_nothing_new_have_nothing_free(operator: Actor) -> None:
    zone = factories.make_zone(hosts=4, clusters=2)
    first, second, third, _last = Host.objects.order_by("pk")
    Host.objects.filter(pk=first.pk).update(state=HostState.DISCONNECTED)
    Host.objects.filter(pk=second.pk).update(enabled=False)
    Host.objects.filter(pk=third.pk).update(allocated_vcpus=40)
    load = capacity_of(operator, zone).hosts
    assert load.free_vcpus == 32
    assert load.hosts_by_state == {"Up": 3, "Disconnected": 1}
    assert load.disabled_hosts == 1
    Zone.objects.update(enabled=False)
    assert capacity_of(operator, zone).hosts.free_vcpus == 0


def test_a_disabled_pool_has_nothing_free(operator: Actor) -> None:
    zone = factories.make_zone(hosts=1)
    PrimaryStorage.objects.update(enabled=False)
    storage = capacity_of(operator, zone).storage
    assert (storage.disabled_pools, storage.free_bytes, storage.promised_bytes) == (1, 0, 1000 * GIB)


def test_an_empty_cloud_is_told_as_such(operator: Actor) -> None:
    assert capacity_of(operator) == Place("cloud")


def test_a_zone_that_is_made_while_it_is_worked_out_does_no_harm(operator: Actor) -> None:
    zone = factories.make_zone(hosts=2)
    made: list[Zone] = []

    def launch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if not made and "zones_region" in sql:
            made.append(zone)
            made.append(factories.make_zone(hosts=3))
            factories.placed(factories.make_vm(made[1]))
        return answer

    with connection.execute_wrapper(launch):
        whole = capacity_of(operator)
    assert [(place.row, place.hosts.hosts) for place in whole.of_kind("zone")] == [(zone, 2)]
    assert {place.row for place in capacity_of(operator).of_kind("zone")} == set(made)


@pytest.mark.parametrize("hosts", [2, 40])
def test_the_statements_are_few_whatever_the_number_of_hosts(
    operator: Actor, hosts: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    zone = factories.make_zone(hosts=hosts, clusters=2, pods=2)
    factories.make_vm(zone)
    with django_assert_num_queries(7):
        capacity_of(operator)
    with django_assert_num_queries(7):
        capacity_of(operator, zone)


def test_counting_anew_is_an_operators_and_leaves_an_event(operator: Actor) -> None:
    vm = factories.make_vm(factories.make_zone())
    placement.place(vm)
    assert recount_counters(operator) == []
    Host.objects.update(allocated_vcpus=9)
    found = recount_counters(operator, zone=vm.zone, fix=True)
    assert [(drift.recorded, drift.actual) for drift in found] == [(9, 1)]
    assert Host.objects.get().allocated_vcpus == 1
    events = Event.objects.filter(kind="capacity.recount").order_by("id")
    assert [(event.target_type, event.data) for event in events] == [
        ("cloud", {"drifted": 0, "fixed": False}),
        ("zone", {"drifted": 1, "fixed": True}),
    ]
    member = Actor(factories.make_user(vm.account))
    for refused in (lambda: recount_counters(member), lambda: capacity_of(member)):
        with pytest.raises(PermissionDenied):
            refused()
