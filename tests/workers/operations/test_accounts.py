"""Accounts and domains that are disabled come to rest; those that are closed go with all they own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import ownership
from apps.accounts.actor import Actor
from apps.accounts.closing import close, disable, enable, reopen
from apps.accounts.directory import leavers
from apps.accounts.grants import grant_role
from apps.accounts.models import (
    Account,
    Directory,
    Domain,
    Grant,
    Invitation,
    LeftBehind,
    MappingRule,
    Quota,
    Role,
    User,
)
from apps.accounts.roles.ready import ready
from apps.accounts.service_accounts import create_service_account, remove_service_account
from apps.accounts.tokens import issue_token, token_of
from apps.compute.models import VirtualMachine
from apps.compute.services import lifecycle
from apps.compute.services.deploy import deploy_vm
from apps.compute.services.edit import protect_vm
from apps.compute.services.owned import halted
from apps.compute.states import State
from apps.core.errors import AccountDisabled, StateConflict
from apps.jobs.models import Event, Job, JobState
from apps.jobs.services import retry_job
from tests import factories
from tests.faults.scenarios.accounts import (
    below_a_domain,
    left_at_rest,
    left_behind,
    owner_of,
    submit_rest,
    two_machines,
)
from tests.faults.site import Site, make_due
from workers import engine, operations, sweep

assert operations
pytestmark = pytest.mark.databases


def due(row: Account | Domain) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(closes_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("of_domain", [False, True])
def test_what_was_stopped_by_disabling_is_offered_to_be_started(site: Site, of_domain: bool) -> None:
    if of_domain:
        below_a_domain(site)
    two_machines(site)
    owner = owner_of(site)
    disable(site.actor, owner)
    site.to_rest()
    running = site.vm()
    assert (running.state, list(halted(owner))) == (State.STOPPED, [running])
    with pytest.raises(AccountDisabled):
        lifecycle.start_vm(site.actor, running)
    enable(site.actor, owner)
    site.finish(lifecycle.start_vm(site.actor, site.vm()))
    assert list(halted(owner)) == []
    site.finish(lifecycle.stop_vm(site.actor, site.vm()))
    assert list(halted(owner)) == [], "its user stopped it"


def test_a_start_that_was_asked_for_just_before_comes_too_late(site: Site) -> None:
    two_machines(site)
    stopped = VirtualMachine.objects.get(name="stopped")
    job = lifecycle.start_vm(site.actor, stopped)
    disable(site.actor, site.account)
    site.to_rest()
    job.refresh_from_db()
    assert (job.state, (job.error or {})["code"]) == (JobState.FAILED, "account_disabled")
    assert set(VirtualMachine.objects.values_list("state", flat=True)) == {State.STOPPED}
    assert not Job.objects.exclude(state__in=Job.ENDED).exists()


def test_a_machine_that_is_being_made_is_stopped_when_it_runs(site: Site) -> None:
    deploy_vm(site.actor, site.wanted())
    while VirtualMachine.objects.get().host is None:
        for job in Job.objects.filter(state__in=Job.ACTIVE):
            make_due(job)
            engine.run(job.pk)
        site.tick()
    assert VirtualMachine.objects.get().state != State.STOPPED
    disable(site.actor, site.account)
    site.to_rest()
    assert VirtualMachine.objects.get().state == State.STOPPED


def test_enabling_ends_a_halt_that_still_waits(site: Site) -> None:
    two_machines(site)
    disable(site.actor, site.account)
    enable(site.actor, site.account)
    site.to_rest()
    assert site.vm().state == State.RUNNING
    assert Job.objects.get(kind="account.halt").state == JobState.DONE


def test_a_machine_that_cannot_be_stopped_leaves_the_job_to_an_operator(site: Site) -> None:
    two_machines(site)
    site.simulator.order(error="HypervisorRefused", verb="shutdown", times=None)
    disable(site.actor, site.account)
    site.to_rest()
    job = Job.objects.get(kind="account.halt")
    assert (job.state, (job.error or {})["code"]) == (JobState.STUCK, "parts_failed")
    assert job.children.count() == 3
    site.simulator.cancel_orders()
    retry_job(site.actor, job)
    site.to_rest()
    job.refresh_from_db()
    assert (job.state, site.vm().state) == (JobState.DONE, State.STOPPED)


def test_nothing_goes_before_its_time_and_nothing_comes_back_after_it(site: Site) -> None:
    two_machines(site)
    close(site.actor, site.account)
    site.to_rest()
    assert sweep.close_due() == 0
    reopened = reopen(site.actor, site.account)
    assert (reopened.standing, site.vm().state) == ("active", State.STOPPED)
    assert list(halted(site.account)) == [site.vm()]
    close(site.actor, site.account)
    due(site.account)
    with pytest.raises(StateConflict) as caught:
        reopen(site.actor, site.account)
    assert caught.value.params["reason"] == "grace_is_over"
    assert sweep.close_due() == 1
    assert sweep.close_due() == 0, "it is at work"
    site.to_rest()
    assert not Account.objects.filter(pk=site.account.pk).exists()


def test_a_removed_account_leaves_nothing_but_what_was_done(site: Site) -> None:
    below_a_domain(site)
    two_machines(site)
    protect_vm(site.actor, site.vm(), protected=True)
    factories.make_user(site.account)
    domain, key = site.account.domain, site.account.pk
    close(site.actor, site.account)
    due(site.account)
    sweep.close_due()
    site.to_rest()
    assert not Account.objects.filter(pk=key).exists()
    assert not VirtualMachine.objects.exists()
    quota = Quota.objects.get(domain=domain)
    assert (quota.used_machines, quota.used_vcpus, quota.used_storage_gib) == (0, 0, 0)
    world = site.simulator.world()
    assert (world.machines, world.volumes, world.images) == ((), (), ())
    last = Event.objects.filter(kind="account.remove").latest("id")
    assert (last.phase, last.target_name, last.account_id) == ("done", site.account.name, key)
    assert Event.objects.filter(account_id=key, kind="vm.deploy").exists()
    assert Domain.objects.filter(pk=domain.pk).exists()


def test_service_accounts_go_with_their_account_and_so_does_what_they_gave(site: Site) -> None:
    robots = [create_service_account(site.actor, account=site.account, username=f"robot{n}") for n in (1, 2)]
    _row, text = issue_token(site.actor, user=robots[0], name="nightly")
    remove_service_account(site.actor, robots[1])
    other = factories.make_domain()
    role, friend = ready("domain-admin"), factories.make_user(factories.make_account(other))
    grant_role(site.actor, role=role, place=other, user=robots[0])
    given = grant_role(Actor(User.objects.get(pk=robots[0].pk)), role=role, place=other, user=friend)
    close(site.actor, site.account)
    due(site.account)
    sweep.close_due()
    site.to_rest()
    assert not Account.objects.filter(pk=site.account.pk).exists()
    assert not User.objects.filter(kind="service").exists()
    assert token_of(text) is None
    assert not Grant.objects.in_force().filter(pk=given.pk).exists()


def test_a_domain_goes_though_rules_and_invitations_elsewhere_name_its_roles(site: Site) -> None:
    below_a_domain(site)
    top, beside = owner_of(site), factories.make_account()
    assert isinstance(top, Domain)
    role = Role.objects.create(name="keepers", domain=top, rules=[["allow", "vm.read"]])
    directory = Directory.objects.create(
        name="a", kind="openldap", servers=["ldaps://a"], people_bases=["dc=a"]
    )
    about = {"match": "group", "match_value": "x", "gives": "grant", "scope": "domain", "place": top.pk}
    MappingRule.objects.create(directory=directory, position=1, name="of it", role=role, **about)
    ends = timezone.now() + timedelta(days=1)
    Invitation.objects.create(account=beside, role=role, username="ada", expires_at=ends)
    close(site.actor, top)
    due(top)
    sweep.close_due()
    site.to_rest()
    assert not Domain.objects.filter(pk=top.pk).exists()
    assert not MappingRule.objects.exists()
    assert not Invitation.objects.exists()
    assert not Role.objects.filter(pk=role.pk).exists()


def test_an_image_that_others_need_stays_with_the_heir(site: Site) -> None:
    heir = factories.make_account()
    factories.make_vm(site.zone, account=heir, template=site.template, state=State.ERROR)
    factories.make_template(site.zone, heir, name=site.template.name)
    close(site.actor, site.account, heir=heir)
    due(site.account)
    sweep.close_due()
    site.to_rest()
    before = site.template.name
    site.template.refresh_from_db()
    assert (site.template.account, site.template.name) == (heir, f"{before} (2)")
    assert not Account.objects.filter(pk=site.account.pk).exists()


def test_an_heir_that_is_gone_itself_is_asked_for_and_the_removal_goes_on(site: Site) -> None:
    user, heir, other = factories.make_account(), factories.make_account(), factories.make_account()
    factories.make_vm(site.zone, account=user, template=site.template, state=State.ERROR)
    close(site.actor, site.account, heir=heir)
    heir.delete()
    due(site.account)
    sweep.close_due()
    site.to_rest()
    job = Job.objects.get(kind="account.remove")
    assert (job.state, (job.error or {})["params"]["reason"]) == (JobState.STUCK, "heir_needed")
    close(site.actor, site.account, heir=other)
    retry_job(site.actor, job)
    site.to_rest()
    site.template.refresh_from_db()
    assert (site.template.account, Account.objects.filter(pk=site.account.pk).exists()) == (other, False)


def test_a_domain_goes_with_everything_below_it(site: Site) -> None:
    below_a_domain(site)
    top = owner_of(site)
    assert isinstance(top, Domain)
    deep = factories.make_domain(factories.make_domain(top))
    for _ in range(3):
        factories.make_account(deep)
    beside = factories.make_domain()
    two_machines(site)
    kinds = {each.kind: each.count for each in ownership.touched(top)}
    assert (kinds["domain"], kinds["account"], kinds["virtual machine"]) == (3, 4, 2)
    close(site.actor, top)
    due(top)
    assert sweep.close_due() == 1
    site.to_rest()
    assert set(Domain.objects.all()) == {factories.root_domain(), beside}
    assert not Account.objects.exists()
    assert Quota.objects.get(domain=factories.root_domain()).used_machines == 0


def test_who_comes_back_or_is_let_be_finds_their_machines_at_work(site: Site) -> None:
    left_behind(site)
    left = LeftBehind.objects.get()
    job = submit_rest(site)
    User.objects.filter(pk=left.user_id).update(is_active=True)
    site.finish(job)
    assert site.vm().state == State.RUNNING
    User.objects.filter(pk=left.user_id).update(is_active=False)
    leavers.keep(site.actor, left)
    assert sweep.rest_what_was_left() == 0
    assert site.vm().state == State.RUNNING


def test_what_leavers_left_is_stopped_once(site: Site) -> None:
    left_behind(site)
    site.finish(submit_rest(site))
    left_at_rest(site)
    site.finish(lifecycle.start_vm(site.actor, site.vm()))
    assert sweep.rest_what_was_left() == 0
    assert site.vm().state == State.RUNNING
