"""Rules of single operations that no fault brings to light."""

from __future__ import annotations

import pytest

from apps.accounts import policy
from apps.compute.services import lifecycle
from apps.compute.states import State
from apps.jobs.models import Event, Job, JobState
from apps.jobs.services import cancel_job, resolve_job
from apps.storage.models import Template, TemplateCopy
from apps.zones.models import Host, HostState
from tests import factories
from tests.accounts.rights import acting, give
from tests.faults.scenarios.compute import deaf, running, stopped, submit_deploy
from tests.faults.scenarios.follow import someone_started_it, went_off
from tests.faults.scenarios.storage import submit_copy
from tests.faults.site import Site, make_due
from tests.faults.stage import Stage
from workers import engine, operations, sync
from workers.drivers.base import Power
from workers.drivers.errors import HostUnreachable, HypervisorRefused
from workers.drivers.simulator.storage import SimulatedStorage

assert operations


def claim(job: Job) -> Job:
    make_due(job)
    engine.run(job.pk)
    job.refresh_from_db()
    return job


def power_of(site: Site) -> Power | None:
    world = site.simulator.world()
    return next((Power(str(row[3])) for row in world.machines if row[1] == str(site.vm().uuid)), None)


def test_a_machine_whose_power_cannot_be_told_is_not_powered_off(site: Site) -> None:
    """Two reports said it is off; when we look ourselves, the host does not know."""
    went_off(site)
    site.sync(2)
    host = site.vm().host
    assert host is not None
    site.simulator.set_power(site.vm().uuid, Power.UNKNOWN)
    site.to_rest()
    assert Job.objects.get(kind="vm.record_power").state == JobState.DONE
    assert site.vm().state == State.RUNNING
    assert power_of(site) == Power.UNKNOWN


def test_a_stuck_job_is_not_resolved_while_the_power_cannot_be_told(site: Site) -> None:
    running(site)
    site.simulator.order(error="HypervisorRefused", verb="destroy", times=None)
    job = lifecycle.force_stop_vm(site.actor, site.vm())
    site.to_rest()
    job.refresh_from_db()
    assert job.state == JobState.STUCK
    site.simulator.cancel_orders()
    site.simulator.set_power(site.vm().uuid, Power.UNKNOWN)
    claim(resolve_job(site.actor, job))
    assert (job.state, (job.error or {})["code"]) == (JobState.RESOLVING, "host_busy")
    site.simulator.set_power(site.vm().uuid, Power.RUNNING)
    site.to_rest()
    job.refresh_from_db()
    assert (job.state, site.vm().state) == (JobState.FAILED, State.RUNNING)


def test_a_stop_that_is_cancelled_waits_for_the_guest_and_powers_it_on_again(site: Site) -> None:
    running(site)
    job = claim(lifecycle.stop_vm(site.actor, site.vm()))
    claim(cancel_job(site.actor, job))
    assert (job.state, job.note) == (JobState.UNDOING, "waiting_for_guest")
    site.to_rest()
    job.refresh_from_db()
    assert (job.state, site.vm().state, power_of(site)) == (JobState.CANCELLED, State.RUNNING, Power.RUNNING)


def test_a_force_stop_does_not_wait_for_a_stop_that_is_being_taken_back(site: Site) -> None:
    deaf(site)
    stop = claim(lifecycle.stop_vm(site.actor, site.vm()))
    claim(cancel_job(site.actor, stop))
    assert stop.state == JobState.UNDOING
    force = lifecycle.force_stop_vm(site.actor, site.vm())
    assert force.state == JobState.WAITING
    claim(stop)
    assert stop.state == JobState.CANCELLED
    claim(force)
    assert (force.state, site.vm().state) == (JobState.DONE, State.STOPPED)


def test_a_template_that_is_being_deleted_is_copied_nowhere(site: Site) -> None:
    job = submit_copy(site)
    Template.objects.filter(pk=site.template.pk).update(state=Template.State.DELETING)
    claim(job)
    assert job.state == JobState.FAILED
    assert (job.error or {})["params"]["reason"] == "wrong_state"
    assert not TemplateCopy.objects.exists()


def test_a_copy_is_not_settled_before_it_has_ended(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row must stand for as long as something may still write the file."""
    job = claim(submit_copy(site))
    cancel_job(site.actor, job)
    with monkeypatch.context() as patch:
        patch.setattr(SimulatedStorage, "cancel_import", _raise)
        site.to_rest()
    job.refresh_from_db()
    assert job.state == JobState.STUCK
    with monkeypatch.context() as patch:
        patch.setattr(SimulatedStorage, "cancel_import", lambda *_args: False)
        claim(resolve_job(site.actor, job))
        assert (job.state, (job.error or {})["code"]) == (JobState.RESOLVING, "host_busy")
        assert TemplateCopy.objects.get().state == TemplateCopy.State.COPYING
    site.to_rest()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert not TemplateCopy.objects.exists()
    assert site.simulator.world().images == ()


def test_a_copy_goes_on_from_another_host_when_its_own_is_lost(site: Site) -> None:
    """Everyone who wants the template waits for this one copy: they must not wait for one host."""
    lost, other = site.hosts()
    job = claim(submit_copy(site))
    assert job.memo["hosts"] == [str(lost.uuid)]
    site.simulator.set_reachable(lost.uuid, False)
    claim(job)
    assert (job.note, (job.error or {})["code"]) == ("retrying", "host_unreachable")
    for _ in range(sync.MISSED_BEFORE_DOWN):
        sync.note_silence(lost, HostUnreachable())
    site.to_rest()
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert job.memo["hosts"] == [str(lost.uuid), str(other.uuid)]
    site.simulator.advance(10)
    assert [row[1] for row in site.simulator.world().images] == [site.template.image]
    assert site.simulator.world().tasks == ()


def test_a_copy_is_taken_back_without_the_host_that_was_lost(site: Site) -> None:
    lost, other = site.hosts()
    job = claim(submit_copy(site))
    site.simulator.set_reachable(lost.uuid, False)
    for _ in range(sync.MISSED_BEFORE_DOWN):
        sync.note_silence(lost, HostUnreachable())
    claim(job)
    assert job.memo["hosts"][-1] == str(other.uuid)
    cancel_job(site.actor, job)
    site.to_rest()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert not TemplateCopy.objects.exists()


def test_a_copy_waits_for_its_host_where_no_other_reaches_the_pool(site: Site) -> None:
    job = claim(submit_copy(site))
    Host.objects.update(state=HostState.DISCONNECTED)
    site.simulator.set_reachable(site.hosts()[0].uuid, False)
    claim(job)
    assert (job.state, job.note) == (JobState.PENDING, "retrying")
    assert len(job.memo["hosts"]) == 1


def _raise(*_args: object) -> bool:
    raise HypervisorRefused("not now")


def test_a_machine_started_by_hand_is_stopped_like_any_other(site: Site) -> None:
    stopped(site)
    someone_started_it(site)
    site.sync(2)
    site.to_rest()
    assert site.vm().state == State.RUNNING
    site.finish(lifecycle.stop_vm(site.actor, site.vm()))
    assert (site.vm().state, power_of(site)) == (State.STOPPED, None)


def test_one_stuck_job_takes_no_place_from_others_on_its_host(site: Site) -> None:
    """Four jobs that stuck on a host would otherwise keep every new machine away from it."""
    with Stage().installed():
        site.simulator.order(error="HypervisorRefused", verb="start", times=1)
        site.simulator.order(error="HypervisorRefused", verb="undefine", times=None)
        job = submit_deploy(site)
        site.to_rest()
    job.refresh_from_db()
    assert job.state == JobState.STUCK
    assert not job.slots.exists()
    assert job.locks.count() == 1


def test_a_machine_that_starts_on_another_host_leaves_one_admins_part_for_anothers(site: Site) -> None:
    stopped(site)
    first = site.vm().last_host
    assert first is not None
    second = next(host for host in site.hosts() if host != first)
    there, here = factories.make_user(), factories.make_user()
    give(None, there, "simple-admin", first)
    give(None, here, "simple-admin", second)
    Host.objects.filter(pk=first.pk).update(enabled=False)
    site.finish(lifecycle.start_vm(site.actor, site.vm()))
    assert site.vm().host == second
    assert not policy.sees(acting(there), site.vm())
    assert policy.sees(acting(here), site.vm())
    changes = dict(Event.objects.filter(phase=Event.Phase.DONE).values_list("kind", "changes"))
    assert changes["vm.stop"] == {"state": ["Running", "Stopped"], "host": [first.name, None]}
    assert changes["vm.start"] == {"state": ["Stopped", "Running"], "host": [None, second.name]}
