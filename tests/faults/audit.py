"""Whether rows and world agree, and everything that was taken was given back: what must hold at rest,
whatever happened."""

from __future__ import annotations

from collections import Counter
from typing import Any

from apps.accounts.models import SyncRun
from apps.accounts.recount import recount
from apps.compute import placement
from apps.compute.models import VirtualMachine
from apps.compute.states import HOLDS, Holding, State
from apps.jobs.models import Event, Job, JobLock, JobSlot, JobState
from apps.storage.models import TemplateCopy, Volume
from tests.faults.site import Site
from workers.drivers.base import Power

Findings = list[str]


def quick_audit(site: Site) -> Findings:
    """What no comparison of rows shows: harm done in the world, what jobs still hold, and that each
    end was told once."""
    findings = [f"violation: {one.kind} {one.detail}" for one in site.simulator.violations()]
    ended = [*Job.ENDED, JobState.STUCK]
    locks = JobLock.objects.filter(job__state__in=Job.ENDED).select_related("job")
    findings += [f"lock {one.key} is still held by {one.job.kind} ({one.job.state})" for one in locks]
    slots = JobSlot.objects.filter(job__state__in=ended)
    findings += [f"a place of {slot.resource} is still taken" for slot in slots]
    for job in Job.objects.filter(state=JobState.STUCK):
        mine = sorted(job.locks.values_list("key", flat=True))
        if mine != job.wanted_locks:
            findings.append(f"{job.kind} is stuck and holds {mine}, not {job.wanted_locks}")
        if not (job.error or {}).get("code"):
            findings.append(f"{job.kind} is stuck and names no error")
    at_work = Job.objects.exclude(state__in=Job.ENDED).filter(
        kind__in=("directory.sync", "directory.preview")
    )
    if not at_work.exists():
        runs = SyncRun.objects.filter(outcome=SyncRun.Outcome.RUNNING)
        findings += [f"{run.kind} run {run.pk} is at work without a job" for run in runs]
    ends = Event.objects.filter(phase__in=[Event.Phase.DONE, Event.Phase.FAILED], job__isnull=False)
    told = Counter(ends.values_list("job_id", flat=True))
    findings += [f"the end of job {key} was told {count} times" for key, count in told.items() if count > 1]
    return findings


def full_audit(site: Site, *, ports: bool = True) -> Findings:
    """All of it: counts against rows, what each state holds, rows against world."""
    findings = quick_audit(site)
    findings += [f"drift: {drift}" for drift in [*placement.recount(), *recount()]]
    rows = VirtualMachine.objects.select_related("host").prefetch_related("nics")
    vms = [vm for vm in rows if not _in_a_stuck_hand(vm)]
    for vm in vms:
        findings += _holdings(vm)
    return findings + _against_the_world(site, vms, ports)


def _in_a_stuck_hand(vm: VirtualMachine) -> bool:
    return JobLock.objects.filter(key=f"vm:{vm.uuid}").exists()


def _holdings(vm: VirtualMachine) -> Findings:
    """The table of states, pointer by pointer."""
    state = State(vm.state)
    holds = HOLDS[state]
    volumes = list(vm.volumes())
    have = {
        Holding.COMPUTE: [vm.host_id is not None, vm.claimed_vcpus > 0],
        Holding.STORAGE: [volume.pool_id is not None for volume in volumes],
        Holding.ADDRESS: [nic.ip_id is not None for nic in vm.nics.all()],
    }
    findings = []
    for holding, found in have.items():
        wanted = holding in holds
        if any(one is not wanted for one in found):
            findings.append(f"{vm.name} is {state} and {'lacks' if wanted else 'still holds'} {holding.name}")
    if state in {State.STARTING, State.STOPPING, State.EXPUNGING, State.MIGRATING}:
        findings.append(f"{vm.name} is left {state} with no job at work")
    return findings


def _against_the_world(site: Site, vms: list[VirtualMachine], ports: bool) -> Findings:
    world = site.simulator.world()
    stuck = {str(vm.uuid) for vm in VirtualMachine.objects.all()} - {str(vm.uuid) for vm in vms}
    machines: dict[Any, Any] = {row[1]: row for row in world.machines if row[1] not in stuck}
    findings = []
    if len(machines) != len([row for row in world.machines if row[1] not in stuck]):
        findings.append("a machine is on two hosts")
    for vm in vms:
        row = machines.pop(str(vm.uuid), None)
        if (vm.host is None) != (row is None):
            findings.append(f"{vm.name} is {vm.state}, and its machine in the world: {row}")
        elif vm.host is not None and row is not None:
            if row[0] != str(vm.host.uuid):
                findings.append(f"{vm.name} is recorded on {vm.host.uuid}, its machine on {row[0]}")
            if vm.state == State.RUNNING and row[3] not in {Power.RUNNING, Power.PAUSED}:
                findings.append(f"{vm.name} is Running, its machine is {row[3]}")
    findings += [f"a machine nobody knows: {key}" for key in machines]
    findings += _stored(world, stuck)
    if ports:
        placed = [(str(vm.host.uuid), vm) for vm in vms if vm.host]
        wanted = {(host, str(vm.uuid), nic.mac) for host, vm in placed for nic in vm.nics.all()}
        there = {row[:3] for row in world.ports if row[1] not in stuck}
        findings += [f"port without a machine: {row}" for row in there - wanted]
        findings += [f"machine without its port: {row}" for row in wanted - there]
    return findings


def _stored(world: Any, stuck: set[str]) -> Findings:
    """Files in pools against the rows that stand for them; a stuck job's may be there or not."""
    volumes = {v.image for v in Volume.objects.exclude(pool=None).exclude(attachment__vm__uuid__in=stuck)}
    unsettled = {v.image for v in Volume.objects.filter(attachment__vm__uuid__in=stuck)}
    seeds = {
        f"seed-{vm.uuid}"
        for vm in VirtualMachine.objects.filter(attachments__volume__pool__isnull=False).distinct()
        if str(vm.uuid) not in stuck
    }
    unsettled |= {f"seed-{uuid}" for uuid in stuck}
    kept = (TemplateCopy.State.READY, TemplateCopy.State.RETIRED)
    images = {copy.template.image for copy in TemplateCopy.objects.filter(state__in=kept)}
    copying = {c.template.image for c in TemplateCopy.objects.filter(state=TemplateCopy.State.COPYING)}
    findings = []
    for what, wanted, rows in (
        ("volume", volumes, world.volumes),
        ("seed", seeds, world.seeds),
        ("image", images, world.images),
    ):
        there = {row[1] for row in rows}
        findings += [
            f"{what} {name} is in the world and stands for nothing"
            for name in there - wanted - unsettled - copying
        ]
        findings += [f"{what} {name} is missing in the world" for name in wanted - there]
    findings += [f"task left: {row}" for row in world.tasks if not stuck and not copying]
    findings += [f"file left: {row}" for row in world.files]
    return findings
