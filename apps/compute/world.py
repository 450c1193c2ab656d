"""What the record and the last report say of a machine."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.compute.models import VirtualMachine
from apps.compute.states import PowerState, State
from apps.jobs.models import Job
from apps.jobs.world import Finding
from apps.zones.world import host_finding

_ON = {PowerState.RUNNING, PowerState.PAUSED}
_EXPECTED: dict[State, set[PowerState]] = {
    State.RUNNING: _ON,
    State.STOPPED: {PowerState.OFF, PowerState.MISSING},
    State.DESTROYED: {PowerState.OFF, PowerState.MISSING},
    State.ERROR: {PowerState.MISSING},
}
"""What a host should report in each state at rest; in any other both can be right."""


def findings_of_machine(job: Job) -> list[Finding]:
    vm = VirtualMachine.objects.select_related("host", "last_host").filter(uuid=job.target_uuid).first()
    if vm is None:
        return []
    power, expected = PowerState(vm.power_state), _EXPECTED.get(State(vm.state))
    known = expected is not None and power != PowerState.UNKNOWN
    found = [
        Finding(
            _("The machine"),
            vm.get_state_display(),
            vm.get_power_state_display(),
            vm.power_observed_at,
            power in expected if known and expected else None,
        )
    ]
    if vm.host is None:
        last = vm.last_host.name if vm.last_host else ""
        record = _("on no host; %(host)s was the last one") % {"host": last} if last else _("on no host")
        return [*found, Finding(_("Its host"), record)]
    return [*found, host_finding(vm.host)]
