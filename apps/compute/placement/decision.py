"""Choosing a host for a machine, and claiming all that it needs there."""

from __future__ import annotations

from django.db import connection, transaction

from apps.compute.models import Nic, VirtualMachine
from apps.compute.placement.explanation import Ref, describe_choice, explanation_of, main_reason, remember
from apps.compute.placement.reasons import Reason
from apps.compute.placement.request import Needs, PlacementRequest, needs_of
from apps.compute.placement.survey import HostView, Survey, public_id
from apps.core.errors import InsufficientCapacity, InvalidInput, StateConflict
from apps.network import addresses
from apps.storage.models import Volume
from apps.zones import capacity
from apps.zones.models import Host

ROUNDS = 20
"""How often the zone is surveyed anew when others were faster at all of the best hosts."""
ATTEMPTS = 3
"""How often a pool is picked anew when others filled the one picked."""


class _Taken(Exception):
    """Someone else took what this host had."""


def check(request: PlacementRequest) -> None:
    """Refuse now what could not be placed now; claims nothing. InvalidInput for what no host of the
    zone could ever hold, InsufficientCapacity for what is full or switched off."""
    survey = Survey(request)
    if survey.best():
        return
    if any(not cluster.zone_enabled for cluster in survey.clusters.values()):
        raise InvalidInput("zone_disabled", place="zone")
    able = [group for group in survey.unfit if survey.clusters[group.cluster].arch == request.arch]
    if able and all(Reason.TOO_SMALL in survey.reasons_of(group) for group in able):
        raise InvalidInput("offering_too_large", place="offering")
    raise insufficient(survey, main_reason(survey))


def place(vm: VirtualMachine) -> Host:
    """The machine's host, with everything it needs there claimed and the explanation stored.

    Call it in a transaction. It is idempotent: a machine that has a host keeps it. All or nothing:
    InsufficientCapacity, which carries the explanation, leaves nothing written.
    """
    vm.refresh_from_db(fields=["host", "pod", "last_host"])
    if vm.host is not None:
        return vm.host
    needs = needs_of(vm)
    for _round in range(ROUNDS):
        survey = Survey(needs.request)
        best = survey.best()
        if not best:
            raise insufficient(survey, main_reason(survey))
        explanation = explanation_of(survey, best)  # as things were before the claim
        for candidate in best:
            try:
                with transaction.atomic():
                    pool = _claim(vm, needs, survey, candidate)
            except _Taken:
                continue
            chosen = describe_choice(survey, candidate, pool)
            remember(vm, {**explanation, "chosen": chosen}, fits=True)
            return _note_claim(vm, survey, candidate)
    error = insufficient(survey, Reason.CONTENDED)
    error.retry = True
    raise error


def insufficient(survey: Survey, reason: Reason) -> InsufficientCapacity:
    """The error that carries its explanation."""
    error = InsufficientCapacity(f"{survey.considered} hosts considered: {reason}", reason=str(reason))
    error.explanation = {**explanation_of(survey), "reason": str(reason)}
    return error


def _claim(vm: VirtualMachine, needs: Needs, survey: Survey, host: HostView) -> Ref | None:
    """Claim compute, pool room and addresses, each pointer with its count. Returns the pool used."""
    request = needs.request
    claimed = VirtualMachine.objects.filter(pk=vm.pk, host=None).update(
        host=host.pk,
        pod=host.cluster.pod_id,
        claimed_vcpus=request.vcpus,
        claimed_memory_mib=survey.memory_mib,
    )
    if not claimed:
        raise StateConflict(reason="placed_meanwhile")
    if not capacity.claim(host.pk, vcpus=request.vcpus, memory_mib=survey.memory_mib):
        raise _Taken
    pool = _claim_pool(needs, host) if request.disk_bytes else None
    _claim_addresses(needs, host)
    return pool


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


def _claim_pool(needs: Needs, host: HostView) -> Ref:
    """Room for all of the machine's new volumes in one pool: the host's own before its cluster's
    before the zone's, the one with most room first. Another try, since others may fill that one."""
    params = {
        "zone": needs.request.zone_id,
        "disk": needs.request.disk_bytes,
        "cluster": host.cluster.pk,
        "host": host.pk,
    }
    for _attempt in range(ATTEMPTS):
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM_POOL, params)
            row = cursor.fetchone()
        if row is not None:
            break
    else:
        raise _Taken
    pk, uuid, name = row
    if Volume.objects.filter(pk__in=needs.volumes, pool=None).update(pool=pk) != len(needs.volumes):
        raise StateConflict(reason="placed_meanwhile")
    return {"uuid": public_id(uuid), "name": name}


def _claim_addresses(needs: Needs, host: HostView) -> None:
    network_id = host.cluster.network_id
    for pk, uuid in needs.nics:
        address_id = addresses.claim(network_id, uuid) if network_id else None
        if address_id is None:
            raise _Taken
        if not Nic.objects.filter(pk=pk, ip=None).update(ip=address_id, network=network_id):
            raise StateConflict(reason="placed_meanwhile")


def _note_claim(vm: VirtualMachine, survey: Survey, chosen: HostView) -> Host:
    host = Host.objects.get(pk=chosen.pk)
    vm.host, vm.pod_id = host, chosen.cluster.pod_id
    vm.claimed_vcpus, vm.claimed_memory_mib = survey.request.vcpus, survey.memory_mib
    return host
