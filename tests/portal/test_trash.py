"""The trash: who put a machine there, until when; back by one press, gone for good after a warning."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import Account, User
from apps.compute.models import VirtualMachine
from apps.compute.services.lifecycle import destroy_vm
from apps.compute.states import State
from apps.jobs.models import Job, JobLock
from apps.zones.models import Zone
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
ACT = "/trash/act/"


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone()


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def member(account: Account) -> User:
    return factories.make_user(account)


@pytest.fixture
def client(member: User) -> Client:
    return client_of(member)


def trashed(
    zone: Zone, account: Account, user: User | None = None, days: int = 6, gib: int = 10
) -> VirtualMachine:
    """A machine in the trash, put there by the user's own request if one is given."""
    vm = factories.make_vm(zone, account=account, state=State.STOPPED, disks_gib=(gib,))
    if user is not None:
        destroy_vm(Actor(user), vm)
        JobLock.objects.all().delete()
    going = timezone.now() + timedelta(days=days, hours=1)
    VirtualMachine.objects.filter(pk=vm.pk).update(state=State.DESTROYED, expunge_after=going)
    vm.refresh_from_db()
    return vm


def test_it_says_who_deleted_a_machine_until_when_and_what_it_holds(
    client: Client, zone: Zone, account: Account, member: User
) -> None:
    vm = trashed(zone, account, member)
    page = client.get("/trash/").content.decode()
    for text in (vm.name, member.username, "in 6 days", "10 GiB"):
        assert text in page


def test_the_trash_costs_the_same_for_any_number_of_machines(
    client: Client, zone: Zone, account: Account, member: User
) -> None:
    counts = []
    for number in (1, 30):
        for _each in range(number):
            trashed(zone, account, member)
        with CaptureQueriesContext(connection) as queries:
            client.get("/trash/")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_one_press_takes_a_machine_out(client: Client, zone: Zone, account: Account) -> None:
    vm = trashed(zone, account)
    page = client.post(ACT, {"one": vm.uuid}, follow=True).content.decode()
    vm.refresh_from_db()
    assert vm.state == State.STOPPED
    assert f"Taken out of the trash: {vm.name}. It is stopped." in page


def test_many_are_taken_out_and_what_left_the_trash_meanwhile_stays_as_it_is(
    client: Client, zone: Zone, account: Account
) -> None:
    vms = [trashed(zone, account) for _ in range(3)]
    gone = trashed(zone, account)
    VirtualMachine.objects.filter(pk=gone.pk).update(state=State.EXPUNGING)
    form = {"do": "recover", "id": [str(vm.uuid) for vm in [*vms, gone]]}
    page = client.post(ACT, form, follow=True).content.decode()
    gone.refresh_from_db()
    assert gone.state == State.EXPUNGING
    assert VirtualMachine.objects.filter(state=State.STOPPED).count() == 3
    said = page[page.index("Taken out of the trash: ") :].partition("</div>")[0]
    assert all(vm.name in said for vm in vms)
    assert gone.name not in said


def test_of_many_each_that_cannot_go_says_why(client: Client, zone: Zone, account: Account) -> None:
    going, protected = trashed(zone, account), trashed(zone, account)
    VirtualMachine.objects.filter(pk=protected.pk).update(delete_protection=True)
    form = {"do": "expunge-confirmed", "id": [str(going.uuid), str(protected.uuid)]}
    page = client.post(ACT, form, follow=True).content.decode()
    assert f"{protected.name}: It is protected from deletion." in page
    assert f"Being deleted for good: {going.name}." in page
    assert [job.target_uuid for job in Job.objects.filter(kind="vm.expunge")] == [going.uuid]


def test_large_disks_go_for_good_only_by_who_types_a_name_or_a_number(
    client: Client, zone: Zone, account: Account
) -> None:
    one, other = trashed(zone, account, gib=100), trashed(zone, account, gib=100)
    path = f"/trash/{one.uuid}/delete/"
    assert 'id="typed-name"' in client.get(path).content.decode()
    assert client.post(path, {"name": "another"}).status_code == 422
    form = {"do": "expunge-confirmed", "id": [str(other.uuid)]}
    assert client.post(ACT, form).status_code == 422
    assert not Job.objects.exists()
    client.post(path, {"name": one.name})
    client.post(ACT, form | {"typed": "1"})
    assert Job.objects.filter(kind="vm.expunge").count() == 2


def test_all_that_the_filters_find_can_be_taken_out(client: Client, zone: Zone, account: Account) -> None:
    vms = [trashed(zone, account) for _ in range(3)]
    query = f"q={vms[0].name}"
    client.post(ACT, {"do": "recover", "all": "on", "query": query})
    assert VirtualMachine.objects.filter(state=State.STOPPED).count() == 1
    client.post(ACT, {"do": "recover", "all": "on", "query": ""})
    assert VirtualMachine.objects.filter(state=State.STOPPED).count() == 3


def test_deleting_for_good_first_says_what_goes(
    client: Client, zone: Zone, account: Account, member: User
) -> None:
    vm = trashed(zone, account, member)
    jobs = Job.objects.count()
    path = f"/trash/{vm.uuid}/delete/"
    for headers in ({}, {"HX-Request": "true"}):
        page = client.get(path, headers=headers).content.decode()
        assert all(text in page for text in (vm.name, "10 GiB", "This cannot be taken back", member.username))
    assert Job.objects.count() == jobs
    page = client.post(path, follow=True).content.decode()
    assert Job.objects.filter(kind="vm.expunge", target_uuid=vm.uuid).exists()
    assert f"Being deleted for good: {vm.name}." in page


def test_deleting_many_for_good_asks_and_above_ten_wants_the_number_typed(
    client: Client, zone: Zone, account: Account
) -> None:
    ids = [str(trashed(zone, account).uuid) for _ in range(11)]
    page = client.post(ACT, {"do": "expunge", "id": ids}).content.decode()
    assert "Delete 11 machines for good?" in page
    assert "110 GiB" in page
    wrong = client.post(ACT, {"do": "expunge-confirmed", "id": ids, "typed": "12"})
    assert wrong.status_code == 422
    assert not Job.objects.filter(kind="vm.expunge").exists()
    client.post(ACT, {"do": "expunge-confirmed", "id": ids, "typed": "11"})
    assert Job.objects.filter(kind="vm.expunge").count() == 11


def test_a_protected_machine_says_so_and_stays(client: Client, zone: Zone, account: Account) -> None:
    vm = trashed(zone, account)
    VirtualMachine.objects.update(delete_protection=True)
    page = client.post(f"/trash/{vm.uuid}/delete/", follow=True).content.decode()
    assert "It is protected from deletion." in page
    assert not Job.objects.exists()


@pytest.mark.parametrize("form", [{}, {"do": "recover"}, {"do": "expunge", "id": ["nonsense"]}, {"one": "x"}])
def test_nothing_selected_is_told(client: Client, form: dict[str, str]) -> None:
    page = client.post(ACT, form, follow=True).content.decode()
    assert "Nothing was selected" in page


def test_others_neither_see_nor_touch_it(zone: Zone, account: Account) -> None:
    vm = trashed(zone, account)
    assert Client().post(ACT, {"one": vm.uuid})["Location"].startswith("/login/")
    stranger = Client()
    stranger.force_login(factories.make_user(factories.make_account()))
    assert vm.name not in stranger.get("/trash/").content.decode()
    assert stranger.get(f"/trash/{vm.uuid}/delete/").status_code == 404
    assert stranger.post(ACT, {"one": vm.uuid}).status_code == 404
    stranger.post(ACT, {"do": "recover", "id": [vm.uuid]})
    stranger.post(ACT, {"do": "recover", "all": "on"})
    vm.refresh_from_db()
    assert vm.state == State.DESTROYED
    operator = Client()
    operator.force_login(factories.make_user(super_admin=True))
    assert vm.name in operator.get("/trash/").content.decode()
    assert operator.post(ACT).status_code == 302
    assert operator.get(ACT).status_code == 405
