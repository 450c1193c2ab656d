"""Acting on the machines that are ticked in their list."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.accounts import idempotency
from apps.accounts.actor import Actor
from apps.accounts.models import Account, User
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.jobs.models import Event, Job
from apps.zones.models import Zone
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
ACT = "/virtual-machines/act/"


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone()


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def client(account: Account) -> Client:
    return client_of(factories.make_user(account))


def make(zone: Zone, account: Account, *states: State) -> list[VirtualMachine]:
    return [factories.make_vm(zone, account=account, state=state) for state in states]


def ids(vms: list[VirtualMachine]) -> list[str]:
    return [str(vm.uuid) for vm in vms]


def hidden(page: Any) -> dict[str, list[str]]:
    """The fields that the page's form would send."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text):
        fields.setdefault(name, []).append(unescape(value))
    return fields


def test_the_list_offers_acts_and_boxes(zone: Zone, account: Account, client: Client) -> None:
    (vm,) = make(zone, account, State.STOPPED)
    page = client.get("/virtual-machines/").text
    assert f'name="id" value="{vm.uuid}"' in page
    for kind in ("vm.start", "vm.stop", "vm.reboot", "vm.force_stop", "vm.destroy", "vm.recover"):
        assert f'name="verb" value="{kind}"' in page


def test_each_machine_has_a_result_and_the_refused_can_be_retried(
    zone: Zone, account: Account, client: Client
) -> None:
    vms = make(zone, account, State.DESTROYED, State.STOPPED, State.DESTROYED)
    answer = client.post(ACT, {"verb": "vm.recover", "id": ids(vms)})
    page = client.get(answer["Location"])
    assert "2 machines were taken on. 1 was refused." in page.text
    assert page.text.count("Refused") == 1
    assert hidden(page)["id"] == [str(vms[1].uuid)]
    VirtualMachine.objects.filter(pk=vms[1].pk).update(state=State.DESTROYED)
    again = client.post(ACT, {**hidden(page), "verb": "vm.recover"}, follow=True)
    assert "1 machine was taken on." in again.text
    assert set(VirtualMachine.objects.values_list("state", flat=True)) == {State.STOPPED}


def test_what_destroys_is_asked_about_and_done_once(zone: Zone, account: Account, client: Client) -> None:
    vms = make(zone, account, State.STOPPED, State.STOPPED, State.ERROR)
    asked = client.post(ACT, {"verb": "vm.destroy", "id": ids(vms)})
    assert asked.status_code == 200
    assert not Job.objects.exists()
    assert all(vm.name in asked.text for vm in vms)
    fields = hidden(asked)
    assert set(fields["id"]) == set(ids(vms[:2]))
    first, again = (client.post(ACT, {**fields, "verb": "vm.destroy"}) for _ in range(2))
    assert first["Location"] == again["Location"]
    assert Job.objects.filter(kind="vm.destroy").count() == 2
    page = client.get(first["Location"]).text
    assert page.count('href="/jobs/') >= 2


def test_machines_that_failed_are_dismissed_together(zone: Zone, account: Account, client: Client) -> None:
    failed = make(zone, account, State.ERROR, State.ERROR, State.ERROR)
    (well,) = make(zone, account, State.STOPPED)
    assert 'value="vm.dismiss"' in client.get("/virtual-machines/?state=Error").text
    asked = client.post(ACT, {"verb": "vm.dismiss", "id": ids([*failed, well])})
    assert "They were never made" in asked.text
    form = hidden(asked)
    assert set(form["id"]) == set(ids(failed))
    results = client.post(ACT, {**form, "verb": "vm.dismiss"}, follow=True)
    assert "3 machines were taken on." in results.text
    assert list(VirtualMachine.objects.all()) == [well]
    kinds = Event.objects.filter(kind="vm.dismiss").values_list("target_uuid", flat=True)
    assert {str(uuid) for uuid in kinds} == set(ids(failed))


def test_many_are_destroyed_only_if_their_number_is_typed(
    zone: Zone, account: Account, client: Client
) -> None:
    vms = make(zone, account, *[State.STOPPED] * 11)
    fields = hidden(client.post(ACT, {"verb": "vm.destroy", "id": ids(vms)}))
    wrong = client.post(ACT, {**fields, "verb": "vm.destroy", "typed": "10"})
    assert wrong.status_code == 422
    assert not Job.objects.exists()
    client.post(ACT, {**hidden(wrong), "verb": "vm.destroy", "typed": "11"})
    assert Job.objects.count() == 11


def test_all_that_the_filters_find_can_be_taken(zone: Zone, account: Account, client: Client) -> None:
    vms = make(zone, account, *[State.DESTROYED] * 60)
    make(zone, account, State.STOPPED)
    assert 'name="all"' in client.get("/virtual-machines/?state=Destroyed").text
    answer = client.post(ACT, {"verb": "vm.recover", "all": "on", "query": "state=Destroyed&q=vm"})
    assert "60 machines were taken on." in client.get(answer["Location"]).text
    assert VirtualMachine.objects.filter(uuid__in=ids(vms), state=State.STOPPED).count() == 60


def test_machines_of_others_are_not_touched_nor_told(zone: Zone, account: Account, client: Client) -> None:
    vms = make(zone, factories.make_account(), State.DESTROYED)
    answer = client.post(ACT, {"verb": "vm.recover", "id": [*ids(vms), "nonsense"]}, follow=True)
    assert "Nothing was selected" in answer.text
    assert VirtualMachine.objects.get().state == State.DESTROYED


def test_results_are_told_to_nobody_else(zone: Zone, account: Account, client: Client) -> None:
    vms = make(zone, account, State.DESTROYED)
    place = client.post(ACT, {"verb": "vm.recover", "id": ids(vms)})["Location"]
    colleague = Client()
    colleague.force_login(factories.make_user(account))
    assert colleague.get(place).status_code == 404
    assert Client().get(place).status_code == 302


@pytest.mark.parametrize("kind", ["vm.rename", "vm.nothing", ""])
def test_only_what_the_list_offers_is_done(zone: Zone, account: Account, client: Client, kind: str) -> None:
    vms = make(zone, account, State.STOPPED)
    assert client.post(ACT, {"verb": kind, "id": ids(vms)}).status_code == 404
    assert client.get(ACT).status_code == 405


def test_a_form_for_all_that_is_sent_twice_leads_to_the_same_results() -> None:
    zone, account = factories.make_zone(hosts=1), factories.make_account()
    for _ in range(3):
        factories.make_vm(zone, account=account, state=State.DESTROYED)
    client = Client()
    client.force_login(factories.make_user(account))
    number = "5d6a1b1e-5f3c-4f3a-9d0e-1d5f5b7f0001"
    form = {"verb": "vm.recover", "all": "on", "query": "state=Destroyed", "submission": number}
    first = client.post("/virtual-machines/act/", form)
    factories.make_vm(zone, account=account, state=State.DESTROYED)
    assert client.post("/virtual-machines/act/", form)["Location"] == first["Location"]
    assert VirtualMachine.objects.filter(state=State.DESTROYED).count() == 1


def test_an_answer_of_the_api_is_no_page_of_results(client: Client) -> None:
    number = uuid4()
    idempotency.once(Actor(User.objects.get()), f"machines-acted:{number}", {}, lambda: {"status": 201})
    assert client.get(f"/virtual-machines/act/{number}/").status_code == 404
