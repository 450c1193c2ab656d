"""What a state holds: each act leaves exactly what the table of states says, on host, pool, network
and in the quota; a failed one leaves what was there before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.models import Counting, Quota
from apps.accounts.quota_services import set_counting, set_member_quota
from apps.compute import placement
from apps.compute.models import VirtualMachine
from apps.compute.services import deploy, edit, lifecycle
from apps.compute.services.actions import ACTIONS
from apps.compute.states import HOLDS, Holding, State, holds
from apps.core.errors import QuotaExceeded
from apps.jobs.models import Job, JobState
from apps.network.models import IpAddress
from apps.storage.models import PrimaryStorage, TemplateCopy
from apps.zones.capacity import machine_memory_mib
from apps.zones.models import Host
from tests.factories import make_offering, make_user, root_domain
from tests.faults.audit import full_audit
from tests.faults.conftest import site, site_image
from tests.faults.scenarios.compute import failed_once, submit_deploy
from tests.faults.site import Site
from workers import operations

assert operations
__all__ = ["site", "site_image"]
MIB, GIB = 512, 2**30
SYSTEM = Actor.system("a test")
NOTHING, COMPUTE, STORAGE, ADDRESS, QUOTA, QUOTA_COMPUTE = Holding.NOTHING, *list(Holding)
DISK = STORAGE | ADDRESS | QUOTA
BOTH = list(Counting)


def held(site: Site) -> Holding:
    """What is taken anywhere in the site, which has no other machine: all of a thing or none of it."""
    totals = {
        COMPUTE: sum(host.allocated_vcpus for host in Host.objects.all()),
        STORAGE: PrimaryStorage.objects.get().allocated_bytes // GIB,
        ADDRESS: IpAddress.objects.exclude(holder=None).count(),
        QUOTA: Quota.objects.get(account=site.account).used_machines,
        QUOTA_COMPUTE: Quota.objects.get(account=site.account).used_vcpus,
    }
    assert set(totals.values()) <= {0, 1}, totals
    quota = Quota.objects.get(account=site.account)
    assert quota.used_memory_mib == MIB * totals[QUOTA_COMPUTE]
    memory = sum(host.allocated_memory_mib for host in Host.objects.all())
    assert memory == machine_memory_mib(MIB) * totals[COMPUTE]
    assert TemplateCopy.objects.filter(uses=totals[STORAGE]).count() == TemplateCopy.objects.count()
    found = NOTHING
    for holding, count in totals.items():
        if count:
            found |= holding
    assert [full_audit(site), placement.recount()] == [[], []]
    return found


def test_the_table_of_states() -> None:
    """Written by hand: what follows is held against it, not against the code."""
    everything = COMPUTE | DISK | QUOTA_COMPUTE
    off = {Counting.ALLOCATED: DISK | QUOTA_COMPUTE, Counting.RUNNING: DISK}
    for counting in BOTH:
        assert {
            State.STARTING: everything,
            State.RUNNING: everything,
            State.STOPPING: everything,
            State.MIGRATING: everything,
            State.STOPPED: off[counting],
            State.DESTROYED: off[counting],
            State.EXPUNGING: off[counting],
            State.ERROR: NOTHING,
        } == {state: holds(state, counting) for state in State}
    assert {state: holds(state, Counting.ALLOCATED) for state in State} == HOLDS


Act = Callable[[Any, VirtualMachine], Any]
LIFE: list[tuple[Act, State]] = [
    (lifecycle.stop_vm, State.STOPPED),
    (lifecycle.start_vm, State.RUNNING),
    (lifecycle.reboot_vm, State.RUNNING),
    (lifecycle.force_stop_vm, State.STOPPED),
    (lifecycle.start_vm, State.RUNNING),
    (lifecycle.destroy_vm, State.DESTROYED),
    (lifecycle.recover_vm, State.STOPPED),
    (lifecycle.destroy_vm, State.DESTROYED),
]
"""Each act in turn on one machine, and the state that it leads to."""

HELD_APART: set[Act] = {lifecycle.expunge_vm, deploy.redeploy_vm, lifecycle.dismiss_vm}
"""The end of a life, and what follows a deploy that failed: below, each for itself."""


def test_no_act_is_left_out() -> None:
    """Whoever adds a verb gives its act a place in LIFE above."""
    assert {act for act, _state in LIFE} | HELD_APART == set(ACTIONS.values())


def count_as(site: Site, counting: Counting) -> None:
    """Quotas of the whole cloud count so from now on."""
    job = set_counting(site.actor, root_domain(), counting=counting)
    site.finish(job)
    assert Quota.objects.get(account=site.account).counting == counting


@pytest.mark.parametrize("counting", BOTH)
def test_every_act_of_a_life_leaves_what_its_state_holds(site: Site, counting: Counting) -> None:
    count_as(site, counting)
    site.deploy()
    assert held(site) == HOLDS[State.RUNNING]
    for act, state in LIFE:
        done = act(site.actor, site.vm())
        if isinstance(done, Job):
            site.finish(done)
        assert site.vm().state == state
        assert held(site) == holds(state, counting), act
    site.finish(lifecycle.expunge_vm(site.actor, site.vm()))
    assert not VirtualMachine.objects.exists()
    assert held(site) == NOTHING


@pytest.mark.parametrize("counting", BOTH)
@pytest.mark.parametrize(
    ("verb", "before"),
    [("start", State.STOPPED), ("stop", State.RUNNING), ("reboot", State.RUNNING)],
)
def test_an_act_that_fails_leaves_what_was_held_before(
    site: Site, verb: str, before: State, counting: Counting
) -> None:
    count_as(site, counting)
    site.deploy()
    if before == State.STOPPED:
        site.finish(lifecycle.stop_vm(site.actor, site.vm()))
    call = {"start": "start", "stop": "shutdown", "reboot": "shutdown"}[verb]
    site.simulator.order(error="HypervisorRefused", verb=call)
    job = getattr(lifecycle, f"{verb}_vm")(site.actor, site.vm())
    site.to_rest()
    job.refresh_from_db()
    assert (job.state, site.vm().state) == (JobState.FAILED, before)
    assert held(site) == holds(before, counting)


def test_a_deploy_that_failed_holds_nothing_and_can_be_tried_again(site: Site) -> None:
    failed_once(site)
    vm = site.vm()
    assert (vm.state, (vm.error or {})["code"]) == (State.ERROR, "hypervisor_refused")
    assert held(site) == HOLDS[State.ERROR] == NOTHING
    site.finish(deploy.redeploy_vm(site.actor, vm))
    assert held(site) == HOLDS[State.RUNNING]


def test_a_deploy_that_failed_can_be_dismissed(site: Site) -> None:
    failed_once(site)
    lifecycle.dismiss_vm(site.actor, site.vm())
    assert not VirtualMachine.objects.exists()
    assert held(site) == NOTHING


def test_a_machine_in_a_jobs_hands_holds_what_the_job_claimed_so_far(site: Site) -> None:
    """Before its host is found a starting machine holds its quota alone."""
    submit_deploy(site)
    assert site.vm().state == State.STARTING
    assert Quota.objects.get(account=site.account).used_machines == 1
    assert sum(Host.objects.values_list("allocated_vcpus", flat=True)) == 0
    assert PrimaryStorage.objects.get().allocated_bytes == 0


@pytest.mark.parametrize("counting", BOTH)
@pytest.mark.parametrize("hidden", ["off", "running"])
def test_what_sync_finds_leaves_what_the_new_state_holds(site: Site, hidden: str, counting: Counting) -> None:
    count_as(site, counting)
    Quota.objects.filter(account=site.account).update(max_vcpus=1)
    site.deploy()
    if hidden == "off":
        site.simulator.power_off(site.vm().uuid)
    else:
        site.finish(lifecycle.stop_vm(site.actor, site.vm()))
        vm = site.vm()
        assert vm.last_host is not None
        site.simulator.add_machine(vm.last_host.uuid, uuid=vm.uuid, name=vm.machine_name, ours=True)
    site.sync(2)
    site.to_rest()
    wanted = State.STOPPED if hidden == "off" else State.RUNNING
    assert site.vm().state == wanted
    found = full_audit(site, ports=hidden == "off")
    assert found == []
    assert sum(Host.objects.values_list("allocated_vcpus", flat=True)) == (wanted == State.RUNNING)
    counts = wanted == State.RUNNING or counting == Counting.ALLOCATED
    assert Quota.objects.get(account=site.account).used_vcpus == counts


@pytest.mark.parametrize("counting", BOTH)
def test_another_size_is_held_from_the_next_start_on(site: Site, counting: Counting) -> None:
    count_as(site, counting)
    site.deploy()
    site.finish(lifecycle.stop_vm(site.actor, site.vm()))
    edit.change_offering(site.actor, site.vm(), offering=make_offering(2, 1024))
    assert Quota.objects.get(account=site.account).used_vcpus == (0 if counting == Counting.RUNNING else 2)
    assert sum(Host.objects.values_list("allocated_vcpus", flat=True)) == 0
    site.finish(lifecycle.start_vm(site.actor, site.vm()))
    assert sum(Host.objects.values_list("allocated_vcpus", flat=True)) == 2
    assert full_audit(site) == []


def test_a_start_is_refused_where_others_run_already(site: Site) -> None:
    """As running: what is off has given its part away."""
    count_as(site, Counting.RUNNING)
    Quota.objects.filter(account=site.account).update(max_vcpus=1)
    first = site.deploy("first")
    site.finish(lifecycle.stop_vm(site.actor, first))
    second = site.deploy("second")
    first.refresh_from_db()
    with pytest.raises(QuotaExceeded) as caught:
        lifecycle.start_vm(site.actor, first)
    assert caught.value.params["resource"] == "vcpus"
    first.refresh_from_db()
    assert first.state == State.STOPPED
    lifecycle.destroy_vm(site.actor, first)  # to leave is never refused
    site.to_rest()
    assert VirtualMachine.objects.get(pk=first.pk).state == State.DESTROYED
    assert Quota.objects.get(account=site.account).used_vcpus == 1
    site.finish(lifecycle.stop_vm(site.actor, second))
    assert full_audit(site) == []


def test_another_policy_counts_everything_anew_in_one_job(site: Site) -> None:
    """With the members' own rows, and the domains above."""
    count_as(site, Counting.ALLOCATED)
    maker = make_user(site.account)
    site.actor = Actor(maker)
    set_member_quota(SYSTEM, site.account, user=maker, limits={"vcpus": 5})
    site.deploy()
    site.finish(lifecycle.stop_vm(site.actor, site.vm()))
    used = {"domain": root_domain(), "account": site.account, "user": maker}

    def vcpus() -> set[int]:
        return {Quota.objects.get(**{key: row}).used_vcpus for key, row in used.items()}

    assert vcpus() == {1}
    site.actor = SYSTEM
    count_as(site, Counting.RUNNING)
    assert vcpus() == {0}
    count_as(site, Counting.ALLOCATED)
    assert vcpus() == {1}
    assert full_audit(site) == []
