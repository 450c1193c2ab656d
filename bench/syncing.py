"""Host sync with a hundred machines on one real host: how often it calls, how long that takes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import libvirt

from bench.bare import URI, Pattern
from bench.samples import Result, Rounds
from bench.site import Site, host_row
from bench.wire import CountingSocket
from workers.drivers.libvirt.machine_xml import HostSide, build_machine

MACHINES = 100
ROUNDS = 100
COUNTED = 10
SOCKET = Path("/run/libvirt/libvirt-sock")


def sync(site: Site, pattern: Pattern, rounds: int = ROUNDS) -> Result:
    """Call it while no worker runs: then only the rounds made here reach the host. The machines are
    known to libvirt and to the database, and in nobody's hands."""
    from apps.zones.models import Host
    from workers import hosts
    from workers.sync import sync_host

    host = host_row()
    raw = libvirt.open(URI)
    uuids = _machines(site, host, pattern, raw)
    try:
        with CountingSocket(site.stack.installation.run / "counted.sock", SOCKET) as counted:
            Host.objects.filter(pk=host.pk).update(uri=f"{URI}?socket={counted.path}")
            calls = [_calls(counted, host.pk) for _ in range(2 + COUNTED)][2:]
            Host.objects.filter(pk=host.pk).update(uri=host.uri)
            hosts.drop_all()
        samples = Rounds()
        for number in range(-2, rounds):
            ours, floor = _sync_seconds(lambda: sync_host(host.pk)), _bare_seconds(raw)
            if number >= 0:
                samples.add(ours=ours, bulk=floor)
    finally:
        for uuid in uuids:
            raw.lookupByUUID(uuid.bytes).undefine()
        raw.close()
    return Result(
        {"sync_calls_per_host": float(max(calls)), "sync_ratio": samples.ratio("ours", "bulk")},
        {"states of 100 machines in one call": median(samples.column("bulk"))},
        {"sync": samples.rows, "sync_calls": calls},
    )


def _machines(site: Site, host: Any, pattern: Pattern, raw: libvirt.virConnect) -> list[UUID]:
    """Rows that are Starting, with a job that nobody runs, and their machines, defined."""
    from apps.accounts.actor import Actor
    from apps.accounts.models import Account
    from apps.compute.models import ServiceOffering, VirtualMachine
    from apps.compute.services.deploy import VmRequest, deploy_batch
    from apps.storage.models import Template

    wanted = VmRequest(
        account=Account.objects.get(users__username="admin"),
        zone=host.zone,
        name="synced-%d",
        offering=ServiceOffering.objects.get(uuid=site.wish["offering"]),
        template=Template.objects.select_related("secondary_storage").get(uuid=site.wish["template"]),
    )
    vms, _job = deploy_batch(Actor.system("it is measured"), wanted, count=MACHINES)
    keys = [vm.pk for vm in vms]
    VirtualMachine.objects.filter(pk__in=keys).update(host=host, pod=host.pod)
    for vm in vms:
        spec = replace(pattern.spec, uuid=vm.uuid, name=vm.machine_name, nics=[])
        raw.defineXML(build_machine(spec, HostSide(str(pattern.pool / "console.log"))))
    return [vm.uuid for vm in vms]


def _calls(counted: CountingSocket, pk: int) -> int:
    from workers.sync import sync_host

    before = counted.calls
    sync_host(pk)
    return counted.calls - before


def _sync_seconds(act: Any) -> float:
    """Seconds that the round spends in its hypervisor's driver, our own part of it included."""
    from workers import world

    spent: list[float] = []

    def timed(_name: str, work: Any) -> Any:
        begun = time.perf_counter()
        try:
            return work()
        finally:
            spent.append(time.perf_counter() - begun)

    world.interceptor = timed
    try:
        act()
    finally:
        world.interceptor = None
    return sum(spent)


def _bare_seconds(raw: libvirt.virConnect) -> float:
    begun = time.perf_counter()
    raw.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
    return time.perf_counter() - begun
