"""Taking what a machine needs and giving it back: a pointer and the count beside it move together.

Call all of it in a transaction. The order is always machine, host, pool, address, so that two who
need the same things wait for each other and not in a circle.

Every release is a compare-and-set on the pointer, read anew: whoever sets it to NULL gives back what
it stood for, so that a second release, or one with a stale row in hand, gives back nothing.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from apps.compute.models import Nic, VirtualMachine
from apps.compute.placement.explanation import Ref
from apps.compute.placement.request import Needs
from apps.compute.placement.survey import public_id
from apps.core import sql
from apps.core.errors import StateConflict
from apps.network import addresses
from apps.storage.models import PrimaryStorage, TemplateCopy, Volume
from apps.zones import capacity


class Taken(Exception):
    """Someone else took what this host had."""


_CLAIM_HOST = """
UPDATE compute_virtualmachine SET host_id = %(host)s, pod_id = coalesce(pod_id, %(pod)s),
  claimed_vcpus = %(vcpus)s, claimed_memory_mib = %(memory)s
WHERE id = %(vm)s AND host_id IS NULL
"""
_CLAIM_POOL = """
UPDATE storage_primarystorage SET allocated_bytes = allocated_bytes + %(disk)s
WHERE id = (
    SELECT id FROM storage_primarystorage
    WHERE zone_id = %(zone)s AND enabled AND allocated_bytes <= promised_bytes - %(disk)s
      AND (scope = 'zone' OR cluster_id = %(cluster)s OR host_id = %(host)s)
    ORDER BY CASE scope WHEN 'host' THEN 0 WHEN 'cluster' THEN 1 ELSE 2 END,
      promised_bytes - allocated_bytes DESC, id LIMIT 1)
  AND enabled AND allocated_bytes <= promised_bytes - %(disk)s
RETURNING id, uuid, name
"""
_MOVE_VOLUMES = """
UPDATE storage_volume SET pool_id = %(pool)s
WHERE pool_id IS NULL AND id IN (SELECT volume_id FROM compute_volumeattachment WHERE vm_id = %(vm)s)
"""
_PLUG_NIC = """
UPDATE compute_nic SET ip_id = %(address)s, network_id = %(network)s WHERE id = %(nic)s AND ip_id IS NULL
"""
_POOL_ATTEMPTS = 3


def claim_compute(
    vm_id: int, host_id: int, pod_id: int, *, vcpus: int, memory_mib: int, beyond: bool = False
) -> None:
    """Point the machine at the host and take its part of it. Taken if the host does not have it, and
    StateConflict if the machine was placed meanwhile: roll back then."""
    params = {"vm": vm_id, "host": host_id, "pod": pod_id, "vcpus": vcpus, "memory": memory_mib}
    if not sql.changed(_CLAIM_HOST, params):
        raise StateConflict(reason="placed_meanwhile")
    if not capacity.claim(host_id, vcpus=vcpus, memory_mib=memory_mib, beyond=beyond):
        raise Taken


def claim_pool(vm_id: int, needs: Needs, *, host_id: int, cluster_id: int) -> Ref | None:
    """Room for all of the machine's new volumes in one pool: the host's own before its cluster's
    before the zone's, the one with most room first. Taken if there is none; None if none is needed."""
    if not needs.volumes:
        return None
    request = needs.request
    params = {"zone": request.zone_id, "disk": request.disk_bytes, "cluster": cluster_id, "host": host_id}
    for _attempt in range(_POOL_ATTEMPTS):  # others may have filled the pool that was picked
        if claimed := sql.rows(_CLAIM_POOL, params):
            break
    else:
        raise Taken
    pk, uuid, name = claimed[0]
    if sql.changed(_MOVE_VOLUMES, {"pool": pk, "vm": vm_id}) != needs.volumes:
        raise StateConflict(reason="placed_meanwhile")
    return {"uuid": public_id(uuid), "name": name}


def claim_addresses(needs: Needs, network_id: int | None) -> None:
    """An address of the network for each NIC without one. Taken if there are too few."""
    for pk, uuid in needs.nics:
        address_id = addresses.claim(network_id, uuid) if network_id else None
        if address_id is None:
            raise Taken
        if not sql.changed(_PLUG_NIC, {"nic": pk, "address": address_id, "network": network_id}):
            raise StateConflict(reason="placed_meanwhile")


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
