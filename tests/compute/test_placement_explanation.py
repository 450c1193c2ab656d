"""What an explanation says, how large it may be, and that it names nothing by an internal key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import F

from apps.compute import placement
from apps.compute.models import Placement, VirtualMachine
from apps.compute.placement import HELP, PlacementRequest, Reason, survey
from apps.core.errors import InsufficientCapacity, NotFound
from apps.storage.models import PrimaryStorage
from apps.zones.models import Cluster, Host, HostState, Zone
from tests.factories import GIB, make_vm, make_zone, placed

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
LIMIT = 16 * 1024


def request(zone: Zone, **columns: Any) -> PlacementRequest:
    return PlacementRequest(
        zone_id=zone.pk, **{"vcpus": 1, "memory_mib": 960, "disk_bytes": GIB, "nics": 1} | columns
    )


def set_host(host: Host, **columns: Any) -> Host:
    Host.objects.filter(pk=host.pk).update(**columns)
    return host


def hosts_of(zone: Zone) -> list[Host]:
    return list(Host.objects.filter(zone=zone).order_by("pk"))


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, path)
    else:
        yield path, value


def near(explanation: dict[str, Any]) -> list[tuple[str, list[str], dict[str, int], str]]:
    return [
        (miss["host"]["name"], miss["reasons"], miss["lacking"], miss["help"])
        for miss in explanation["near_misses"]
    ]


def test_what_was_chosen_and_what_else_would_have_done() -> None:
    zone = make_zone(hosts=14, clusters=2)
    set_host(hosts_of(zone)[0], enabled=False)
    vm = make_vm(zone, vcpus=4, memory_mib=1024, disks_gib=(7,))
    host = placed(vm)
    explanation = Placement.objects.get(vm=vm).explanation
    assert explanation["strategy"] == "spread"
    assert explanation["wanted"] == {"vcpus": 4, "memory_mib": 1088, "disk_bytes": 7 * GIB, "addresses": 1}
    assert (explanation["considered"], explanation["fitting"], explanation["reason"]) == (14, 13, None)
    assert explanation["chosen"] == {
        "host": {"uuid": str(host.uuid), "name": host.name},
        "cluster": {"uuid": str(host.cluster.uuid), "name": host.cluster.name},
        "pod": {"uuid": str(host.pod.uuid), "name": host.pod.name},
        "pool": {"uuid": str(vm.volumes()[0].pool.uuid), "name": vm.volumes()[0].pool.name},  # type: ignore[union-attr]
        "score": 1000,
        "last_host": False,
    }
    assert len(explanation["best"]) == 10
    assert explanation["best"][0] == {key: explanation["chosen"][key] for key in ("host", "cluster", "score")}
    assert explanation["near_misses"] == []
    assert [(entry["reason"], entry["hosts"]) for entry in explanation["counts"]] == [("host_disabled", 1)]


@pytest.mark.parametrize(
    ("strategy", "scores"),
    [("spread", [1000, 500]), ("pack", [500, 0]), ("first-fit", [1000, 1000]), ("pinned", [1000])],
)
def test_scores_are_permille_and_fall(strategy: str, scores: list[int]) -> None:
    zone = make_zone(hosts=2)
    half = set_host(hosts_of(zone)[1], allocated_vcpus=16)
    explanation = placement.explain(request(zone, strategy=strategy, pinned_host_id=half.pk))
    assert [entry["score"] for entry in explanation["best"]] == scores


def test_the_nearest_misses_come_first_with_what_they_lack_and_what_would_help() -> None:
    zone = make_zone(hosts=6, clusters=1)
    off, short, shorter, down, small, twice = hosts_of(zone)
    set_host(off, enabled=False)
    set_host(short, allocated_memory_mib=65536 - 1000)
    set_host(shorter, allocated_vcpus=32)
    set_host(down, state=HostState.DISCONNECTED, allocated_vcpus=8)
    set_host(small, capacity_memory_mib=1000)
    set_host(twice, enabled=False, state=HostState.ALERT)
    explanation = placement.explain(request(zone))
    assert near(explanation) == [
        (off.name, ["host_disabled"], {}, "enable_host"),
        (down.name, ["host_down"], {}, "reconnect_host"),
        (short.name, ["no_memory"], {"memory_mib": 24}, "stop_or_move"),
        (shorter.name, ["no_vcpus"], {"vcpus": 1}, "stop_or_move"),
        (twice.name, ["host_disabled", "host_down"], {}, "enable_host"),
    ]


def test_the_nearest_of_many_clusters_are_found() -> None:
    zone = make_zone(hosts=16, clusters=8)
    for number, host in enumerate(hosts_of(zone)):
        set_host(host, allocated_memory_mib=65536 - 64 * (number * 5 % 16))
    explanation = placement.explain(request(zone))
    assert [miss["lacking"]["memory_mib"] for miss in explanation["near_misses"]] == [64, 128, 192, 256, 320]


def test_a_host_full_beyond_all_measure_is_explained_as_well() -> None:
    zone = make_zone(hosts=2)
    other, wild = hosts_of(zone)
    set_host(other, allocated_vcpus=32)
    set_host(wild, capacity_vcpus=1, allocated_vcpus=2**31 - 2, capacity_memory_mib=0)
    assert near(placement.explain(request(zone)))[0][0] == other.name


def test_a_missing_pool_or_address_is_measured_too() -> None:
    zone = make_zone(hosts=2, clusters=2, pods=2, addresses=2, pool_gib=10)
    one, other = hosts_of(zone)
    PrimaryStorage.objects.filter(cluster=one.cluster).update(allocated_bytes=7 * GIB)
    PrimaryStorage.objects.filter(cluster=other.cluster).update(enabled=False)
    explanation = placement.explain(request(zone, disk_bytes=4 * GIB, nics=1))
    assert [entry[1:] for entry in near(explanation)] == [
        (["no_pool"], {"disk_bytes": GIB}, "add_pool"),
        (["no_pool"], {"disk_bytes": 4 * GIB}, "add_pool"),
    ]
    explanation = placement.explain(request(zone, disk_bytes=0, nics=5))
    assert [entry[1:] for entry in near(explanation)] == [
        (["no_address"], {"addresses": 3}, "add_addresses")
    ] * 2


def test_a_pinned_host_comes_before_the_hosts_that_unpinning_would_open() -> None:
    zone = make_zone(hosts=3)
    pinned = set_host(hosts_of(zone)[2], allocated_vcpus=30)
    explanation = placement.explain(request(zone, vcpus=4, strategy="pinned", pinned_host_id=pinned.pk))
    assert explanation["reason"] == "no_vcpus"
    assert near(explanation)[0] == (pinned.name, ["no_vcpus"], {"vcpus": 2}, "stop_or_move")
    assert {miss[3] for miss in near(explanation)[1:]} == {"unpin"}


def test_what_nothing_could_help_is_no_near_miss() -> None:
    zone = make_zone(hosts=2)
    Cluster.objects.filter(pod__zone=zone).update(arch="riscv64")
    assert placement.explain(request(zone))["near_misses"] == []


def test_counts_add_up_to_all_that_do_not_fit() -> None:
    zone = make_zone(hosts=60, clusters=12)
    for number, host in enumerate(hosts_of(zone)):
        breaks: list[dict[str, Any]] = [{"enabled": False}, {"state": "Alert"}, {"allocated_vcpus": 32}]
        set_host(host, **breaks[number % 4]) if number % 4 < 3 else None
    explanation = placement.explain(request(zone))
    assert explanation["fitting"] == 15
    counted: dict[str, int] = {}
    for entry in explanation["counts"]:
        counted[entry["reason"]] = counted.get(entry["reason"], 0) + entry["hosts"]
    assert counted == {"host_disabled": 15, "host_down": 15, "no_vcpus": 15}


def test_ten_thousand_hosts_are_explained_in_sixteen_kibibytes() -> None:
    """Also with the longest names there can be, in characters that JSON escapes to twelve bytes."""
    zone = make_zone(hosts=10_000, clusters=500, pods=5, addresses=2)
    Host.objects.filter(zone=zone).update(name="\N{PAGER}" * 100)
    Cluster.objects.filter(pod__zone=zone).update(name="\N{PAGER}" * 100)
    Host.objects.annotate(odd=F("pk") % 3).filter(zone=zone).exclude(odd=0).update(allocated_vcpus=32)
    happy, unhappy = make_vm(zone), make_vm(zone)
    placement.place(happy)
    Host.objects.filter(zone=zone, allocated_vcpus__lt=32).update(enabled=False)
    with pytest.raises(InsufficientCapacity) as caught, transaction.atomic():
        placement.place(unhappy)
    placement.remember(unhappy, caught.value.explanation or {}, fits=False)
    for vm, fits in ((happy, True), (unhappy, False)):
        stored = Placement.objects.get(vm=vm)
        assert stored.fits == fits
        assert stored.explanation["considered"] == 10_000
        assert len(json.dumps(stored.explanation)) <= LIMIT
        counted = sum(entry["hosts"] for entry in stored.explanation["counts"])
        assert counted == 10_000 - stored.explanation["fitting"]
        assert len(stored.explanation["best"]) == (10 if fits else 0)
        assert len(stored.explanation["near_misses"]) == (0 if fits else 5)


def test_short_names_are_kept_whole_and_twenty_clusters_named() -> None:
    zone = make_zone(hosts=120, clusters=60, enabled=False)
    explanation = placement.explain(request(zone))
    named = [entry for entry in explanation["counts"] if entry["cluster"]]
    assert len(named) == 20
    assert explanation["counts"][20:] == [{"cluster": None, "reason": "host_disabled", "hosts": 80}]
    assert named[0]["cluster"]["name"] in set(Cluster.objects.values_list("name", flat=True))


def test_hosts_are_counted_once_for_machines_that_follow_each_other_and_find_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(survey, "KEEP_SECONDS", 60.0)
    monkeypatch.setattr(survey, "_kept", {})
    zone = make_zone(hosts=3)
    small, large = (PlacementRequest(zone_id=zone.pk, vcpus=vcpus, memory_mib=512) for vcpus in (1, 2))
    assert (placement.explain(small)["fitting"], placement.explain(small)["counts"]) == (3, [])
    set_host(hosts_of(zone)[0], enabled=False)
    assert (placement.explain(small)["fitting"], placement.explain(small)["counts"]) == (3, [])
    assert (placement.explain(large)["fitting"], len(placement.explain(large)["counts"])) == (2, 1)
    Host.objects.update(enabled=False)
    for request in (small, large):
        told = placement.explain(request)
        assert (told["fitting"], sum(count["hosts"] for count in told["counts"])) == (0, 3)


def test_nothing_is_named_by_an_internal_key() -> None:
    zone = make_zone(hosts=4, clusters=2)
    vm = make_vm(zone)
    placement.place(vm)
    full = placement.explain(request(zone, vcpus=33))
    page = placement.explain_all(placement.request_of(vm))
    numbers = {"vcpus", "memory_mib", "disk_bytes", "addresses", "considered", "fitting", "hosts", "score"}
    for explanation in (Placement.objects.get(vm=vm).explanation, full, page):
        for path, value in leaves(explanation):
            if path[-1] == "uuid":
                UUID(value)
            if isinstance(value, int) and not isinstance(value, bool):
                assert path[-1] in numbers, path


def test_codes_are_stable() -> None:
    assert {str(reason) for reason in Reason} == {
        "zone_disabled", "pod_disabled", "cluster_disabled", "wrong_arch", "not_pinned_host", "excluded",
        "other_pod", "unreachable_volume", "host_disabled", "host_down", "too_small", "no_vcpus", "no_memory",
        "no_pool", "no_address", "no_hosts", "contended",
    }  # fmt: skip
    assert set(HELP) < set(Reason)


def test_the_latest_placement_replaces_the_one_before() -> None:
    zone = make_zone()
    vm = make_vm(zone)
    placement.place(vm)
    first = Placement.objects.get(vm=vm)
    placement.remember(vm, placement.explain(request(zone, vcpus=40)), fits=False)
    second = Placement.objects.get(vm=vm)
    assert (first.pk, first.fits, second.fits) == (second.pk, True, False)
    assert second.decided_at > first.decided_at
    assert second.explanation["reason"] == "too_small"


def test_the_full_list_comes_in_pages_by_host() -> None:
    zone = make_zone(hosts=7, clusters=2)
    broken = set_host(hosts_of(zone)[3], enabled=False, allocated_vcpus=40)
    asked, after, pages = request(zone), None, []
    while True:
        page = placement.explain_all(asked, after=after, limit=3)
        assert (page["considered"], page["fitting"]) == (7, 6)
        pages.append(page["hosts"])
        if (after := page["next"]) is None:
            break
    assert [len(page) for page in pages] == [3, 3, 1]
    entries = [entry for page in pages for entry in page]
    assert [entry["host"]["name"] for entry in entries] == [host.name for host in hosts_of(zone)]
    wrong = next(entry for entry in entries if entry["host"]["name"] == broken.name)
    assert wrong["reasons"] == ["host_disabled", "no_vcpus"]
    assert (wrong["score"], wrong["lacking"], wrong["help"]) == (None, {"vcpus": 9}, "enable_host")
    good = [entry for entry in entries if entry is not wrong]
    assert {(entry["score"], entry["help"], len(entry["reasons"])) for entry in good} == {(1000, None, 0)}


def test_the_full_list_of_one_cluster() -> None:
    zone = make_zone(hosts=5, clusters=2)
    cluster = hosts_of(zone)[4].cluster
    page = placement.explain_all(request(zone), cluster=cluster)
    assert {entry["cluster"]["uuid"] for entry in page["hosts"]} == {str(cluster.uuid)}
    assert len(page["hosts"]) == 2
    assert page["next"] is None


def test_a_page_goes_on_only_from_a_host_of_the_zone() -> None:
    zone, other = make_zone(), make_zone()
    with pytest.raises(NotFound):
        placement.explain_all(request(zone), after=str(hosts_of(other)[0].uuid))


def test_explaining_reads_only(django_assert_max_num_queries: Any) -> None:
    zone = make_zone(hosts=8, clusters=4, enabled=False)
    vm: VirtualMachine = make_vm(zone)
    with django_assert_max_num_queries(12) as captured:
        placement.explain(placement.request_of(vm))
    verbs = {query["sql"].split()[0] for query in captured.captured_queries}
    assert verbs <= {"SELECT", "WITH"}
