"""Choosing a host for a machine, and claiming all that it needs there."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from apps.compute.models import Nic, VirtualMachine
from apps.compute.placement.explanation import Ref, describe_choice, explanation_of, main_reason, remember
from apps.compute.placement.reasons import Reason
from apps.compute.placement.request import Needs, PlacementRequest, needs_of
from apps.compute.placement.survey import HostView, Survey, public_id
from apps.core.errors import InsufficientCapacity, InvalidInput, StateConflict
from apps.network import addresses
from apps.storage.models import PrimaryStorage, Volume
from apps.zones import capacity
from apps.zones.models import Host

ROUNDS = 20
"""How often the zone is surveyed anew when others were faster at all of the best hosts."""


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
    able = [group for group in survey.unfit if group.cluster.arch == request.arch]
    if able and all(Reason.TOO_SMALL in group.reasons for group in able):
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
    pool = _claim_pool(needs, survey, host) if request.disk_bytes else None
    _claim_addresses(needs, host)
    return pool


def _claim_pool(needs: Needs, survey: Survey, host: HostView) -> Ref:
    """Room for all of the machine's new volumes together, in the first pool that still has it."""
    size_bytes = needs.request.disk_bytes
    for pk, uuid, name in survey.pools_of(host):
        room = PrimaryStorage.objects.filter(
            pk=pk, enabled=True, allocated_bytes__lte=F("promised_bytes") - size_bytes
        )
        if room.update(allocated_bytes=F("allocated_bytes") + size_bytes):
            moved = Volume.objects.filter(pk__in=needs.volumes, pool=None).update(pool=pk)
            if moved != len(needs.volumes):
                raise StateConflict(reason="placed_meanwhile")
            return {"uuid": public_id(uuid), "name": name}
    raise _Taken


def _claim_addresses(needs: Needs, host: HostView) -> None:
    network_id = host.cluster.network_id
    for pk, uuid in needs.nics:
        address = addresses.claim(network_id, uuid) if network_id else None
        if address is None:
            raise _Taken
        if not Nic.objects.filter(pk=pk, ip=None).update(ip=address, network=network_id):
            raise StateConflict(reason="placed_meanwhile")


def _note_claim(vm: VirtualMachine, survey: Survey, chosen: HostView) -> Host:
    host = Host.objects.get(pk=chosen.pk)
    vm.host, vm.pod_id = host, chosen.cluster.pod_id
    vm.claimed_vcpus, vm.claimed_memory_mib = survey.request.vcpus, survey.memory_mib
    return host
