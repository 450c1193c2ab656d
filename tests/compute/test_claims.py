"""What a machine holds is given back exactly once, whoever asks and with whatever row in hand."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import transaction

from apps.compute import placement
from apps.compute.models import VirtualMachine
from apps.core.errors import InsufficientCapacity, StateConflict
from apps.network.models import IpAddress
from apps.storage.models import PrimaryStorage, TemplateCopy, Volume
from apps.storage.use import use_template_copy
from apps.zones.models import Host, HostState, Zone
from tests.factories import GIB, make_vm, make_zone, placed

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OVERHEAD = settings.MACHINE_OVERHEAD_MEMORY_MIB


@pytest.fixture
def zone() -> Zone:
    return make_zone(hosts=2)


@pytest.fixture
def vm(zone: Zone) -> VirtualMachine:
    """A machine of 2 vCPUs, 2 GiB, 10 + 5 GiB of disk and two NICs, placed beside another one."""
    placement.place(make_vm(zone, strategy="first-fit"))
    machine = make_vm(zone, vcpus=2, memory_mib=2048, disks_gib=(10, 5), nics=2, strategy="first-fit")
    placement.place(machine)
    return machine


def stale(vm: VirtualMachine) -> VirtualMachine:
    return VirtualMachine.objects.select_related("host").get(pk=vm.pk)


def allocated(host: Host) -> tuple[int, int]:
    return Host.objects.values_list("allocated_vcpus", "allocated_memory_mib").get(pk=host.pk)


def test_released_compute_goes_back_to_its_host(vm: VirtualMachine) -> None:
    host = vm.host
    assert host
    assert allocated(host) == (3, 2048 + 1024 + 2 * OVERHEAD)
    placement.release_compute(vm)
    assert (vm.host, vm.last_host, vm.claimed_vcpus, vm.claimed_memory_mib) == (None, host, 0, 0)
    vm.refresh_from_db()
    assert (vm.host, vm.last_host, vm.claimed_vcpus, vm.claimed_memory_mib) == (None, host, 0, 0)
    assert vm.pod == host.pod
    assert allocated(host) == (1, 1024 + OVERHEAD)
    assert placement.recount() == []


def test_what_was_claimed_is_given_back_also_after_the_offering_changed(vm: VirtualMachine) -> None:
    type(vm.offering).objects.filter(pk=vm.offering_id).update(vcpus=8, memory_mib=512)
    host = vm.host
    assert host
    placement.release_compute(stale(vm))
    assert allocated(host) == (1, 1024 + OVERHEAD)


@pytest.mark.parametrize(
    "release", ["release_compute", "release_disks", "release_addresses", "release_everything"]
)
def test_a_second_release_gives_nothing_back(vm: VirtualMachine, release: str) -> None:
    old = stale(vm)
    for row in (vm, old, vm):
        getattr(placement, release)(row)
        assert placement.recount() == []


def test_a_stale_row_releases_what_the_machine_holds_now(vm: VirtualMachine, zone: Zone) -> None:
    old, first = stale(vm), vm.host
    assert first
    placement.release_compute(vm)
    second = Host.objects.filter(zone=zone).exclude(pk=first.pk).get()
    placement.claim_compute_on(vm, second)
    placement.release_compute(old)
    assert old.last_host == second
    assert (allocated(first), allocated(second)) == ((1, 1024 + OVERHEAD), (0, 0))


def test_released_disks_give_their_room_back(vm: VirtualMachine) -> None:
    pool = PrimaryStorage.objects.get()
    assert pool.allocated_bytes == 25 * GIB
    placement.release_disks(vm)
    pool.refresh_from_db()
    assert pool.allocated_bytes == 10 * GIB
    assert [volume.pool for volume in vm.volumes()] == [None, None]


def test_released_addresses_rest_before_anyone_gets_them(vm: VirtualMachine) -> None:
    before = [nic.ip for nic in vm.nics.select_related("ip")]
    placement.release_addresses(vm)
    for address in before:
        assert address
        address.refresh_from_db()
        assert address.holder is None
        assert address.free_after
    assert [(nic.ip, nic.network) for nic in vm.nics.all()] == [(None, None)] * 2
    assert IpAddress.objects.exclude(holder=None).count() == 1


def test_an_address_that_only_the_network_knows_of_is_released_too(vm: VirtualMachine) -> None:
    vm.nics.update(ip=None)
    placement.release_addresses(vm)
    assert IpAddress.objects.exclude(holder=None).count() == 1


def test_a_template_copy_is_used_once_a_volume_and_released_once(vm: VirtualMachine) -> None:
    root, data = vm.volumes()
    pool = PrimaryStorage.objects.get()
    copy = TemplateCopy.objects.create(template=vm.template, pool=pool, state=TemplateCopy.State.READY)
    old = Volume.objects.get(pk=root.pk)
    for volume in (root, data):
        assert use_template_copy(volume)
    for volume in (root, old, Volume.objects.get(pk=root.pk)):
        placement.release_template_copy(volume)
        assert volume.template_copy is None
        copy.refresh_from_db()
        assert copy.uses == 1
    placement.release_everything(vm)
    copy.refresh_from_db()
    assert copy.uses == 0


def test_a_machine_that_gave_up_everything_is_bound_to_no_pod(vm: VirtualMachine) -> None:
    placement.release_everything(vm)
    assert vm.pod is None
    vm.refresh_from_db()
    assert (vm.pod, vm.host) == (None, None)
    assert vm.last_host
    assert PrimaryStorage.objects.get().allocated_bytes == 10 * GIB
    assert IpAddress.objects.exclude(holder=None).count() == 1


def test_a_release_that_is_rolled_back_released_nothing(vm: VirtualMachine) -> None:
    def release_and_fail() -> None:
        with transaction.atomic():
            placement.release_everything(vm)
            raise LookupError

    with pytest.raises(LookupError):
        release_and_fail()
    again = stale(vm)
    assert again.host
    placement.release_compute(again)
    assert placement.recount() == []


def test_compute_is_claimed_on_the_host_that_is_named(zone: Zone) -> None:
    vm, host = make_vm(zone), Host.objects.filter(zone=zone).order_by("-pk")[0]
    for _ in range(2):
        placement.claim_compute_on(vm, host)
        assert (vm.host, vm.pod, vm.claimed_memory_mib) == (host, host.pod, 1024 + OVERHEAD)
    assert allocated(host) == (1, 1024 + OVERHEAD)
    assert placement.recount() == []


def test_a_full_host_is_refused_with_its_reason(zone: Zone) -> None:
    vm, host = make_vm(zone), Host.objects.filter(zone=zone)[0]
    Host.objects.filter(pk=host.pk).update(allocated_memory_mib=65000)
    with pytest.raises(InsufficientCapacity) as caught:
        placement.claim_compute_on(vm, host)
    assert caught.value.params["reason"] == "no_memory"
    assert caught.value.explanation
    assert caught.value.explanation["near_misses"][0]["host"]["name"] == host.name
    vm.refresh_from_db()
    assert vm.host is None


def test_what_runs_there_already_is_recorded_beyond_what_fits(zone: Zone) -> None:
    vm, host = make_vm(zone), Host.objects.filter(zone=zone)[0]
    Host.objects.filter(pk=host.pk).update(
        allocated_vcpus=host.capacity_vcpus, state=HostState.DISCONNECTED, enabled=False
    )
    placement.claim_compute_on(vm, host, beyond=True)
    assert allocated(host)[0] == host.capacity_vcpus + 1
    placement.release_compute(vm)
    assert allocated(host) == (host.capacity_vcpus, 0)


def test_a_machine_found_in_another_pod_keeps_the_pod_of_its_addresses() -> None:
    zone = make_zone(hosts=2, clusters=2, pods=2)
    vm = make_vm(zone)
    home = placed(vm)
    placement.release_compute(vm)
    away = Host.objects.filter(zone=zone).exclude(pk=home.pk).get()
    placement.claim_compute_on(vm, away, beyond=True)
    for row in (vm, stale(vm)):
        assert (row.host, row.pod) == (away, home.pod)


def test_a_machine_is_never_claimed_on_two_hosts(vm: VirtualMachine, zone: Zone) -> None:
    other = Host.objects.filter(zone=zone).exclude(virtual_machines=vm).get()
    for beyond in (False, True):
        with pytest.raises(StateConflict):
            placement.claim_compute_on(stale(vm), other, beyond=beyond)
    assert allocated(other) == (0, 0)
