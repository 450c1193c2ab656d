"""Placement against a plain reading of its rules, in zones that nobody would think of.

The expected answer is worked out here from the rows, host by host, without the product's SQL.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.compute import placement
from apps.compute.models import VirtualMachine
from apps.core.errors import InsufficientCapacity
from apps.network import addresses
from apps.network.models import IpAddress
from apps.storage.models import PrimaryStorage
from apps.zones.models import Host, Pod, Zone
from tests.factories import (
    make_account,
    make_cluster,
    make_hosts,
    make_offering,
    make_pod,
    make_pools,
    make_template,
    make_vm,
    make_zone,
    placed,
)

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OVERHEAD = settings.MACHINE_OVERHEAD_MEMORY_MIB

mostly = st.sampled_from([True, True, True, True, False])
host_columns = st.fixed_dictionaries(
    {
        "enabled": mostly,
        "state": st.sampled_from(["Up", "Up", "Up", "Disconnected"]),
        "capacity_vcpus": st.integers(0, 12),
        "capacity_memory_mib": st.integers(0, 8000),
        "allocated_vcpus": st.integers(0, 14),
        "allocated_memory_mib": st.integers(0, 9000),
    }
)
clusters = st.fixed_dictionaries(
    {
        "pod": st.integers(0, 1),
        "enabled": mostly,
        "arch": st.sampled_from(["x86_64", "x86_64", "x86_64", "aarch64"]),
        "hosts": st.lists(host_columns, max_size=4),
        "pool_gib": st.sampled_from([0, 8, 20]),
        "host_pool_gib": st.sampled_from([0, 0, 8, 20]),
    }
)
zones = st.fixed_dictionaries(
    {
        "clusters": st.lists(clusters, min_size=1, max_size=3),
        "pods": st.lists(st.tuples(mostly, st.integers(0, 4)), min_size=2, max_size=2),
        "pool_gib": st.sampled_from([0, 0, 15]),
        "enabled": st.sampled_from([True] * 9 + [False]),
    }
)
machines = st.fixed_dictionaries(
    {
        "vcpus": st.integers(1, 6),
        "memory_mib": st.integers(64, 4000),
        "gib": st.sampled_from([1, 5, 9]),
        "nics": st.integers(0, 2),
        "strategy": st.sampled_from(["spread", "pack", "first-fit", "pinned"]),
        "pinned": st.integers(0, 11),
    }
)


def build(shape: dict[str, Any]) -> Zone:
    zone = make_zone(hosts=0, clusters=0, pods=0, pool=None)
    Zone.objects.filter(pk=zone.pk).update(enabled=shape["enabled"])
    pods = [make_pod(zone, addresses=count) for _enabled, count in shape["pods"]]
    for pod, (enabled, _count) in zip(pods, shape["pods"], strict=True):
        Pod.objects.filter(pk=pod.pk).update(enabled=enabled)
    for each in shape["clusters"]:
        cluster = make_cluster(pods[each["pod"]], enabled=each["enabled"], arch=each["arch"])
        hosts = [make_hosts(cluster, 1, **columns)[0] for columns in each["hosts"]]
        if each["pool_gib"]:
            make_pools("cluster", [cluster], each["pool_gib"])
        if each["host_pool_gib"]:
            make_pools("host", hosts, each["host_pool_gib"])
    if shape["pool_gib"]:
        make_pools("zone", [zone], shape["pool_gib"])
    return zone


def fullness(host: Host) -> int:
    """In permille, by what is fuller; of a host that fits."""
    by_vcpus = host.allocated_vcpus * 1000 // host.capacity_vcpus
    return max(by_vcpus, host.allocated_memory_mib * 1000 // host.capacity_memory_mib)


def fits(host: Host, vm: VirtualMachine) -> bool:
    cluster, pod = host.cluster, host.pod
    size = sum(volume.size_bytes for volume in vm.volumes() if volume.pool is None)
    pools = PrimaryStorage.objects.filter(zone=host.zone, enabled=True)
    reached = [p for p in pools if p.scope == "zone" or host in (p.host,) or cluster in (p.cluster,)]
    free = addresses.free().filter(network__pod=pod).count()
    return (
        host.zone.enabled
        and pod.enabled
        and cluster.enabled
        and cluster.arch == vm.template.arch
        and host.enabled
        and host.state == "Up"
        and host.allocated_vcpus + vm.offering.vcpus <= host.capacity_vcpus
        and host.allocated_memory_mib + vm.offering.memory_mib + OVERHEAD <= host.capacity_memory_mib
        and any(pool.allocated_bytes + size <= pool.promised_bytes for pool in reached)
        and free >= vm.nics.filter(ip=None).count()
        and (vm.strategy != "pinned" or host.pk == vm.pinned_host_id)
        and (vm.pod_id is None or vm.pod_id == pod.pk)
    )


def expected(zone: Zone, vm: VirtualMachine) -> list[Host]:
    """All hosts that fit, the one to take first."""
    hosts = Host.objects.filter(zone=zone).select_related("zone", "pod", "cluster").order_by("pk")
    fitting = [host for host in hosts if fits(host, vm)]
    order = {
        "spread": lambda host: (fullness(host), host.pk),
        "pack": lambda host: (-fullness(host), host.pk),
        "first-fit": lambda host: (host.cluster_id, host.pk),
        "pinned": lambda host: host.pk,
    }
    return sorted(fitting, key=order[vm.strategy])


def counts(zone: Zone) -> tuple[Any, ...]:
    return (
        list(
            Host.objects.filter(zone=zone)
            .order_by("pk")
            .values_list("allocated_vcpus", "allocated_memory_mib")
        ),
        list(
            PrimaryStorage.objects.filter(zone=zone).order_by("pk").values_list("allocated_bytes", flat=True)
        ),
        IpAddress.objects.filter(network__zone=zone).exclude(holder=None).count(),
    )


def machine_of(zone: Zone, wish: dict[str, Any]) -> VirtualMachine:
    hosts = list(Host.objects.filter(zone=zone).order_by("pk"))
    account = make_account()
    return make_vm(
        zone,
        account=account,
        offering=make_offering(wish["vcpus"], wish["memory_mib"]),
        template=make_template(zone, account),
        disks_gib=(wish["gib"],),
        nics=wish["nics"],
        strategy=wish["strategy"],
        pinned_host=hosts[wish["pinned"] % len(hosts)] if wish["strategy"] == "pinned" and hosts else None,
    )


def try_to_place(vm: VirtualMachine) -> Host | None:
    try:
        with transaction.atomic():
            return placed(vm)
    except InsufficientCapacity as error:
        placement.remember(vm, error.explanation or {}, fits=False)
        return None


@hypothesis_settings(max_examples=40, deadline=None, derandomize=True)
@given(shape=zones, wishes=st.lists(machines, min_size=1, max_size=4))
def test_the_first_host_that_keeps_every_rule_is_taken_and_no_other(
    shape: dict[str, Any], wishes: list[dict[str, Any]]
) -> None:
    with transaction.atomic():
        zone = build(shape)
        for wish in wishes:
            vm = machine_of(zone, wish)
            fitting = expected(zone, vm)
            before = counts(zone)
            host = try_to_place(vm)
            assert host == (fitting[0] if fitting else None)
            stored = vm.placement.explanation
            assert (stored["fitting"], vm.placement.fits) == (len(fitting), bool(fitting))
            assert stored["considered"] == Host.objects.filter(zone=zone).count()
            assert [entry["host"]["name"] for entry in stored["best"]] == [h.name for h in fitting[:10]]
            assert (
                sum(entry["hosts"] for entry in stored["counts"]) == stored["considered"] - stored["fitting"]
            )
            if host is None:
                assert counts(zone) == before
        transaction.set_rollback(True)


@hypothesis_settings(max_examples=20, deadline=None, derandomize=True)
@given(
    shape=zones,
    wishes=st.lists(machines, min_size=1, max_size=5),
    acts=st.lists(
        st.tuples(
            st.sampled_from(
                ["place", "release_compute", "release_disks", "release_addresses", "release_everything"]
            ),
            st.integers(0, 4),
        ),
        max_size=12,
    ),
)
def test_whatever_was_done_nothing_drifts_and_releasing_leads_back_to_the_start(
    shape: dict[str, Any], wishes: list[dict[str, Any]], acts: list[tuple[str, int]]
) -> None:
    with transaction.atomic():
        zone = build(shape)
        Host.objects.filter(zone=zone).update(allocated_vcpus=0, allocated_memory_mib=0)
        vms = [machine_of(zone, wish) for wish in wishes]
        start = counts(zone)
        for act, index in acts:
            vm = VirtualMachine.objects.get(pk=vms[index % len(vms)].pk)
            if act == "place":
                try_to_place(vm)
            elif act in {"release_compute", "release_everything"} or vm.host is None:
                getattr(placement, act)(vm)
            for host in Host.objects.filter(zone=zone):
                assert host.allocated_vcpus <= host.capacity_vcpus
                assert host.allocated_memory_mib <= host.capacity_memory_mib
            for pool in PrimaryStorage.objects.filter(zone=zone):
                assert pool.allocated_bytes <= pool.promised_bytes
            assert placement.recount() == []
        for vm in vms:
            placement.release_everything(vm)
        assert counts(zone) == start
        transaction.set_rollback(True)
