"""A cloud of as many virtual machines as wanted, grown in bulk."""

from __future__ import annotations

import random
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import TypeVar

from django.db import connection, transaction

from apps.accounts.models import Account
from apps.compute.models import Nic, ServiceOffering, VirtualMachine, VolumeAttachment
from apps.compute.states import State
from apps.core import sql
from apps.jobs.models import Event, Job, JobState
from apps.network.models import IpAddress, Network
from apps.storage.models import Template, Volume
from apps.zones.models import Host, Zone
from tests.factories import make_account, make_offering, make_template, make_user, make_zone

Row = TypeVar("Row")
CHUNK = 2000
LARGEST = 5  # one machine in so many belongs to the largest account
STATES = {State.RUNNING: 70, State.STOPPED: 24, State.DESTROYED: 4, State.ERROR: 1, State.STARTING: 1}
PROJECTS = ("apollo", "athena", "hermes", "iris", "kronos", "lab", "pan", "rhea", "selene", "zeus")
ROLES = {"node": 50, "web": 20, "db": 15, "desktop": 10, "εργαστήριο": 5}
FIRST_ADDRESS = 100 << 24
GIB = 2**30


class Site:
    """What machines hang on, the largest share first: zones, accounts, offerings, templates."""

    rare = "unmistakable"

    def __init__(self, accounts: list[Account] | None = None) -> None:
        self._chance = random.Random(100_000)
        self.zones: list[Zone] = [make_zone(hosts=250, clusters=5, pool="zone") for _ in range(4)]
        self.accounts = accounts or [make_account() for _ in range(100)]
        self._place_of = {account.pk: number for number, account in enumerate(self.accounts)}
        self.offerings: list[ServiceOffering] = [make_offering(vcpus=n) for n in range(1, 13)]
        self.templates: list[Template] = [make_template(self.zones[0], self.accounts[0]) for _ in range(8)]
        self.hosts: list[Host] = list(Host.objects.filter(zone=self.zones[0]).order_by("pk"))
        self.operator = make_user(super_admin=True)
        self.member = make_user(*{self.accounts[0], *self.accounts[40:44]})
        self.network = Network.objects.filter(zone=self.zones[0]).order_by("pk")[0]
        self._count = 0

    def grow(self, count: int) -> None:
        """Machines until there are `count` of them, with a disk, a card and an address each."""
        while self._count < count:
            with transaction.atomic():
                self._add(min(CHUNK, count - self._count))

    def settle(self) -> None:
        """What PostgreSQL does by itself within a minute of such a load, and the portal for SQLite."""
        sql.refresh_statistics(VirtualMachine._meta.db_table)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")

    def _share(self, rows: Sequence[Row], first: float) -> Row:
        """One of the rows: the first for that many of a hundred, each further one half as often as the
        one before, but the last ones never rarer than one in a thousand."""
        weights = [first, *(max((100 - first) / 2**n, 0.1) for n in range(1, len(rows)))]
        return self._chance.choices(rows, weights=weights)[0]

    def _add(self, count: int) -> None:
        vms = [self._machine(self._count + number) for number in range(count)]
        VirtualMachine.objects.bulk_create(vms)
        volumes = [self._volume(vm) for vm in vms]
        Volume.objects.bulk_create(volumes)
        VolumeAttachment.objects.bulk_create(
            VolumeAttachment(vm=vm, volume=volume, device_index=0)
            for vm, volume in zip(vms, volumes, strict=True)
        )
        nics = [
            Nic(vm=vm, device_index=0, mac=_mac(number), network=self.network)
            for number, vm in enumerate(vms, self._count)
        ]
        for number, nic in enumerate(nics, FIRST_ADDRESS + self._count):
            address = str(IPv4Address(number))
            nic.ip = IpAddress(network=self.network, address=address, number=number, holder=nic.uuid)
        IpAddress.objects.bulk_create([nic.ip for nic in nics if nic.ip])
        Nic.objects.bulk_create(nics)
        self._tell(vms)
        self._count += count

    def _tell(self, vms: list[VirtualMachine]) -> None:
        """A job and an event of each."""
        about = [
            {
                "account": vm.account,
                "actor_label": "x",
                "target_type": "virtual-machine",
                "target_uuid": vm.uuid,
            }
            for vm in vms
        ]
        jobs = [
            Job(kind="vm.deploy", state=JobState.DONE, finished_at=vm.created_at, **row)
            for vm, row in zip(vms, about, strict=True)
        ]
        Job.objects.bulk_create(jobs)
        Event.objects.bulk_create(
            Event(kind="vm.deploy", phase=Event.Phase.DONE, job=job, **row)
            for job, row in zip(jobs, about, strict=True)
        )

    def _machine(self, number: int) -> VirtualMachine:
        account = self._chance.choice(self.accounts[1:]) if number % LARGEST else self.accounts[0]
        project = PROJECTS[-1 - self._place_of[account.pk] % len(PROJECTS)]
        role = self._chance.choices(list(ROLES), weights=list(ROLES.values()))[0]
        state = self._chance.choices(list(STATES), weights=list(STATES.values()))[0]
        vm = VirtualMachine(
            account=account,
            zone=self._share(self.zones, 50),
            offering=self._share(self.offerings, 30),
            template=self._share(self.templates, 40),
            created_by=self.member if account == self.accounts[0] and number % (10 * LARGEST) == 0 else None,
            hostname="vm",
            state=state,
        )
        if state == State.RUNNING:
            vm.host = self._chance.choice(self.hosts)
            vm.pod_id = vm.host.pod_id
        vm.set_name(self.rare if number == 0 else f"{project}-{role}-{number}")
        return vm

    def _volume(self, vm: VirtualMachine) -> Volume:
        volume = Volume(account=vm.account, zone=vm.zone, template=vm.template, size_bytes=10 * GIB)
        volume.set_name(f"{vm.name} root")
        return volume


def _mac(number: int) -> str:
    """By number: of a hundred thousand drawn at random, two may be the same."""
    return (0x02_00_00_00_00_00 + number).to_bytes(6, "big").hex(":")
