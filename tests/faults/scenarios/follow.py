"""What host sync leads to: the operation that follows a machine behind our back."""

from __future__ import annotations

from apps.compute.states import PowerState, State
from apps.jobs.models import Job
from tests.faults.scenario import Scenario, add
from tests.faults.scenarios.compute import in_trash, is_off, running, stopped, the_machine
from tests.faults.site import Site
from workers.drivers.base import Power


def went_off(site: Site) -> None:
    running(site)
    site.simulator.power_off(site.vm().uuid)


def someone_started_it(site: Site) -> None:
    """On its last host, by hand."""
    vm = site.vm()
    assert vm.last_host is not None
    site.simulator.add_machine(vm.last_host.uuid, uuid=vm.uuid, name=vm.machine_name, ours=True)


def started_by_hand(site: Site) -> None:
    stopped(site)
    someone_started_it(site)


def runs_in_the_trash(site: Site) -> None:
    in_trash(site)
    someone_started_it(site)


def seen_twice(site: Site) -> Job:
    """Two reports that agree."""
    site.sync()
    assert not Job.objects.filter(kind="vm.record_power").exists()
    site.sync()
    return Job.objects.get(kind="vm.record_power")


def adopted(site: Site) -> None:
    vm = site.vm()
    assert vm.state == State.RUNNING
    assert vm.host is not None
    assert vm.host.allocated_vcpus == vm.claimed_vcpus == 1
    machine = the_machine(site, vm)
    assert machine is not None
    assert machine[3] == Power.RUNNING


def paused_alone(site: Site) -> None:
    """A machine that runs, is cut off from all reports, and is seen again paused: nothing follows."""
    running(site)
    site.simulator.set_power(site.vm().uuid, Power.PAUSED)
    site.sync(3)
    assert site.vm().power_state == PowerState.PAUSED
    assert not Job.objects.filter(kind="vm.record_power").exists()
    site.simulator.power_off(site.vm().uuid)


add(Scenario("a guest went off", "vm.record_power", went_off, seen_twice, is_off(State.STOPPED)))
add(Scenario("a paused machine went off", "vm.record_power", paused_alone, seen_twice, is_off(State.STOPPED)))
add(Scenario("started behind our back", "vm.record_power", started_by_hand, seen_twice, adopted, adopts=True))
add(Scenario("runs in the trash", "vm.record_power", runs_in_the_trash, seen_twice, is_off(State.DESTROYED)))
