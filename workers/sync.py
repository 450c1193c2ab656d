"""Host sync: what each hypervisor reports, in one bulk call a host, and what follows from it.

Only sync writes `power_state`. A report carries the time from *before* the call and counts only for
machines whose state has not changed since; two in a row must agree before anything is done, and then
the thing done is an operation that looks for itself (docs/architecture.md has the table).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.compute.models import StrayMachine, VirtualMachine
from apps.compute.states import TRANSITIONAL, PowerState, State
from apps.compute.verbs import lock_of
from apps.core.errors import CloudError
from apps.jobs import events
from apps.jobs.dispatch import send, wake
from apps.jobs.models import Event, Job
from apps.jobs.services import submit
from apps.zones.models import Host, HostState
from workers import leases
from workers.drivers.base import MachineState, Power
from workers.drivers.errors import DriverError
from workers.world import World

log = logging.getLogger(__name__)
MISSED_BEFORE_DOWN = 3
SYSTEM = Actor.system("host sync")


def send_host_syncs() -> None:
    """One message for each host whose facts are known; stale ones expire in the queue."""
    for pk in Host.objects.filter(cpu_cores__gt=0).values_list("pk", flat=True):
        if not send("workers.sync_host", [pk], queue="sync", expires=5):
            return


def sync_host(pk: int) -> None:
    """Read a host's report and apply it, or note that the host did not answer."""
    host = Host.objects.filter(pk=pk).first()
    if host is None:
        return  # removed since the message was sent
    observed_at = timezone.now()
    try:
        states = World(lambda: None, leases.beat_seconds()).hypervisor(host).states()
    except DriverError as error:
        note_silence(host, error)
        return
    apply_report(host, observed_at, states)


def note_silence(host: Host, error: DriverError) -> None:
    """After MISSED_BEFORE_DOWN silent rounds the host is Disconnected and gets no new machines."""
    with transaction.atomic():
        Host.objects.filter(pk=host.pk).update(missed_syncs=F("missed_syncs") + 1)
        gone = Host.objects.filter(pk=host.pk, state=HostState.UP, missed_syncs__gte=MISSED_BEFORE_DOWN)
        if gone.update(state=HostState.DISCONNECTED, state_reason=error.code):
            VirtualMachine.objects.filter(host=host).update(power_state=PowerState.UNKNOWN, power_agreed=0)
            events.record(SYSTEM, "host.disconnect", host, phase=Event.Phase.OBSERVED, reason=error.code)


@transaction.atomic
def apply_report(host: Host, observed_at: datetime, states: Sequence[MachineState]) -> None:
    """Write what the host reports and submit what follows from it."""
    _note_answer(host, observed_at)
    reported = {state.uuid: state for state in states if state.ours}
    left = Q(host=None, last_host=host) & ~Q(power_state=PowerState.MISSING)
    known = VirtualMachine.objects.filter(Q(host=host) | Q(uuid__in=reported) | left)
    machines = {vm.uuid: vm for vm in known.only(*_COLUMNS)}
    _write_power(host, observed_at, machines, reported)
    for vm in machines.values():
        if vm.uuid in reported or vm.host_id == host.pk:
            _follow(host, vm, reported.get(vm.uuid))
    _note_strays(host, observed_at, machines, reported)


_COLUMNS = (
    "uuid",
    "name",
    "account",
    "host",
    "state",
    "state_changed_at",
    "power_state",
    "power_observed_at",
    "power_agreed",
)


def _note_answer(host: Host, at: datetime) -> None:
    Host.objects.filter(pk=host.pk).update(last_seen_at=at, missed_syncs=0)
    back = Host.objects.filter(pk=host.pk, state=HostState.DISCONNECTED, cpu_cores__gt=0)
    if back.update(state=HostState.UP, state_reason=""):
        events.record(SYSTEM, "host.reconnect", host, phase=Event.Phase.OBSERVED)
        retrying = Job.objects.filter(finished_at=None, lease=None, note="retrying", due__gt=at)
        for job in retrying[:200]:
            Job.objects.filter(pk=job.pk, lease=None).update(due=at, woken_at=None)
            wake(job)


def _write_power(
    host: Host,
    observed_at: datetime,
    machines: dict[UUID, VirtualMachine],
    reported: dict[UUID, MachineState],
) -> None:
    """Update the rows whose report is news, grouped into few statements."""
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for vm in machines.values():
        elsewhere = vm.host_id not in {None, host.pk}
        stale = observed_at <= max(vm.state_changed_at, vm.power_observed_at or vm.state_changed_at)
        if elsewhere or stale:
            continue
        power = str(reported[vm.uuid].power) if vm.uuid in reported else PowerState.MISSING.value
        agreed = min(vm.power_agreed + 1, vm.AGREED) if vm.power_state == power else 1
        vm.power_observed_at = observed_at
        if (power, agreed) != (vm.power_state, vm.power_agreed):
            groups[power, agreed].append(vm.pk)
            vm.power_state, vm.power_agreed = PowerState(power), agreed
    for (power, agreed), keys in groups.items():
        VirtualMachine.objects.filter(pk__in=keys, state_changed_at__lt=observed_at).update(
            power_state=power, power_agreed=agreed, power_observed_at=observed_at
        )


def _follow(host: Host, vm: VirtualMachine, found: MachineState | None) -> None:
    """Submit the operation that a report leads to, unless a job has the machine in its hands."""
    if vm.host_id not in {None, host.pk} or vm.power_agreed < vm.AGREED or vm.state in TRANSITIONAL:
        return
    runs = found is not None and found.power in {Power.RUNNING, Power.PAUSED}
    surprising = {
        State.RUNNING: not runs and vm.power_state != PowerState.UNKNOWN,
        State.STOPPED: found is not None,
        State.DESTROYED: found is not None,
    }.get(State(vm.state), False)
    if not surprising:
        return
    try:
        submit(SYSTEM, "vm.record_power", vm, lock_keys=[lock_of(vm)], host=str(host.uuid))
    except CloudError as error:
        log.debug("machine %s is left alone for now: %s", vm.uuid, error.code)


def _note_strays(
    host: Host,
    at: datetime,
    machines: dict[UUID, VirtualMachine],
    reported: dict[UUID, MachineState],
) -> None:
    """Quarantine machines of ours that no live row of this host stands for."""
    strays = {
        uuid: state
        for uuid, state in reported.items()
        if uuid not in machines
        or machines[uuid].state == State.ERROR
        or machines[uuid].host_id not in {None, host.pk}
    }
    StrayMachine.objects.filter(host=host).exclude(machine_uuid__in=strays).delete()
    for uuid, state in strays.items():
        row, new = StrayMachine.objects.get_or_create(
            host=host,
            machine_uuid=uuid,
            defaults={"machine_name": state.name, "power_state": state.power, "last_seen_at": at},
        )
        if not new:
            StrayMachine.objects.filter(pk=row.pk).update(
                last_seen_at=at, power_state=state.power, sightings=F("sightings") + 1
            )
            if row.sightings == 1:
                events.record(SYSTEM, "host.stray_machine", host, phase=Event.Phase.OBSERVED, name=state.name)
