"""Domains and accounts as pages: walked level by level, changed, disabled and deleted with a look before."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts import closing
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain, Grant
from apps.accounts.roles.ready import DOMAIN_ADMIN, PROJECT_ADMIN, ready
from apps.accounts.service_accounts import create_service_account
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    return client_of(factories.make_user(super_admin=True))


def admin_of(domain: Domain) -> Client:
    user = factories.make_user()
    Grant.objects.create(user=user, role=ready(DOMAIN_ADMIN), scope="domain", domain=domain)
    return client_of(user)


def pages_of(row: Domain | Account) -> list[str]:
    noun = closing.noun(row)
    at = f"/{noun}s/{row.uuid}/"
    return [at, *(f"{at}{act}/" for act in ("rename", "move", "disable", "close"))]


def test_each_sees_their_part_and_a_sibling_is_not_there(operator: Client) -> None:
    mine, sibling = factories.make_domain(), factories.make_domain()
    below = factories.make_domain(mine)
    accounts = [factories.make_account(domain) for domain in (below, sibling)]
    admin, member = admin_of(mine), client_of(factories.make_user(accounts[0]))
    for path in (*pages_of(below), *pages_of(accounts[0])):
        assert operator.get(path).status_code == admin.get(path).status_code == 200, path
    for path in (*pages_of(sibling), *pages_of(accounts[1]), f"/domains/{sibling.uuid}/new/"):
        assert admin.get(path).status_code == 404, path
        assert admin.post(path, {"name": "x"}).status_code == 404, path
    assert member.get(f"/accounts/{accounts[0].uuid}/").status_code == 200
    assert member.get(f"/accounts/{accounts[0].uuid}/close/").status_code == 403
    for path in ("/domains/", f"/domains/{below.uuid}/", f"/accounts/{accounts[1].uuid}/"):
        assert member.get(path).status_code == 404, path
    shown = admin.get("/domains/").text
    assert mine.name in shown
    assert sibling.name not in shown
    assert below.name not in shown, "a level below"
    assert below.name in admin.get(f"/domains/?q={below.name}").text
    assert below.name in admin.get(f"/domains/{mine.uuid}/").text


def test_a_domain_and_an_account_are_made_renamed_and_moved(operator: Client) -> None:
    top, other = factories.make_domain(), factories.make_domain()
    for noun, new in (("domain", "new"), ("account", "new-account")):
        answer = operator.post(f"/domains/{top.uuid}/{new}/", {"name": "Lab"})
        row: Any = (Domain if noun == "domain" else Account).objects.get(name="Lab")
        at = answer["Location"]
        assert at == f"/{noun}s/{row.uuid}/"
        again = operator.post(f"/domains/{top.uuid}/{new}/", {"name": "lab"})
        assert (again.status_code, 'id="id_name_error"' in again.text) == (422, True)
        assert operator.post(f"{at}rename/", {"name": "Lab 2"})["Location"] == at
        field = "parent" if noun == "domain" else "domain"
        lost = operator.post(f"{at}move/", {field: "nowhere"})
        assert (lost.status_code, f'id="id_{field}_error"' in lost.text) == (422, True)
        assert operator.post(f"{at}move/", {field: other.name})["Location"] == at
        row.refresh_from_db()
        assert (row.name, getattr(row, field)) == ("Lab 2", other)


def test_what_it_touches_is_shown_before_anything_is_done(operator: Client) -> None:
    account = factories.make_account(factories.make_domain())
    vm = factories.make_vm(factories.make_zone(), account=account, state=State.STOPPED)
    for row in (account, account.domain):
        at = f"/{closing.noun(row)}s/{row.uuid}/"
        for act in ("disable", "close"):
            page = operator.get(f"{at}{act}/").text
            assert "1 virtual machine" in page
            assert vm.name in page
        assert operator.post(f"{at}disable/")["Location"] == at
        assert "It is disabled" in operator.get(at).text
        assert operator.post(f"{at}switch/", {"act": "enable"})["Location"] == at
        assert operator.post(f"{at}close/", {"heir": ""})["Location"] == at
        assert "It is deleted with all it owns" in operator.get(at).text
        assert operator.post(f"{at}switch/", {"act": "reopen"})["Location"] == at
        assert operator.post(f"{at}switch/", {"act": "x"}).status_code == 404
        row.refresh_from_db()
        assert row.standing == "active"


def test_an_heir_is_asked_for_where_it_is_needed(operator: Client) -> None:
    account, heir = factories.make_account(), factories.make_account()
    zone = factories.make_zone()
    factories.make_vm(zone, account=heir, template=factories.make_template(zone, account))
    at = f"/accounts/{account.uuid}/close/"
    assert "used by others" in operator.get(at).text
    refused = operator.post(at, {"heir": ""})
    assert (refused.status_code, 'id="id_heir_error"' in refused.text) == (422, True)
    operator.post(at, {"heir": heir.name})
    account.refresh_from_db()
    assert account.heir == heir


def test_members_are_shown_added_changed_and_removed() -> None:
    account = factories.make_account()
    admin, user = factories.make_user(account), factories.make_user(account)
    account.memberships.filter(user=admin).update(role=ready(PROJECT_ADMIN))
    client, at = client_of(admin), f"/accounts/{account.uuid}/"
    assert user.username in client.get(at).text
    unknown = client.post(f"{at}add-member/", {"username": "nobody"})
    assert (unknown.status_code, 'id="id_username_error"' in unknown.text) == (422, True)
    role = str(ready(PROJECT_ADMIN).uuid)
    assert client.post(f"{at}members/{user.uuid}/", {"role": role})["Location"] == at
    assert account.memberships.get(user=user).role.key == PROJECT_ADMIN
    assert client.post(f"{at}members/{user.uuid}/", {"role": "x"}).status_code == 422
    assert "service account" not in client.get(f"{at}members/{user.uuid}/").text
    create_service_account(Actor(admin), account=account, username="nightly")
    assert "So does its" in client.get(f"{at}members/{user.uuid}/").text
    assert client.post(f"{at}members/{user.uuid}/", {"act": "remove"})["Location"] == at
    assert not account.memberships.filter(user=user).exists()
    plain = client_of(factories.make_user(account))
    assert plain.get(f"{at}members/{admin.uuid}/").status_code == 404
    assert plain.get(f"{at}add-member/").status_code == 403


def test_a_machine_is_handed_over_after_a_look_at_what_that_does() -> None:
    old, new = factories.make_account(), factories.make_account()
    vm = factories.make_vm(factories.make_zone(), account=old, state=State.STOPPED)
    client = client_of(factories.make_user(old, new))
    at = f"/virtual-machines/{vm.uuid}/transfer/"
    assert at in client.get(f"/virtual-machines/{vm.uuid}/settings/").text
    assert "1 disk comes along" in client.post(at, {"account": new.name, "act": "plan"}).text
    assert VirtualMachine.objects.get().account == old
    wrong = client.post(at, {"account": "nobody", "act": "transfer"})
    assert (wrong.status_code, 'id="id_account_error"' in wrong.text) == (422, True)
    answer = client.post(at, {"account": str(new.uuid), "act": "transfer"})
    assert answer["Location"] == f"/virtual-machines/{vm.uuid}/"
    assert VirtualMachine.objects.get().account == new
    giver = client_of(factories.make_user(new))
    assert giver.post(at, {"account": old.name, "act": "transfer"}).status_code == 422, "not seen"


def test_a_disabled_account_refuses_a_start_with_who_can_help() -> None:
    account = factories.make_account(factories.make_domain())
    vm = factories.make_vm(factories.make_zone(), account=account, state=State.STOPPED)
    closing.disable(Actor.system("a test"), account)
    client = client_of(factories.make_user(account))
    assert client.get("/").status_code == 200
    page = client.post(f"/virtual-machines/{vm.uuid}/act/", {"verb": "vm.start"}, follow=True).text
    assert account.domain.name in page
    assert VirtualMachine.objects.get().state == State.STOPPED


@pytest.mark.parametrize("count", [1, 40])
def test_the_lists_cost_the_same_whatever_they_hold(
    operator: Client, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    top = factories.make_domain()
    for _ in range(count):
        factories.make_account(factories.make_domain(top))
    for path in ("/domains/", f"/domains/{top.uuid}/", "/accounts/", "/domains/?q=domain"):
        with django_assert_max_num_queries(22):
            assert operator.get(path).status_code == 200
