"""Everything that one page asks for at once: machines, and a key that is to be let in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.db import transaction

from apps.accounts import policy, quota
from apps.accounts.actor import Actor
from apps.compute import placement
from apps.compute.models import ServiceOffering, SshKeyPair, VirtualMachine
from apps.compute.services.deploy import (
    VmRequest,
    amount_of,
    check_batch,
    check_request,
    deploy_batch,
    deploy_vm,
)
from apps.compute.services.offerings import check_ssh_key, create_ssh_key
from apps.core.errors import CloudError, QuotaExceeded
from apps.jobs.models import Job
from apps.storage.models import Template
from apps.zones.models import Zone

TRIED = 6
"""How many other sizes, and how many other zones, are looked at for one that would do."""


@dataclass(frozen=True)
class NewKey:
    """A public key that is stored with the machines that let it in."""

    name: str
    public_key: str


@dataclass(frozen=True)
class Order:
    """`wanted.name` is a pattern if `count` is more than 1."""

    wanted: VmRequest
    count: int = 1
    new_key: NewKey | None = None


@dataclass(frozen=True)
class Remedy:
    """Another order that would be taken: one thing in it differs."""

    offering: ServiceOffering | None = None
    zone: Zone | None = None
    template: Template | None = None  # of that zone
    count: int = 0


@dataclass(frozen=True)
class Judgement:
    """What would become of an order now. `refusal` is what the order would be answered with; `fitting`
    of `considered` hosts could take one of its machines, and there is `room` for so many of them: where
    that is less than were ordered, the others would fail."""

    standing: list[quota.Standing]
    fitting: int
    considered: int
    room: int
    refusal: CloudError | None
    remedies: list[Remedy]


@transaction.atomic
def create_machines(actor: Actor, order: Order) -> tuple[list[VirtualMachine], Job]:
    """The machines of an order, all or none, and the job that brings them up."""
    wanted = order.wanted
    if order.new_key is not None:
        key = _stored(actor, wanted, order.new_key)
        wanted = replace(wanted, ssh_keys=[*wanted.ssh_keys, key])
    if order.count == 1:
        vm, job = deploy_vm(actor, wanted)
        return [vm], job
    return deploy_batch(actor, wanted, count=order.count)


def _stored(actor: Actor, wanted: VmRequest, key: NewKey) -> SshKeyPair:
    with _told_of_key():
        return create_ssh_key(actor, account=wanted.account, name=key.name, public_key=key.public_key)


@contextmanager
def _told_of_key() -> Iterator[None]:
    """Let an error say that its place is in the new key: "ssh_key name"."""
    try:
        yield
    except CloudError as error:
        error.place = f"ssh_key {error.place}"
        raise


def judge(actor: Actor, order: Order) -> Judgement:
    """Refuses what `create_machines` would refuse now, and says what would help. Only reads."""
    wanted = order.wanted
    policy.require(actor, "vm.deploy", wanted.account)
    standing = quota.standing(
        wanted.account, amount_of(wanted) * max(order.count, 1), member_id=actor.user_id
    )
    fitting = considered = room = 0
    refusal: CloudError | None = None
    try:
        _check_beside_placement(actor, order)
        request = check_request(actor, wanted, count=order.count)
        told = placement.explain(request)
        fitting, considered = told["fitting"], told["considered"]
        room = placement.room(request, order.count) if order.count > 1 else 1
    except CloudError as error:
        refusal = error
        told = getattr(error, "explanation", None) or {"considered": considered}
        considered = told["considered"]
    remedies = list(_remedies(actor, order, refusal)) if refusal else list(_roomier(actor, order, room))
    return Judgement(standing, fitting, considered, room, refusal, remedies)


def _check_beside_placement(actor: Actor, order: Order) -> None:
    if order.new_key is not None:
        key = order.new_key
        with _told_of_key():
            check_ssh_key(actor, account=order.wanted.account, name=key.name, public_key=key.public_key)
    if order.count != 1:
        check_batch(actor, order.wanted, order.count)


def _remedies(actor: Actor, order: Order, refusal: CloudError) -> Iterator[Remedy]:
    """Fewer machines, another size, another zone: the nearest of each that would be taken."""
    if refusal.code not in _HELPED and refusal.params.get("reason") not in _HELPED:
        return
    if order.count > 1 and isinstance(refusal, QuotaExceeded):
        yield from _fewer(actor, order)
    yield from _other_size(actor, order, refusal)
    if not isinstance(refusal, QuotaExceeded):
        yield from _other_zone(actor, order)


_HELPED = frozenset(
    {
        *("quota_exceeded", "domain_quota_exceeded", "insufficient_capacity"),
        *("offering_too_large", "offering_too_small", "offering_disabled", "zone_disabled"),
    }
)
"""Codes and reasons of refusals that another order could escape."""


def _fewer(actor: Actor, order: Order) -> Iterator[Remedy]:
    """As many as the quota has room for, and hosts: whoever takes it is not refused anew."""
    found = quota.standing(order.wanted.account, amount_of(order.wanted), member_id=actor.user_id)
    room = min(
        ((one.ceiling - one.used) // one.wanted for one in found if one.ceiling is not None and one.wanted),
        default=0,
    )
    if not 1 <= room < order.count:
        return
    try:
        room = placement.room(check_request(actor, order.wanted, count=room), room)
    except CloudError:
        return
    if room:
        yield Remedy(count=room)


def _roomier(actor: Actor, order: Order, room: int) -> Iterator[Remedy]:
    """What would do where not all of them fit."""
    if room >= order.count:
        return
    if room:
        yield Remedy(count=room)
    yield from _other_zone(actor, order)


def _other_size(actor: Actor, order: Order, refusal: CloudError) -> Iterator[Remedy]:
    now, template = order.wanted.offering, order.wanted.template
    sizes = ServiceOffering.objects.filter(enabled=True, memory_mib__gte=template.min_memory_mib)
    sizes = sizes.exclude(pk=now.pk)
    if refusal.params.get("reason") in {"offering_too_small", "offering_disabled"}:
        rows = sizes.order_by("memory_mib", "vcpus", "id")
    else:
        rows = sizes.filter(vcpus__lte=now.vcpus, memory_mib__lte=now.memory_mib)
        rows = rows.order_by("-memory_mib", "-vcpus", "id")
    for offering in rows[:TRIED]:
        if _would_do(actor, replace(order, wanted=replace(order.wanted, offering=offering))):
            yield Remedy(offering=offering)
            return


def _other_zone(actor: Actor, order: Order) -> Iterator[Remedy]:
    zones = policy.visible(actor, Zone.objects.filter(enabled=True).exclude(pk=order.wanted.zone.pk))
    for zone in zones.order_by("name_sort", "id")[:TRIED]:
        template = alike(actor, order.wanted.template, zone)
        if template is None:
            continue
        wanted = replace(order.wanted, zone=zone, template=template, pinned_host=None)
        if wanted.strategy == VirtualMachine.Strategy.PINNED:
            wanted = replace(wanted, strategy=VirtualMachine.Strategy.SPREAD)
        if _would_do(actor, replace(order, wanted=wanted)):
            yield Remedy(zone=zone, template=template)
            return


def alike(actor: Actor, template: Template, zone: Zone) -> Template | None:
    """The template of another zone that holds the same image, or at least has the same name."""
    rows = Template.objects.select_related("secondary_storage").filter(
        state=Template.State.READY, secondary_storage__zone=zone
    )
    rows = policy.visible(actor, rows).order_by("id")
    same = rows.filter(sha256=template.sha256).first() if template.sha256 else None
    return same or rows.filter(name_key=template.name_key).first()


def _would_do(actor: Actor, order: Order) -> bool:
    try:
        request = check_request(actor, order.wanted, count=order.count)
    except CloudError:
        return False
    return order.count == 1 or placement.room(request, order.count) == order.count
