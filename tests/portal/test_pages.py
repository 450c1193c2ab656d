"""The pages of virtual machines: what each role sees, what a form says of bad input."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client

from apps.accounts import policy, secrets
from apps.accounts.actor import Actor
from apps.accounts.models import Account, User
from apps.accounts.tokens import create_login_link
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.jobs.models import Job
from apps.zones.models import Zone
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone()


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def member(account: Account) -> User:
    return factories.make_user(account)


def form_of(zone: Zone, account: Account, **changes: Any) -> dict[str, Any]:
    offering = factories.make_offering()
    template = factories.make_template(zone, account)
    return {
        "name": "web",
        "account": account.uuid,
        "zone": zone.uuid,
        "template": template.uuid,
        "offering": offering.uuid,
        "user_data": "",
    } | changes


def test_a_stranger_is_sent_to_log_in(zone: Zone) -> None:
    response = Client().get("/")
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


def test_a_login_link_works_once_and_not_by_get(member: User) -> None:
    link = create_login_link(Actor.system("test"), user=member)
    token = link.rpartition("#")[2]
    client = Client()
    assert client.get("/login/link/").status_code == 200
    assert client.get("/").status_code == 302
    assert client.post("/login/link/", {"token": token}).status_code == 302
    assert client.get("/", follow=True).status_code == 200
    assert Client().post("/login/link/", {"token": token}).status_code == 403


def test_logging_in_leads_back_to_where_the_reader_was_and_never_elsewhere(member: User) -> None:
    asked = Client().get("/virtual-machines/new/?name=x")["Location"]
    page = Client().get(asked).content.decode()
    found = re.search(r'href="(/login/link/\?next=[^"]+)"', page)
    assert found
    for path, leads_to in (
        (found[1], "/virtual-machines/new/?name=x"),
        ("/login/link/?next=//evil.example/", "/"),
        ("/login/link/?next=https://evil.example/", "/"),
        ("/login/link/", "/"),
    ):
        token = create_login_link(Actor.system("test"), user=member).rpartition("#")[2]
        assert Client().post(path, {"token": token})["Location"] == leads_to


def test_a_member_creates_a_machine_and_lands_on_its_page(zone: Zone, account: Account, member: User) -> None:
    client = client_of(member)
    response = client.post("/virtual-machines/new/", form_of(zone, account))
    vm = VirtualMachine.objects.get()
    assert response["Location"] == f"/virtual-machines/{vm.uuid}/"
    assert Job.objects.get().target_uuid == vm.uuid
    page = client.get(response["Location"]).content.decode()
    assert "Starting" in page


def test_a_form_that_is_sent_twice_makes_one_machine_and_a_changed_one_another(
    zone: Zone, account: Account, member: User
) -> None:
    client, form = client_of(member), form_of(zone, account)
    page = client.get("/virtual-machines/new/").content.decode()
    found = re.search(r'name="submission" value="(\w+)"', page)
    assert found
    sent = {**form, "submission": found[1]}
    first, again = (client.post("/virtual-machines/new/", sent) for _ in range(2))
    assert first["Location"] == again["Location"]
    assert VirtualMachine.objects.count() == Job.objects.count() == 1
    other = client.post("/virtual-machines/new/", {**sent, "name": "db"})
    assert other["Location"] != first["Location"]
    assert VirtualMachine.objects.count() == 2


def test_a_script_works_as_browsers_send_it(zone: Zone, account: Account, member: User) -> None:
    script = "#!/bin/sh\r\necho hello\r\n"
    answer = client_of(member).post("/virtual-machines/new/", form_of(zone, account, user_data=script))
    vm = VirtualMachine.objects.get()
    assert answer["Location"] == f"/virtual-machines/{vm.uuid}/"
    text = secrets.unseal(VirtualMachine, vm.uuid, "user_data", vm.user_data)
    assert text == "#!/bin/sh\necho hello\n"


def test_the_form_says_which_field_is_wrong_and_creates_nothing(
    zone: Zone, account: Account, member: User
) -> None:
    client = client_of(member)
    for changes, marker in (
        ({"name": "a\u202eb"}, "id_name_error"),
        ({"user_data": "#cloud-config\n: ["}, "id_user_data_error"),
        ({"offering": factories.make_offering(vcpus=1000).uuid}, "id_offering_error"),
    ):
        response = client.post("/virtual-machines/new/", form_of(zone, account, **changes))
        assert response.status_code == 422
        assert marker in response.content.decode()
    assert not VirtualMachine.objects.exists()
    assert not Job.objects.exists()


def test_another_tenant_neither_sees_nor_touches_the_machine(zone: Zone, account: Account) -> None:
    vm = factories.make_vm(zone, account=account, state=State.STOPPED)
    other = client_of(factories.make_user(factories.make_account()))
    assert vm.name not in other.get("/virtual-machines/").content.decode()
    assert other.get(f"/virtual-machines/{vm.uuid}/").status_code == 404
    assert other.post(f"/virtual-machines/{vm.uuid}/act/", {"verb": "vm.start"}).status_code == 404
    assert not Job.objects.exists()


def test_an_operator_sees_machines_of_every_account(zone: Zone, account: Account) -> None:
    vm = factories.make_vm(zone, account=account, state=State.STOPPED)
    operator = client_of(factories.make_user(super_admin=True))
    assert vm.name in operator.get("/virtual-machines/").content.decode()


def test_an_action_is_submitted_and_a_refused_one_is_explained(
    zone: Zone, account: Account, member: User
) -> None:
    vm = factories.make_vm(zone, account=account, state=State.STOPPED)
    client = client_of(member)
    client.post(f"/virtual-machines/{vm.uuid}/act/destroy/")
    assert Job.objects.get().kind == "vm.destroy"
    page = client.post(f"/virtual-machines/{vm.uuid}/act/", {"verb": "vm.start"}, follow=True)
    assert 'role="alert"' in page.content.decode()
    assert Job.objects.count() == 1


def test_pages_carry_a_strict_content_policy(member: User) -> None:
    response = client_of(member).get("/virtual-machines/")
    assert "'unsafe" not in response["Content-Security-Policy"]
    assert "<script>" not in response.content.decode()
    assert "style=" not in response.content.decode()


def test_a_page_can_be_asked_for_its_head(zone: Zone, account: Account, member: User) -> None:
    vm = factories.make_vm(zone, account=account, state=State.STOPPED)
    paths = [
        "/virtual-machines/",
        "/login/",
        f"/virtual-machines/{vm.uuid}/",
        f"/virtual-machines/{vm.uuid}/live/",
    ]
    assert [client_of(member).head(path).status_code for path in paths] == [200] * 4


def test_a_part_of_a_page_sends_the_whole_page_to_log_in(zone: Zone, account: Account) -> None:
    vm = factories.make_vm(zone, account=account, state=State.STOPPED)
    here = f"/virtual-machines/{vm.uuid}/"
    sent = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{here}?tab=1"}
    answer = Client().get(f"{here}live/", headers=sent)
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"/login/?next={here.replace('/', '%2F')}"


@pytest.mark.parametrize("address", ["http://[", "http://[::1", "//["])
def test_a_part_of_a_page_that_came_from_nowhere_leads_to_the_login(address: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": address}
    answer = Client(headers=headers).get("/jobs/now/")
    assert answer.status_code == 401
    assert answer["HX-Redirect"].endswith("?next=%2F")


def test_what_was_removed_meanwhile_is_told_and_is_no_failure(
    member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_args: object, **_options: object) -> None:
        raise IntegrityError("foreign key")

    monkeypatch.setattr(policy, "find", too_late)
    answer = client_of(member).get("/virtual-machines/00000000-0000-0000-0000-000000000000/")
    assert answer.status_code == 409
