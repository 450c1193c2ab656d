"""Choosing a host for a machine, or taking a named one, and claiming what it needs there."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from apps.compute.models import VirtualMachine
from apps.compute.placement import claims
from apps.compute.placement.explanation import (
    Ref,
    bounded,
    describe_choice,
    explanation_of,
    main_reason,
    remember,
)
from apps.compute.placement.reasons import Reason
from apps.compute.placement.request import Needs, PlacementRequest, needs_of, request_of
from apps.compute.placement.rules import BIT
from apps.compute.placement.survey import HostView, Survey
from apps.core.errors import InsufficientCapacity, InvalidInput, StateConflict
from apps.zones import capacity
from apps.zones.models import Host

ROUNDS = 20
"""How often the zone is surveyed anew when others were faster at all of the best hosts."""


def check(request: PlacementRequest) -> None:
    """Refuse now what could not be placed now; claims nothing. InvalidInput for what no host of the
    zone could ever hold, InsufficientCapacity for what is full or switched off."""
    survey = Survey(request)
    if survey.best():
        return
    if any(broken & BIT[Reason.ZONE_DISABLED] for broken in survey.broken.values()):
        raise InvalidInput("zone_disabled", place="zone")
    able = [group for group in survey.groups if not group.mask & BIT[Reason.WRONG_ARCH]]
    if able and all(group.mask & BIT[Reason.TOO_SMALL] for group in able):
        raise InvalidInput("offering_too_large", place="offering")
    raise insufficient(survey, main_reason(survey))


def room(request: PlacementRequest, most: int) -> int:
    """How many machines like this one there is room for now, counted up to `most`."""
    return Survey(request).room(most)


def place(vm: VirtualMachine) -> None:
    """Give the machine a host, with everything it needs there claimed and the explanation stored.

    Call it in a transaction. It is idempotent: a machine that has a host keeps it. All or nothing:
    InsufficientCapacity, which carries the explanation, leaves nothing written.
    """
    needs = needs_of(vm)
    if vm.host_id is not None:
        return
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
            except claims.Taken:
                continue
            chosen = describe_choice(survey, candidate, pool)
            remember(vm, {**explanation, "chosen": chosen}, fits=True)
            size = {"vcpus": needs.request.vcpus, "memory_mib": survey.memory_mib}
            _note(vm, candidate.pk, candidate.pod_id, **size)
            return
    error = insufficient(survey, Reason.CONTENDED)
    error.retry = True
    raise error


@transaction.atomic
def claim_compute_on(vm: VirtualMachine, host: Host, *, beyond: bool = False) -> None:
    """Claim CPU and memory on this very host. `beyond` records a machine that runs there already,
    whatever the host has left; else InsufficientCapacity, with the explanation, if it does not fit.
    StateConflict if the machine holds a part of another host."""
    pinned = VirtualMachine.Strategy.PINNED
    request = replace(request_of(vm), strategy=pinned, pinned_host_id=host.pk)
    if vm.host_id == host.pk:
        return
    if vm.host_id is not None:
        raise StateConflict(reason="on_other_host")
    vcpus, memory_mib = request.vcpus, capacity.machine_memory_mib(request.memory_mib)
    if not beyond and not (survey := Survey(request)).best():
        raise insufficient(survey, main_reason(survey))
    try:
        claims.claim_compute(vm.pk, host.pk, host.pod_id, vcpus=vcpus, memory_mib=memory_mib, beyond=beyond)
    except claims.Taken:
        raise insufficient(Survey(request), Reason.CONTENDED) from None
    _note(vm, host.pk, vm.pod_id or host.pod_id, vcpus=vcpus, memory_mib=memory_mib)


def insufficient(survey: Survey, reason: Reason) -> InsufficientCapacity:
    """The error that carries its explanation."""
    error = InsufficientCapacity(f"{survey.considered} hosts considered: {reason}", reason=str(reason))
    error.explanation = bounded({**explanation_of(survey), "reason": str(reason)})
    return error


def _claim(vm: VirtualMachine, needs: Needs, survey: Survey, host: HostView) -> Ref | None:
    """Claim compute, pool room and addresses on this host. Returns the pool, if one was needed."""
    claims.claim_compute(vm.pk, host.pk, host.pod_id, vcpus=needs.request.vcpus, memory_mib=survey.memory_mib)
    pool = claims.claim_pool(vm.pk, needs, host_id=host.pk, cluster_id=host.cluster_id)
    claims.claim_addresses(needs, host.network_id)
    return pool


def _note(vm: VirtualMachine, host_id: int, pod_id: int, *, vcpus: int, memory_mib: int) -> None:
    """Let the row in hand say what was claimed."""
    vm.host_id, vm.pod_id = host_id, pod_id
    vm.claimed_vcpus, vm.claimed_memory_mib = vcpus, memory_mib
