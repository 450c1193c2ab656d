"""A count that is not what the rows add up to is found, named and mended; a right one is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Quota
from apps.compute import placement
from apps.compute.models import Nic, VirtualMachine
from apps.compute.placement import Drift
from apps.compute.states import HOLDS, Holding, State
from apps.network.models import IpAddress
from apps.storage.models import PrimaryStorage, TemplateCopy, Volume
from apps.zones.models import Host
from tests.factories import GIB, make_account, make_domain, make_vm, make_zone

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def placed() -> VirtualMachine:
    vm = make_vm(make_zone(), vcpus=3, disks_gib=(10, 1))
    placement.place(vm)
    return vm


def found(**changes: Any) -> list[tuple[str, str, int, int]]:
    drifts: list[Drift] = placement.recount(**changes)
    return [(drift.kind, drift.counter, drift.recorded, drift.actual) for drift in drifts]


def test_right_counts_are_no_drift() -> None:
    placed()
    assert placement.recount() == []


def test_each_kind_of_count_is_compared_and_mended() -> None:
    vm = placed()
    Host.objects.update(allocated_vcpus=7, allocated_memory_mib=0)
    PrimaryStorage.objects.update(allocated_bytes=GIB)
    TemplateCopy.objects.create(template=vm.template, pool=PrimaryStorage.objects.get(), uses=2)
    Quota.objects.filter(account=vm.account).update(used_vcpus=1, used_addresses=5)
    drift = [
        ("host", "allocated_vcpus", 7, 3),
        ("host", "allocated_memory_mib", 0, vm.claimed_memory_mib),
        ("pool", "allocated_bytes", GIB, 11 * GIB),
        ("template_copy", "uses", 2, 0),
        ("quota", "used_vcpus", 1, 3),
        ("quota", "used_addresses", 5, 1),
    ]
    assert found() == drift
    assert found() == drift
    assert found(fix=True) == drift
    assert found() == []


def test_drift_is_named_by_its_object() -> None:
    vm = placed()
    Host.objects.update(allocated_vcpus=0)
    Quota.objects.filter(account=vm.account).update(used_machines=0)
    host = Host.objects.get()
    assert [(drift.uuid, drift.name) for drift in placement.recount()] == [
        (str(host.uuid), host.name),
        (str(vm.account.uuid), vm.account.name),
    ]


def test_a_zone_is_recounted_alone_and_without_quotas() -> None:
    here, there = placed(), placed()
    Host.objects.filter(zone=there.zone).update(allocated_vcpus=0)
    Quota.objects.update(used_machines=9)
    assert found(zone=here.zone) == []
    assert found(zone=there.zone, fix=True) == [("host", "allocated_vcpus", 0, 3)]


def test_an_address_and_its_nic_agree() -> None:
    vm, other = placed(), placed()
    vm.nics.update(ip=None)
    IpAddress.objects.filter(nic__vm=other).update(holder=None)
    assert found(fix=True) == [("address", "holder", 1, 0), ("address", "holder", 0, 1)]
    assert placement.recount() == []
    assert not IpAddress.objects.filter(holder__in=vm.nics.values("uuid")).exists()
    assert Nic.objects.get(vm=other).ip.holder == Nic.objects.get(vm=other).uuid  # type: ignore[union-attr]


@pytest.mark.parametrize("state", State)
def test_a_machine_counts_against_quota_as_its_state_says(state: State) -> None:
    """Whole GiB are counted for every volume that is begun."""
    vm = make_vm(make_zone(), state=state, disks_gib=(2,), nics=2)
    Volume.objects.update(size_bytes=GIB + 1)
    Quota.objects.update(**{f"used_{name}": 0 for name in Quota.RESOURCES})
    counted = {"machines": 1, "vcpus": 1, "memory_mib": 1024, "volumes": 1, "storage_gib": 2, "addresses": 2}
    assert vm.quota_amount.parts() == counted
    drift = {entry.counter: entry.actual for entry in placement.recount() if entry.name == vm.account.name}
    assert drift.pop("used_templates") == 1
    if Holding.QUOTA in HOLDS[state]:
        assert drift == {f"used_{name}": value for name, value in counted.items()}
    else:
        assert drift == {}


def test_a_domain_counts_all_accounts_below_it() -> None:
    college = make_domain()
    institute = make_domain(college)
    zone = make_zone()
    make_vm(zone, account=make_account(college))
    make_vm(zone, account=make_account(institute))
    make_vm(zone, account=make_account())
    assert placement.recount() == []
    used = dict(Quota.objects.exclude(domain=None).values_list("domain__name", "used_machines"))
    assert used == {"ROOT": 3, college.name: 2, institute.name: 1}
    Quota.objects.exclude(domain=None).update(used_machines=0)
    assert [entry.actual for entry in placement.recount(fix=True)] == [3, 2, 1]
    assert placement.recount() == []
