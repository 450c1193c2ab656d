"""Where people land: operators see how the cloud is, everybody else what is theirs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Account, Grant, Quota
from apps.accounts.roles.ready import DOMAIN_ADMIN, SIMPLE_ADMIN, ready
from apps.compute.models import Nic, StrayMachine
from apps.compute.states import State
from apps.jobs.models import Job, JobState
from apps.network.models import IpAddress
from apps.zones.models import Host, HostState, Zone
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    return client_of(factories.make_user(super_admin=True))


@pytest.fixture
def account() -> Account:
    return factories.make_account(max_vcpus=8, max_memory_mib=16384)


@pytest.fixture
def member(account: Account) -> Client:
    return client_of(factories.make_user(account))


def make_job(zone: Zone, state: JobState, *, hours: int = 1, account: Account | None = None) -> Job:
    ended = state in Job.ENDED
    return Job.objects.create(
        kind="host.connect",
        account=account,
        actor_label="someone",
        target_type="zone",
        target_uuid=zone.uuid,
        target_name=f"target-{state}-{hours}",
        state=state,
        error={"code": "host_unreachable", "params": {}} if state in {"failed", "stuck"} else None,
        finished_at=timezone.now() - timedelta(hours=hours) if ended else None,
    )


def test_nobody_is_sent_to_log_in() -> None:
    assert Client().get("/")["Location"].startswith("/login/")


def test_a_new_member_is_shown_how_to_begin(member: Client) -> None:
    page = member.get("/").text
    assert "Make your first virtual machine" in page
    assert 'href="/virtual-machines/new/"' in page
    assert "0 of 8" in page


def test_a_member_sees_their_machines_with_address_and_quota(member: Client, account: Account) -> None:
    zone = factories.make_zone()
    vm = factories.make_vm(zone, account=account, vcpus=2)
    factories.placed(vm)
    nic = Nic.objects.get(vm=vm)
    assert nic.ip is not None
    other = factories.make_vm(zone)
    gone = factories.make_vm(zone, account=account, state=State.DESTROYED)
    page = member.get("/").text
    assert vm.name in page
    assert IpAddress.objects.get(pk=nic.ip.pk).address in page
    assert "3 of 8" in page, "what is in the trash counts too"
    assert other.name not in page
    assert gone.name not in page


def test_who_looks_after_a_domain_finds_their_own_machines_at_home(account: Account) -> None:
    boss = factories.make_user(account)
    Grant.objects.create(user=boss, role=ready(DOMAIN_ADMIN), scope="domain", domain=account.domain)
    zone = factories.make_zone()
    mine = factories.make_vm(zone, account=account)
    theirs = factories.make_vm(zone, account=factories.make_account(account.domain))
    client = client_of(boss)
    assert theirs.name in client.get("/virtual-machines/").text
    home = client.get("/").text
    assert mine.name in home
    assert theirs.name not in home


def admin_of(role: str, scope: str, row: Any) -> Client:
    user = factories.make_user()
    where = {"domain": row} if scope == "domain" else {"place": row.pk}
    Grant.objects.create(user=user, role=ready(role), scope=scope, **where)
    return client_of(user)


def numbers_of(page: str) -> dict[str, str]:
    found = re.findall(r'<dt><a href="([^"]+)">[^<]+</a></dt><dd>([^<]+)</dd>', page)
    return dict(found)


def test_the_home_of_a_domain_admin_has_the_numbers_of_the_domain_and_of_no_other(account: Account) -> None:
    domain = factories.make_domain()
    mine, other = factories.make_account(domain), factories.make_account(factories.make_domain())
    zone = factories.make_zone()
    for owner, state in ((mine, State.RUNNING), (mine, State.ERROR), (other, State.RUNNING)):
        factories.make_vm(zone, account=owner, state=state)
    make_job(zone, JobState.FAILED, hours=2, account=mine)
    make_job(zone, JobState.FAILED, hours=3, account=other)
    make_job(zone, JobState.FAILED, hours=80, account=mine)
    Quota.objects.update_or_create(domain=domain, defaults={"max_vcpus": 40, "used_vcpus": 2})
    page = admin_of(DOMAIN_ADMIN, "domain", domain).get("/").text
    assert "What you look after" in page
    assert "2 of 40" in page
    found = numbers_of(page)
    assert found["/accounts/"] == "1"
    assert found["/domains/"] == "1"
    assert found["/virtual-machines/?state=Running"] == "1"
    assert found["/virtual-machines/?state=Error"] == "1"
    assert found["/virtual-machines/?state=Stopped"] == "0"
    assert [f"failed-{hours}" in page for hours in (2, 3, 80)] == [True, False, False]
    assert f'href="/domains/{domain.uuid}/"' in page
    assert "Hosts that need an eye" not in page
    assert "What you look after" not in client_of(factories.make_user(account)).get("/").text


def test_the_home_of_who_runs_a_zone_shows_it_and_no_other(account: Account) -> None:
    zone, other = factories.make_zone(hosts=2), factories.make_zone()
    for host in (Host.objects.filter(zone=zone)[0], Host.objects.get(zone=other)):
        factories.make_vm(host.zone, account=account, state=State.RUNNING, host=host, pod=host.pod)
    Host.objects.update(state=HostState.DISCONNECTED, state_reason="host_unreachable")
    well = Host.objects.filter(zone=zone)[0]
    Host.objects.filter(pk=well.pk).update(state=HostState.UP)
    page = admin_of(SIMPLE_ADMIN, "zone", zone).get("/").text
    ill = Host.objects.filter(zone=zone).exclude(pk=well.pk).get()
    assert ill.name in page
    assert Host.objects.get(zone=other).name not in page
    assert f"<bdi>Simple admin</bdi>: <bdi>{zone.name}</bdi>" in page
    assert "You belong to no account" not in page
    assert "My virtual machines" not in page
    assert "0 of 64 vCPUs" in page
    assert numbers_of(page)["/virtual-machines/?state=Running"] == "1"
    assert "Quota of the domain" not in page


@pytest.mark.parametrize("count", [1, 25])
def test_what_is_looked_after_costs_the_same_whatever_there_is(
    count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    domain = factories.make_domain()
    zone = factories.make_zone(hosts=count)
    for _ in range(count):
        own = factories.make_account(factories.make_domain(domain))
        factories.make_vm(zone, account=own, state=State.STOPPED)
        make_job(zone, JobState.FAILED, account=own)
    Host.objects.update(state=HostState.DISCONNECTED)
    head, keeper = admin_of(DOMAIN_ADMIN, "domain", domain), admin_of(SIMPLE_ADMIN, "zone", zone)
    with django_assert_max_num_queries(28):
        head.get("/")
    with django_assert_max_num_queries(36):
        keeper.get("/")


def test_a_member_sees_their_own_running_jobs_alone(member: Client, account: Account) -> None:
    zone = factories.make_zone()
    make_job(zone, JobState.PENDING, hours=1, account=account)
    make_job(zone, JobState.PENDING, hours=2, account=factories.make_account())
    make_job(zone, JobState.PENDING, hours=3)
    page = member.get("/").text
    assert [name in page for name in ("pending-1", "pending-2", "pending-3")] == [True, False, False]


def test_a_member_is_told_nothing_of_the_infrastructure(member: Client, account: Account) -> None:
    zone = factories.make_zone()
    host = factories.placed(factories.make_vm(zone, account=account))
    page = member.get("/").text
    assert host.name not in page
    assert "/infrastructure/" not in page


def test_an_empty_cloud_leads_through_its_first_steps(operator: Client) -> None:
    page = operator.get("/").text
    assert "First steps" in page
    for href in ("/templates/new/", "/offerings/new/"):
        assert f'href="{href}"' in page


def test_first_steps_that_are_done_are_ticked_and_go_when_all_are(operator: Client, account: Account) -> None:
    zone = factories.make_zone()
    factories.make_template(zone, account)
    assert "First steps" in operator.get("/").text
    assert 'href="/templates/new/"' not in operator.get("/").text
    factories.make_offering()
    factories.make_user(account)
    assert "First steps" not in operator.get("/").text


def test_an_operator_sees_hosts_that_need_an_eye_with_the_remedy(operator: Client) -> None:
    factories.make_zone(hosts=2)
    well, ill = Host.objects.order_by("pk")
    Host.objects.filter(pk=ill.pk).update(state=HostState.DISCONNECTED, state_reason="host_access_denied")
    page = operator.get("/").text
    assert ill.name in page
    assert well.name not in page
    assert "authorized_keys" in page


def test_the_same_trouble_of_many_hosts_is_told_once_and_leads_to_them(operator: Client) -> None:
    factories.make_zone(hosts=9)
    ill = list(Host.objects.order_by("pk").values_list("pk", flat=True)[:7])
    Host.objects.filter(pk__in=ill).update(state=HostState.DISCONNECTED, state_reason="host_unreachable")
    page = operator.get("/").text
    assert page.count("The host does not answer") == 1
    link = '<a href="/infrastructure/hosts/?trouble=host_unreachable">7 hosts</a>'
    assert link in page
    listed = operator.get("/infrastructure/hosts/?trouble=host_unreachable").text
    names = Host.objects.order_by("pk").values_list("name", flat=True)
    assert [name in listed for name in names] == [True] * 7 + [False] * 2
    assert '<option value="host_unreachable" selected>The host does not answer</option>' in listed


def test_an_operator_sees_jobs_that_are_stuck_and_those_that_failed_today(operator: Client) -> None:
    zone = factories.make_zone()
    make_job(zone, JobState.STUCK, hours=90)
    make_job(zone, JobState.FAILED, hours=2)
    make_job(zone, JobState.FAILED, hours=80)
    make_job(zone, JobState.DONE, hours=3)
    page = operator.get("/").text
    names = ("stuck-90", "failed-2", "failed-80", "done-3")
    assert [name in page for name in names] == [True, True, False, False]
    assert "The host does not answer" in page


def test_capacity_is_drawn_with_the_same_as_a_table(operator: Client) -> None:
    zone = factories.make_zone(hosts=2)
    factories.placed(factories.make_vm(zone, vcpus=3))
    page = operator.get("/").text
    assert "CPU by zone" in page
    assert page.count("3 of 64 vCPUs") >= 3
    assert f'<th scope="row">{zone.name}</th>' in page


def test_stray_machines_are_mentioned_once_seen_twice(operator: Client) -> None:
    factories.make_zone()
    stray = StrayMachine.objects.create(
        host=Host.objects.get(),
        machine_uuid=uuid4(),
        machine_name="i-x",
        power_state="off",
        last_seen_at=timezone.now(),
    )
    assert "stray machine" not in operator.get("/").text
    StrayMachine.objects.filter(pk=stray.pk).update(sightings=2)
    assert "1 stray machine was seen" in operator.get("/").text


@pytest.mark.parametrize("count", [1, 25])
def test_the_homes_cost_the_same_whatever_there_is(
    count: int,
    member: Client,
    operator: Client,
    account: Account,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    Quota.objects.update(max_vcpus=None, max_memory_mib=None)
    zone = factories.make_zone(hosts=count)
    for _ in range(count):
        factories.make_vm(zone, account=account, state=State.STOPPED)
        make_job(zone, JobState.PENDING, account=account)
        make_job(zone, JobState.FAILED)
    Host.objects.update(state=HostState.DISCONNECTED)
    with django_assert_max_num_queries(14):
        member.get("/")
    with django_assert_max_num_queries(20):
        operator.get("/")


def test_hosts_that_are_still_connecting_are_not_called_well(operator: Client) -> None:
    zone = factories.make_zone(hosts=2)
    Host.objects.filter(zone=zone).update(state=HostState.CONNECTING)
    page = operator.get("/").text
    assert "2 hosts are connecting." in page
    assert "are well" not in page
