"""Giving back what a machine holds: each pointer and the count beside it move in one transaction.

Every release is a compare-and-set on the pointer, read anew: whoever sets it to NULL gives back what
it stood for, so that a second release, or one with a stale row in hand, gives back nothing.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.db.models import F

from apps.compute.models import Nic, VirtualMachine
from apps.compute.placement.decision import insufficient
from apps.compute.placement.explanation import main_reason
from apps.compute.placement.reasons import Reason
from apps.compute.placement.request import request_of
from apps.compute.placement.survey import Survey
from apps.core.errors import StateConflict
from apps.network import addresses
from apps.storage.models import PrimaryStorage, TemplateCopy, Volume
from apps.zones import capacity
from apps.zones.models import Host


@transaction.atomic
def claim_compute_on(vm: VirtualMachine, host: Host, *, beyond: bool = False) -> None:
    """Claim CPU and memory on this very host. `beyond` records a machine that runs there already,
    whatever the host has left; else InsufficientCapacity, with the explanation, if it does not fit.
    StateConflict if the machine holds a part of another host."""
    vm.refresh_from_db(fields=["host", "pod", "claimed_vcpus", "claimed_memory_mib"])
    if vm.host_id == host.pk:
        return
    if vm.host_id is not None:
        raise StateConflict(reason="on_other_host")
    strategy = VirtualMachine.Strategy.PINNED
    request = replace(request_of(vm), strategy=strategy, pinned_host_id=host.pk)
    vcpus, memory_mib = request.vcpus, capacity.machine_memory_mib(request.memory_mib)
    if not beyond and not (survey := Survey(request)).best():
        raise insufficient(survey, main_reason(survey))
    pod_id = vm.pod_id or host.pod_id
    claimed = VirtualMachine.objects.filter(pk=vm.pk, host=None).update(
        host=host, pod=pod_id, claimed_vcpus=vcpus, claimed_memory_mib=memory_mib
    )
    if not claimed:
        raise StateConflict(reason="placed_meanwhile")
    if not capacity.claim(host.pk, vcpus=vcpus, memory_mib=memory_mib, beyond=beyond):
        raise insufficient(Survey(request), Reason.CONTENDED)
    vm.host, vm.pod_id = host, pod_id
    vm.claimed_vcpus, vm.claimed_memory_mib = vcpus, memory_mib


@transaction.atomic
def release_compute(vm: VirtualMachine) -> None:
    """Give back the machine's part of its host, which becomes its last host."""
    rows = VirtualMachine.objects.filter(pk=vm.pk).exclude(host=None)
    while held := rows.values_list("host_id", "claimed_vcpus", "claimed_memory_mib").first():
        host_id, vcpus, memory_mib = held
        mine = rows.filter(host=host_id, claimed_vcpus=vcpus, claimed_memory_mib=memory_mib)
        if mine.update(host=None, last_host=host_id, claimed_vcpus=0, claimed_memory_mib=0):
            capacity.give_back(host_id, vcpus=vcpus, memory_mib=memory_mib)
            vm.last_host_id = host_id
            break
    vm.host, vm.claimed_vcpus, vm.claimed_memory_mib = None, 0, 0


@transaction.atomic
def release_disks(vm: VirtualMachine) -> None:
    """Give back the room that the machine's volumes have in their pools. Their files are gone by now."""
    rows = vm.volumes().order_by().exclude(pool=None)
    for pk, pool_id, size_bytes in rows.values_list("pk", "pool_id", "size_bytes"):
        if Volume.objects.filter(pk=pk, pool=pool_id, size_bytes=size_bytes).update(pool=None):
            PrimaryStorage.objects.filter(pk=pool_id).update(
                allocated_bytes=F("allocated_bytes") - size_bytes
            )


@transaction.atomic
def release_template_copy(volume: Volume) -> None:
    """The volume is no longer built on its template's copy, which it counted as used."""
    copy_id = Volume.objects.filter(pk=volume.pk).values_list("template_copy_id", flat=True).first()
    if copy_id and Volume.objects.filter(pk=volume.pk, template_copy=copy_id).update(template_copy=None):
        TemplateCopy.objects.filter(pk=copy_id).update(uses=F("uses") - 1)
    volume.template_copy = None


@transaction.atomic
def release_addresses(vm: VirtualMachine) -> None:
    """The machine's NICs leave their network and give up their addresses."""
    for nic in vm.nics.all():
        Nic.objects.filter(pk=nic.pk).update(ip=None, network=None)
        addresses.release(nic.uuid)


@transaction.atomic
def release_everything(vm: VirtualMachine) -> None:
    """The machine holds nothing outside its own rows any more, and no pod: it may go anywhere."""
    rows = VirtualMachine.objects.filter(pk=vm.pk)
    rows.select_for_update().first()  # two at once wait here, not for each other further on
    release_compute(vm)
    for volume in vm.volumes():
        release_template_copy(volume)
    release_disks(vm)
    release_addresses(vm)
    rows.filter(host=None).update(pod=None)
    vm.pod = None
