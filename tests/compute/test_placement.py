"""Which host a machine gets, and that it gets all it needs there or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from apps.compute import placement
from apps.compute.models import Placement, VirtualMachine
from apps.compute.placement import PlacementRequest
from apps.compute.placement.survey import Survey
from apps.core.errors import InsufficientCapacity
from apps.network.models import IpAddress
from apps.storage.models import PrimaryStorage
from apps.zones import capacity
from apps.zones.models import Cluster, Host, HostState, Pod, Zone
from tests.factories import GIB, make_cluster, make_hosts, make_pod, make_pools, make_vm, make_zone, placed

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OVERHEAD = settings.MACHINE_OVERHEAD_MEMORY_MIB


def hosts_of(zone: Zone) -> list[Host]:
    return list(Host.objects.filter(zone=zone).order_by("pk"))


def change(row: Any, **columns: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(**columns)


def request(zone: Zone, **changes: Any) -> PlacementRequest:
    small = PlacementRequest(zone_id=zone.pk, vcpus=1, memory_mib=1024, disk_bytes=GIB, nics=1)
    return replace(small, **changes)


def refused(vm: VirtualMachine) -> InsufficientCapacity:
    with pytest.raises(InsufficientCapacity) as caught, transaction.atomic():
        placement.place(vm)
    return caught.value


def test_a_machine_gets_compute_a_pool_and_addresses_together() -> None:
    zone = make_zone()
    vm = make_vm(zone, vcpus=2, memory_mib=2048, disks_gib=(10, 5), nics=2)
    host = placed(vm)
    vm.refresh_from_db()
    assert vm.host == host == hosts_of(zone)[0]
    assert vm.pod == host.pod
    assert (vm.claimed_vcpus, vm.claimed_memory_mib) == (2, 2048 + OVERHEAD)
    assert (host.allocated_vcpus, host.allocated_memory_mib) == (2, 2048 + OVERHEAD)
    pool = PrimaryStorage.objects.get(zone=zone)
    assert pool.allocated_bytes == 15 * GIB
    assert [volume.pool for volume in vm.volumes()] == [pool, pool]
    nics = list(vm.nics.select_related("ip"))
    assert all(nic.network == host.pod.network for nic in nics)
    assert [nic.ip.holder for nic in nics if nic.ip] == [nic.uuid for nic in nics]
    assert vm.placement.fits
    assert vm.placement.explanation["chosen"]["host"] == {"uuid": str(host.uuid), "name": host.name}


def test_placing_again_claims_nothing_more() -> None:
    zone = make_zone(hosts=2)
    vm = make_vm(zone)
    stale = VirtualMachine.objects.get(pk=vm.pk)
    host = placed(vm)
    assert placed(vm) == placed(stale) == host
    assert sum(row.allocated_vcpus for row in hosts_of(zone)) == 1
    assert placement.recount() == []


def break_host(**columns: Any) -> Callable[[Zone], None]:
    return lambda zone: change(hosts_of(zone)[0], **columns)


def use_up_addresses(zone: Zone) -> None:
    IpAddress.objects.filter(network__zone=zone).update(free_after="2999-01-01T00:00Z")


BREAKS: dict[str, Callable[[Zone], None]] = {
    "host_disabled": break_host(enabled=False),
    "host_down": break_host(state=HostState.DISCONNECTED),
    "too_small": break_host(capacity_memory_mib=512),
    "no_vcpus": break_host(allocated_vcpus=32),
    "no_memory": break_host(allocated_memory_mib=65536 - 1024),
    "cluster_disabled": lambda zone: change(Cluster.objects.get(pod__zone=zone), enabled=False),
    "wrong_arch": lambda zone: change(Cluster.objects.get(pod__zone=zone), arch="aarch64"),
    "pod_disabled": lambda zone: change(Pod.objects.get(zone=zone), enabled=False),
    "zone_disabled": lambda zone: change(zone, enabled=False),
    "no_pool": lambda zone: change(PrimaryStorage.objects.get(zone=zone), promised_bytes=10 * GIB - 1),
    "no_address": use_up_addresses,
}


@pytest.mark.parametrize("reason", BREAKS)
def test_a_host_that_breaks_a_rule_is_refused_by_its_name(reason: str) -> None:
    zone = make_zone()
    vm = make_vm(zone)
    BREAKS[reason](zone)
    error = refused(vm)
    assert error.params["reason"] == reason
    assert error.explanation
    assert error.explanation["reason"] == reason
    assert [entry["reason"] for entry in error.explanation["counts"]] == [reason]
    assert error.explanation["considered"] == 1
    assert error.explanation["fitting"] == 0


def test_states_other_than_up_take_no_machine() -> None:
    zone = make_zone()
    for state in set(HostState) - {HostState.UP}:
        change(hosts_of(zone)[0], state=state)
        assert refused(make_vm(zone)).params["reason"] == "host_down"


def test_a_disabled_pool_holds_no_new_volumes() -> None:
    zone = make_zone()
    change(PrimaryStorage.objects.get(zone=zone), enabled=False)
    assert refused(make_vm(zone)).params["reason"] == "no_pool"


def test_an_address_at_rest_is_not_free() -> None:
    zone = make_zone(addresses=2)
    use_up_addresses(zone)
    IpAddress.objects.filter(network__zone=zone).update(free_after="2001-01-01T00:00Z")
    placement.place(make_vm(zone, nics=2))
    assert refused(make_vm(zone)).params["reason"] == "no_address"


def test_every_nic_needs_an_address_of_the_pod() -> None:
    zone = make_zone(addresses=2)
    assert refused(make_vm(zone, nics=3)).params["reason"] == "no_address"
    placement.place(make_vm(zone, nics=2))


def test_all_new_volumes_go_into_one_pool() -> None:
    zone = make_zone(pool="zone", pool_gib=12)
    make_pools("zone", [zone], 12)
    assert refused(make_vm(zone, disks_gib=(8, 8))).params["reason"] == "no_pool"
    placement.place(make_vm(zone, disks_gib=(8,)))
    placement.place(make_vm(zone, disks_gib=(8,)))
    assert set(PrimaryStorage.objects.values_list("allocated_bytes", flat=True)) == {8 * GIB}


def test_a_nearer_pool_comes_before_a_wider_one_and_an_emptier_one_first() -> None:
    zone = make_zone(pool="zone")
    host = hosts_of(zone)[0]
    make_pools("cluster", [host.cluster], 30)
    near, emptier = make_pools("host", [host], 20) + make_pools("host", [host], 25)
    chosen = []
    for _ in range(5):
        vm = make_vm(zone, disks_gib=(14,))
        placement.place(vm)
        chosen.append(vm.volumes()[0].pool)
    assert chosen[:2] == [emptier, near]
    assert [pool.scope for pool in chosen[2:] if pool] == ["cluster", "cluster", "zone"]


def test_a_host_with_a_pool_of_its_own_serves_where_no_shared_pool_has_room() -> None:
    zone = make_zone(hosts=6, clusters=2, pool_gib=1)
    local = hosts_of(zone)[4]
    make_pools("host", [local])
    vm = make_vm(zone)
    assert placed(vm) == local
    assert vm.placement.explanation["fitting"] == 1
    roomy = make_pools("cluster", [hosts_of(zone)[0].cluster])[0]
    assert placement.explain(request(zone, disk_bytes=10 * GIB))["fitting"] == 4
    change(roomy, enabled=False)
    assert placement.explain(request(zone, disk_bytes=10 * GIB))["fitting"] == 1


def test_spread_takes_the_host_whose_scarcer_resource_is_freest() -> None:
    zone = make_zone(hosts=3)
    busy_cpu, even, busy_memory = hosts_of(zone)
    change(busy_cpu, allocated_vcpus=24)
    change(even, allocated_vcpus=12, allocated_memory_mib=24000)
    change(busy_memory, allocated_memory_mib=48000)
    assert placed(make_vm(zone)) == even


def test_pack_fills_the_fullest_host_that_still_fits() -> None:
    zone = make_zone(hosts=3)
    roomy, full, fuller = hosts_of(zone)
    change(roomy, allocated_vcpus=10)
    change(full, allocated_vcpus=30)
    change(fuller, allocated_vcpus=31)
    pack = VirtualMachine.Strategy.PACK
    taken = [placed(make_vm(zone, strategy=pack)) for _ in range(4)]
    assert taken == [fuller, full, full, roomy]


def test_first_fit_goes_by_the_oldest_cluster_then_the_oldest_host() -> None:
    zone = make_zone(hosts=2, clusters=2, capacity_vcpus=2)
    first, second = hosts_of(zone)
    older = make_hosts(first.cluster, 1, capacity_vcpus=1)[0]
    strategy = VirtualMachine.Strategy.FIRST_FIT
    taken = [placed(make_vm(zone, strategy=strategy)) for _ in range(5)]
    assert taken == [first, first, older, second, second]


def test_equal_hosts_are_taken_by_age() -> None:
    zone = make_zone(hosts=12, clusters=3)
    for strategy in ("spread", "pack"):
        best = placement.explain(request(zone, strategy=strategy))["best"]
        assert [entry["host"]["name"] for entry in best] == [host.name for host in hosts_of(zone)[:10]]


def test_a_pinned_machine_goes_to_its_host_or_nowhere() -> None:
    zone = make_zone(hosts=3)
    pinned = hosts_of(zone)[2]
    strategy = VirtualMachine.Strategy.PINNED
    assert placed(make_vm(zone, strategy=strategy, pinned_host=pinned)) == pinned
    change(pinned, allocated_vcpus=32)
    error = refused(make_vm(zone, strategy=strategy, pinned_host=pinned))
    assert error.params["reason"] == "no_vcpus"
    lost = make_vm(zone, strategy=strategy, pinned_host=None)
    assert refused(lost).params["reason"] == "not_pinned_host"


def test_a_machine_that_keeps_its_disks_starts_where_it_was_if_that_fits() -> None:
    zone = make_zone(hosts=4)
    vm = make_vm(zone)
    home = placed(vm)
    placement.release_compute(vm)
    change(home, allocated_vcpus=20)
    assert placed(vm) == home
    assert vm.placement.explanation["chosen"]["last_host"]
    assert vm.placement.explanation["best"][0]["host"]["uuid"] == str(home.uuid)
    placement.release_compute(vm)
    change(home, enabled=False)
    assert placed(vm) != home
    assert not Placement.objects.get(vm=vm).explanation["chosen"]["last_host"]


def test_a_machine_that_gave_up_everything_is_placed_anew() -> None:
    zone = make_zone(hosts=2, clusters=2, pods=2)
    vm = make_vm(zone)
    home = placed(vm)
    placement.release_everything(vm)
    change(home, allocated_vcpus=20)
    assert placed(vm) != home
    assert vm.pod != home.pod


def test_a_machine_with_addresses_stays_in_its_pod() -> None:
    zone = make_zone(hosts=2, clusters=2, pods=2, pool="zone")
    vm = make_vm(zone)
    home = placed(vm)
    placement.release_compute(vm)
    change(home, state=HostState.DISCONNECTED)
    error = refused(vm)
    assert error.params["reason"] == "host_down"
    assert {entry["reason"] for entry in (error.explanation or {})["counts"]} == {"host_down", "other_pod"}


@pytest.mark.parametrize(("scope", "reaching"), [("host", 1), ("cluster", 2), ("zone", 4)])
def test_a_placed_volume_asks_for_a_host_that_reaches_it(scope: str, reaching: int) -> None:
    zone = make_zone(hosts=4, clusters=2, pool=scope)
    vm = make_vm(zone)
    home = placed(vm)
    placement.release_compute(vm)
    explanation = placement.explain(placement.request_of(vm))
    assert explanation["fitting"] == reaching
    placement.release_addresses(vm)
    change(home, state=HostState.DISCONNECTED)
    if scope == "host":
        assert refused(vm).params["reason"] == "host_down"
    else:
        again = placed(vm)
        assert again != home
        assert scope == "zone" or again.cluster == home.cluster


def test_no_host_reaches_volumes_of_two_hosts() -> None:
    zone = make_zone(hosts=2, pool="host")
    pools = [pool.pk for pool in PrimaryStorage.objects.filter(zone=zone)]
    explanation = placement.explain(request(zone, disk_bytes=0, pool_ids=tuple(pools)))
    assert explanation["reason"] == "unreachable_volume"


def test_no_host_reaches_a_volume_of_its_own_and_one_of_another_cluster() -> None:
    zone = make_zone(hosts=4, clusters=2)
    first, *_others, last = hosts_of(zone)
    pools = make_pools("host", [first]) + make_pools("cluster", [last.cluster])
    explanation = placement.explain(request(zone, pool_ids=tuple(pool.pk for pool in pools)))
    assert explanation["fitting"] == 0
    assert {(entry["reason"], entry["hosts"]) for entry in explanation["counts"]} == {
        ("unreachable_volume", 2)
    }


def test_an_excluded_host_is_left_out() -> None:
    zone = make_zone(hosts=3)
    first, second, third = hosts_of(zone)
    explanation = placement.explain(request(zone, excluded_host_ids=(first.pk, third.pk)))
    assert [entry["host"]["name"] for entry in explanation["best"]] == [second.name]
    assert [entry["reason"] for entry in explanation["counts"]] == ["excluded"]


def test_a_machine_without_new_disks_or_nics_asks_for_neither() -> None:
    zone = make_zone(pool=None, addresses=0)
    placement.place(make_vm(zone, disks_gib=(), nics=0))
    assert refused(make_vm(zone, disks_gib=())).params["reason"] == "no_address"
    assert refused(make_vm(zone, nics=0)).params["reason"] == "no_pool"


def test_a_pod_without_a_network_has_no_address() -> None:
    zone = make_zone()
    IpAddress.objects.all().delete()
    Pod.objects.get(zone=zone).network.delete()
    assert refused(make_vm(zone)).params["reason"] == "no_address"


def test_other_zones_are_never_looked_at() -> None:
    full, empty = make_zone(capacity_vcpus=0), make_zone()
    assert refused(make_vm(full)).params["reason"] == "too_small"
    assert placement.explain(request(empty))["considered"] == 1


def test_a_refused_machine_leaves_nothing_claimed() -> None:
    zone = make_zone(hosts=2, addresses=1)
    vm = make_vm(zone, nics=2)
    refused(vm)
    vm.refresh_from_db()
    assert vm.host is None
    assert not Placement.objects.filter(vm=vm).exists()
    assert placement.recount() == []
    assert not IpAddress.objects.exclude(holder=None).exists()


def test_the_next_best_host_is_tried_when_one_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = make_zone(hosts=3)
    survey_best = Survey.best

    def best(self: Any) -> Any:
        """Between the look and the claim, someone else fills the best host."""
        found = survey_best(self)
        Host.objects.filter(pk=found[0].pk).update(allocated_vcpus=32)
        return found

    monkeypatch.setattr(Survey, "best", best)
    assert placed(make_vm(zone)) == hosts_of(zone)[1]


def test_losing_every_race_is_worth_a_retry_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = make_zone(hosts=2)
    vm = make_vm(zone)
    monkeypatch.setattr(capacity, "claim", lambda *_args, **_more: False)
    error = refused(vm)
    assert error.retry
    assert error.params["reason"] == "contended"
    vm.refresh_from_db()
    assert (vm.host, vm.claimed_vcpus) == (None, 0)


def test_the_cost_of_a_placement_does_not_grow_with_the_zone(
    django_assert_max_num_queries: Any,
) -> None:
    for hosts in (2, 200):
        zone = make_zone(hosts=hosts, clusters=2)
        vm = VirtualMachine.objects.select_related("offering", "template").get(pk=make_vm(zone).pk)
        with django_assert_max_num_queries(2):
            placement.check(request(zone))
        with django_assert_max_num_queries(24):
            placement.place(vm)


def test_a_pod_added_to_a_full_zone_takes_the_next_machine() -> None:
    zone = make_zone(addresses=1)
    placement.place(make_vm(zone))
    refused(make_vm(zone))
    cluster = make_cluster(make_pod(zone))
    make_pools("cluster", [cluster])
    host = make_hosts(cluster, 1)[0]
    assert placed(make_vm(zone)) == host
