"""A small site on the simulator: rows and world that scenarios begin from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

from django.test import override_settings
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.directory import running
from apps.accounts.models import Account, Counting, Quota
from apps.compute.models import ServiceOffering, VirtualMachine
from apps.compute.placement import survey
from apps.compute.services.deploy import VmRequest, deploy_vm
from apps.jobs import dispatch
from apps.jobs.models import Job
from apps.network import addresses
from apps.storage.models import PrimaryStorage, Template
from apps.zones.models import Host, Zone
from tests import factories
from tests.faults.files import Files
from workers import engine, hosts, images, sync
from workers import world as workers_world
from workers.drivers.base import HostAddress
from workers.drivers.simulator.control import Simulator
from workers.operations.compute import base as compute_base

PATH = "memory:faults"
ROUNDS = 80
SETTINGS = {"STOP_GRACE_SECONDS": 3, "JOB_RETRIES_WITHOUT_PROGRESS": 2, "JOB_CLAIMS_WITHOUT_PROGRESS": 4}
"""Fewer tries than in production: each of them costs every cell that runs out of them."""
LONG_AGO = timedelta(days=1)


class NoRestError(AssertionError):
    """Jobs that are claimed again and again and never come to rest."""


@dataclass
class Clock:
    """Stands in for the wall clock where operations look at it."""

    now: float = 1_000_000.0

    def time(self) -> float:
        return self.now


@dataclass
class Site:
    """One zone: two hosts that share a pool, a third address for each machine, one template."""

    zone: Zone
    pool: PrimaryStorage
    template: Template
    account: Account
    offering: ServiceOffering
    simulator: Simulator
    clock: Clock
    files: Files
    actor: Actor = field(default_factory=lambda: Actor.system("a fault scenario"))
    notes: dict[str, Any] = field(default_factory=dict)

    def refresh(self) -> None:
        """Read anew the rows at hand, after an image was restored."""
        for row in (self.zone, self.pool, self.template, self.account, self.offering):
            row.refresh_from_db()

    def hosts(self) -> list[Host]:
        return list(Host.objects.filter(zone=self.zone).order_by("pk"))

    def vm(self) -> VirtualMachine:
        return VirtualMachine.objects.get(uuid=self.notes["vm"])

    def wanted(self, name: str = "web") -> VmRequest:
        return VmRequest(
            account=self.account,
            zone=self.zone,
            name=name,
            offering=self.offering,
            template=self.template,
        )

    def deploy(self, name: str = "web") -> VirtualMachine:
        """A machine that runs, made by the product itself."""
        vm, job = deploy_vm(self.actor, self.wanted(name))
        self.notes["vm"] = vm.uuid
        self.to_rest()
        assert Job.objects.get(pk=job.pk).state == "done", Job.objects.get(pk=job.pk).error
        vm.refresh_from_db()
        return vm

    def finish(self, job: Job) -> None:
        self.to_rest()
        job.refresh_from_db()
        assert job.state == "done", job.error

    def to_rest(self) -> None:
        """Run every active job until there is none."""
        for _ in range(ROUNDS):
            active = list(Job.objects.filter(state__in=Job.ACTIVE).order_by("pk"))
            if not active:
                return
            for job in active:
                make_due(job)
                engine.run(job.pk)
            self.tick()
        left = Job.objects.filter(state__in=Job.ACTIVE)
        raise NoRestError(str(list(left.values("kind", "state", "trail"))))

    def tick(self) -> None:
        """A second passes, for operations and for hosts."""
        self.clock.now += 1.0
        self.simulator.advance(1.0)

    def sync(self, rounds: int = 1) -> None:
        """Apply what each host reports at this moment, as the host sync does."""
        for _ in range(rounds):
            for host in self.hosts():
                at = timezone.now()
                sync.apply_report(host, at, hosts.drivers_of(host).hypervisor.states())

    def console(self, vm: VirtualMachine) -> str:
        assert vm.host is not None
        return hosts.drivers_of(vm.host).hypervisor.console_log(vm.uuid).decode()

    def read_directory(self, _config: Any) -> Any:
        return self.notes["shown"]

    def world(self) -> tuple[Any, frozenset[str]]:
        return self.simulator.world(), self.files.names()


def make_due(job: Job) -> None:
    """What the job waits for is over; the lease of a worker that died has run out."""
    Job.objects.filter(pk=job.pk).update(due=timezone.now() - LONG_AGO)


def build_site() -> Site:
    """Rows and world, from nothing. Call it in `environment`. Quotas count as running, and who acts has
    one of their own within the account: then most moments move a count."""
    simulator = Simulator(PATH)
    simulator.reset()
    simulator.set_durations(import_seconds=1.5, guest_shutdown_seconds=1.5)
    zone = factories.make_zone(hosts=2, addresses=6)
    account = factories.make_account(max_machines=10, counting=Counting.RUNNING)
    Quota.objects.filter(domain=account.domain).update(counting=Counting.RUNNING)
    maker = factories.make_user(account, super_admin=True)
    Quota.objects.create(within=account, user=maker, max_machines=10)
    files = Files()
    template = factories.make_template(zone, account)
    files.put(f"{template.secondary_storage.path}/{template.image}.qcow2")
    return Site(
        zone=zone,
        pool=PrimaryStorage.objects.get(zone=zone),
        template=template,
        account=account,
        offering=factories.make_offering(1, 512),
        simulator=simulator,
        clock=Clock(),
        files=files,
        actor=Actor(maker),
    )


@contextmanager
def environment() -> Iterator[None]:
    """No broker, no threads, addresses in order, hosts in a world that lives in memory."""
    real_address = hosts.address_of

    def address_of(host: Host) -> HostAddress:
        return dataclasses.replace(real_address(host), simulator_path=PATH)

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(hosts, "address_of", address_of))
        stack.enter_context(mock.patch.object(dispatch, "send", return_value=True))
        stack.enter_context(mock.patch.object(workers_world, "interceptor", lambda _name, work: work()))
        no_luck = SimpleNamespace(random=lambda: 0.0)  # the lowest free address, each time
        stack.enter_context(mock.patch.object(addresses, "random", no_luck))
        stack.enter_context(mock.patch.object(survey, "KEEP_SECONDS", 0.0))  # each cell counts its own world
        stack.enter_context(override_settings(**SETTINGS))
        try:
            yield
        finally:
            hosts.drop_all()
            Simulator(PATH).forget()


@contextmanager
def standing_in(site: Site) -> Iterator[None]:
    """The site's clock and files in the place of the machine's own, and what it notes as `shown` in the
    place of a directory."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(running, "read", site.read_directory))
        stack.enter_context(mock.patch.object(compute_base, "time", site.clock))
        for name in ("inspect", "digest", "cancel_digest", "store", "remove", "open_folder"):
            stack.enter_context(mock.patch.object(images, name, getattr(site.files, name)))
        yield
