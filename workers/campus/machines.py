"""The campus's machines: rows in bulk with their claims, then disks and definitions on the hosts."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts import quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account
from apps.compute.models import Nic, ServiceOffering, VirtualMachine, VolumeAttachment
from apps.compute.services.deploy import new_mac
from apps.compute.states import PowerState, State
from apps.core.names import hostname_of
from apps.jobs import events
from apps.jobs.models import Job
from apps.network.models import IpAddress, Network
from apps.storage.models import PrimaryStorage, Template, TemplateCopy, Volume
from apps.zones import capacity
from apps.zones.models import Host
from workers.campus import names
from workers.operations.compute.base import DefineMachine, PlugNics, StartMachine
from workers.operations.compute.deploy_vm import CreateVolumes, DeployVm
from workers.world import World

SHARES = ((State.RUNNING, 78), (State.STOPPED, 14), (State.DESTROYED, 5), (State.ERROR, 3))
NO_ROOM = {"code": "insufficient_capacity", "params": {"reason": "no_memory"}, "technical": ""}


@dataclass
class _Plan:
    """What is to be written, and what it adds up to."""

    random: random.Random
    now: datetime
    vms: list[VirtualMachine] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    nics: list[Nic] = field(default_factory=list)
    taken: list[IpAddress] = field(default_factory=list)
    used: dict[int, Amount] = field(default_factory=lambda: defaultdict(Amount))


@dataclass
class _Place:
    """A host with what it reaches, and how much of it is promised so far."""

    host: Host
    pool: PrimaryStorage
    network: Network
    addresses: list[IpAddress]
    copies: list[TemplateCopy]

    def fits(self, offering: ServiceOffering) -> bool:
        host, memory_mib = self.host, capacity.machine_memory_mib(offering.memory_mib)
        return (
            host.allocated_vcpus + offering.vcpus <= host.capacity_vcpus
            and host.allocated_memory_mib + memory_mib <= host.capacity_memory_mib
        )


def add_machines(actor: Actor, owners: list[Account], count: int) -> int:
    """Spread machines of all states over all hosts; how many were made."""
    plan = _Plan(random.Random(2027), timezone.now())  # noqa: S311 - a fixed campus, no secret
    places = _places()
    offerings = list(ServiceOffering.objects.order_by("memory_mib"))
    sequence = itertools.count(1)
    for place, owner in zip(itertools.cycle(places), itertools.islice(itertools.cycle(owners), count)):
        _plan_machine(plan, place, owner, offerings, next(sequence))
    _date(plan.vms)
    _write(actor, plan, places)
    _define(plan, {place.host.pk: place.host for place in places})
    return len(plan.vms)


def _places() -> list[_Place]:
    places = []
    for network in Network.objects.select_related("pod"):
        free = list(IpAddress.objects.filter(network=network, holder=None).order_by("number"))
        for pool in PrimaryStorage.objects.filter(cluster__pod=network.pod):
            copies = list(TemplateCopy.objects.filter(pool=pool).select_related("template"))
            hosts = Host.objects.filter(cluster=pool.cluster_id).select_related("cluster")
            places += [_Place(host, pool, network, free, copies) for host in hosts.order_by("pk")]
    return places


def _plan_machine(
    plan: _Plan, place: _Place, owner: Account, offerings: list[ServiceOffering], number: int
) -> None:
    dice = plan.random
    copy = dice.choice(place.copies)
    able = [
        size for size in offerings if size.memory_mib >= copy.template.min_memory_mib and place.fits(size)
    ]
    offering = dice.choices(able, weights=range(len(able), 0, -1))[0]
    vm = _machine(plan, place, owner=owner, offering=offering, template=copy.template, number=number)
    volume = Volume(
        account=owner,
        zone_id=place.host.zone_id,
        name=f"{vm.name} root",
        template=copy.template,
        size_bytes=max(copy.template.virtual_size_bytes, offering.root_disk_gib * 2**30),
    )
    volume.set_name(volume.name)
    nic = Nic(device_index=0, mac=new_mac())
    plan.vms.append(vm)
    plan.volumes.append(volume)
    plan.nics.append(nic)
    if vm.state == State.ERROR:
        return
    volume.pool, volume.template_copy = place.pool, copy
    address = place.addresses.pop(0)
    address.holder = nic.uuid
    nic.network, nic.ip = place.network, address
    plan.taken.append(address)
    gib = -(-volume.size_bytes // 2**30)
    plan.used[owner.pk] += Amount(
        machines=1,
        vcpus=offering.vcpus,
        memory_mib=offering.memory_mib,
        volumes=1,
        storage_gib=gib,
        addresses=1,
    )


def _machine(
    plan: _Plan, place: _Place, *, owner: Account, offering: ServiceOffering, template: Template, number: int
) -> VirtualMachine:
    dice = plan.random
    state = dice.choices([state for state, _ in SHARES], weights=[share for _, share in SHARES])[0]
    name = f"{dice.choice(names.WORDS)}-{number:03d}"
    created = plan.now - timedelta(days=dice.randint(1, 200), minutes=dice.randint(0, 1440))
    vm = VirtualMachine(
        account=owner,
        zone_id=place.host.zone_id,
        name=name,
        hostname=hostname_of(name),
        offering=offering,
        template=template,
        tags=dice.choice(names.TAGS),
        delete_protection=state == State.RUNNING and dice.random() < 0.1,
        state=state,
        created_at=created,
        error=NO_ROOM if state == State.ERROR else None,
        power_state=PowerState.RUNNING if state == State.RUNNING else PowerState.OFF,
    )
    vm.set_name(name)
    if state == State.DESTROYED:
        vm.expunge_after = plan.now + timedelta(days=dice.randint(1, settings.TRASH_DAYS))
    if state != State.ERROR:
        vm.pod_id, vm.last_host = place.host.pod_id, place.host
    if state == State.RUNNING:
        vm.host = place.host
        vm.claimed_vcpus = offering.vcpus
        vm.claimed_memory_mib = capacity.machine_memory_mib(offering.memory_mib)
        place.host.allocated_vcpus += vm.claimed_vcpus
        place.host.allocated_memory_mib += vm.claimed_memory_mib
    return vm


def _date(vms: list[VirtualMachine]) -> None:
    """Who was made first is the oldest: lists by age go by id."""
    for vm, created in zip(vms, sorted(vm.created_at for vm in vms), strict=True):
        vm.created_at = created
        vm.state_changed_at = created + timedelta(hours=1)


@transaction.atomic
def _write(actor: Actor, plan: _Plan, places: list[_Place]) -> None:
    """All rows, and every count beside them, in one transaction."""
    VirtualMachine.objects.bulk_create(plan.vms)
    Volume.objects.bulk_create(plan.volumes)
    for vm, nic in zip(plan.vms, plan.nics, strict=True):
        nic.vm = vm
    Nic.objects.bulk_create(plan.nics)
    VolumeAttachment.objects.bulk_create(
        VolumeAttachment(vm=vm, volume=volume, device_index=0)
        for vm, volume in zip(plan.vms, plan.volumes, strict=True)
    )
    IpAddress.objects.bulk_update(plan.taken, ["holder"], batch_size=300)
    hosts = [place.host for place in places]
    Host.objects.bulk_update(hosts, ["allocated_vcpus", "allocated_memory_mib"])
    for volume in plan.volumes:
        if volume.pool is not None:
            pool = PrimaryStorage.objects.filter(pk=volume.pool.pk)
            pool.update(allocated_bytes=F("allocated_bytes") + volume.size_bytes)
            TemplateCopy.objects.filter(pk=volume.template_copy_id or 0).update(uses=F("uses") + 1)
    for owner in Account.objects.filter(pk__in=plan.used).select_related("domain"):
        quota.reserve(owner, plan.used[owner.pk])
    for vm in plan.vms:
        events.record(actor, "vm.deploy", vm)


def _define(plan: _Plan, hosts: dict[int, Host]) -> None:
    """What a deploy does on a host, by its own steps: disks of all that hold storage, and the
    definition of all that run."""
    world = World(lambda: None, 1.0)
    for vm, volume, nic in zip(plan.vms, plan.volumes, plan.nics, strict=True):
        if volume.pool is None or vm.last_host is None:
            continue
        op = DeployVm(Job(target_uuid=vm.uuid), world)
        op.__dict__.update(vm=vm, volumes=[volume], nics=[nic])
        runs, vm.host = vm.host is not None, hosts[vm.last_host.pk]
        CreateVolumes().do(op)
        seed = f"local-hostname: {vm.hostname}\n".encode()
        world.storage(vm.host, volume.pool).write_seed(vm.seed, seed)
        if runs:
            for step in (PlugNics, DefineMachine, StartMachine):
                step().do(op)
