"""What is done to whole accounts and domains: their machines come to rest, and what they own goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.accounts.closing import close, disable
from apps.accounts.directory import leaving
from apps.accounts.directory.services import create_directory
from apps.accounts.models import (
    Account,
    Counting,
    DirectoryPerson,
    Domain,
    LeftBehind,
    Membership,
    Quota,
)
from apps.accounts.quota_services import set_counting
from apps.accounts.tenancy import move_account
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.compute.services import lifecycle
from apps.compute.states import State
from apps.jobs.models import Job
from apps.storage.models import Template
from tests import factories
from tests.faults.image import Rows
from tests.faults.scenario import Scenario, add
from tests.faults.site import Site
from workers import sweep


def two_machines(site: Site) -> None:
    """One runs; another one, stopped before, is no business of a halt."""
    site.deploy("stopped")
    site.finish(lifecycle.stop_vm(site.actor, site.vm()))
    site.deploy("running")


def below_a_domain(site: Site) -> None:
    domain = factories.make_domain()
    factories.make_domain(domain)
    move_account(site.actor, site.account, domain=domain)
    site.account.refresh_from_db()
    site.notes["domain"] = domain.uuid


def owner_of(site: Site) -> Account | Domain:
    if "domain" in site.notes:
        return Domain.objects.get(uuid=site.notes["domain"])
    return Account.objects.get(pk=site.account.pk)


def submit_halt(site: Site) -> Job:
    disable(site.actor, owner_of(site))
    return Job.objects.get(kind__endswith=".halt")


def all_stopped(site: Site) -> None:
    assert set(VirtualMachine.objects.values_list("state", flat=True)) == {State.STOPPED}
    assert site.simulator.world().machines == ()
    parent = Job.objects.get(kind__endswith=".halt")
    assert list(parent.children.values_list("kind", "target_uuid")) == [("vm.stop", site.vm().uuid)]


def closing(site: Site) -> None:
    """Its time is over; somebody else has a machine from its image, which its domain's heir gets."""
    two_machines(site)
    lifecycle.destroy_vm(site.actor, VirtualMachine.objects.get(name="stopped"))
    site.to_rest()
    SshKeyPair.objects.create(account=site.account, name="key", public_key="k", fingerprint="f")
    factories.make_user(site.account)
    heir = factories.make_account()
    factories.make_vm(site.zone, account=heir, template=site.template, state=State.ERROR)
    site.notes["heir"] = heir.pk
    close(site.actor, owner_of(site), heir=heir)
    site.to_rest()
    type(owner_of(site))._default_manager.filter(pk=owner_of(site).pk).update(
        closes_at=timezone.now() - timedelta(hours=1)
    )


def closing_domain(site: Site) -> None:
    below_a_domain(site)
    closing(site)


def submit_removal(site: Site) -> Job:
    assert sweep.close_due() == 1
    return Job.objects.get(kind__endswith=".remove")


def nothing_left(site: Site) -> None:
    assert not Account.objects.filter(pk=site.account.pk).exists()
    assert not Domain.objects.filter(closes_at__isnull=False).exists()
    assert not Membership.objects.exists()
    assert not SshKeyPair.objects.exists()
    assert VirtualMachine.objects.get().account_id == site.notes["heir"]
    assert Template.objects.get().account_id == site.notes["heir"]
    assert (site.simulator.world().machines, site.simulator.world().volumes) == ((), ())
    assert Job.objects.get(kind="account.remove").account is None


def left_behind(site: Site) -> None:
    """Nobody is left in the account, and its time is over."""
    two_machines(site)
    leaver = factories.make_user(site.account)
    Membership.objects.exclude(user=leaver).filter(account=site.account).delete()
    directory = create_directory(
        site.actor,
        kind="openldap",
        name="campus",
        servers=["ldaps://127.0.0.1:1"],
        people_bases=["dc=campus"],
    )
    link = DirectoryPerson.objects.create(user=leaver, directory=directory, stable_id="1", dn="uid=1")
    leaving.leave(directory, [link])
    LeftBehind.objects.update(stops_at=timezone.now() - timedelta(hours=1))


def submit_rest(_site: Site) -> Job:
    assert sweep.rest_what_was_left() == 1
    return Job.objects.get(kind="account.rest")


def left_at_rest(site: Site) -> None:
    assert set(VirtualMachine.objects.values_list("state", flat=True)) == {State.STOPPED}
    assert site.simulator.world().machines == ()
    parent = Job.objects.get(kind="account.rest")
    assert list(parent.children.values_list("kind", "target_uuid")) == [("vm.stop", site.vm().uuid)]
    assert LeftBehind.objects.get().stopped_at is not None
    assert sweep.rest_what_was_left() == 0


def submit_recount(site: Site) -> Job:
    assert Quota.objects.get(account=site.account).used_vcpus == 1
    job = set_counting(site.actor, site.account.domain, counting=Counting.ALLOCATED)
    assert isinstance(job, Job)
    return job


def all_counted(site: Site) -> None:
    """The machine that is stopped counts as well now."""
    assert Quota.objects.get(account=site.account).used_vcpus == 2
    assert Quota.objects.get(domain=site.account.domain).used_vcpus == 2


def policy_stays(_site: Site, before: Rows, after: Rows) -> Rows:
    """The domain says what counts, whether it was counted anew or not; an account counted anew before the
    run was ended stays so."""
    told, had = (
        {tuple(pair for pair in row if pair[0] not in _COUNTED) for row in rows["accounts_quota"]}
        for rows in (after, before)
    )
    return {**after, "accounts_quota": before["accounts_quota"]} if told == had else after


_COUNTED = {"counting", "used_vcpus", "used_memory_mib"}


def _scenario(name: str, kind: str, prepare: Any, submit: Any, expect: Any) -> None:
    """Each thing ends for itself, by a child: the parts of it that failed are asked for again."""
    faults = frozenset({"worker killed", "refusal", "cancel", "verb fails for good"})
    add(Scenario(name, kind, prepare, submit, expect, partial=True, only_faults=faults))


def _in_domain(site: Site) -> None:
    below_a_domain(site)
    two_machines(site)


_scenario("halt an account", "account.halt", two_machines, submit_halt, all_stopped)
_scenario("halt a domain", "domain.halt", _in_domain, submit_halt, all_stopped)
_scenario("remove an account", "account.remove", closing, submit_removal, nothing_left)
_scenario("remove a domain", "domain.remove", closing_domain, submit_removal, nothing_left)
_scenario("stop what leavers left", "account.rest", left_behind, submit_rest, left_at_rest)
add(Scenario("count quotas anew", "quota.recount", two_machines, submit_recount, all_counted, policy_stays))
