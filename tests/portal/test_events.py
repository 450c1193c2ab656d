"""The audit trail: each event with what was recorded and the request that does it again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.actor import Actor
from apps.accounts.models import Account, User
from apps.compute.services import edit
from apps.compute.states import State
from apps.jobs.models import Event
from tests import factories
from tests.portal.browsing import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def member(account: Account) -> User:
    return factories.make_user(account)


@pytest.fixture
def event(account: Account, member: User) -> Event:
    vm = factories.make_vm(factories.make_zone(), account=account, state=State.STOPPED)
    edit.rename_vm(Actor(member), vm, name="Νέο 'όνομα'")
    return Event.objects.get(kind="vm.rename")


def test_an_event_says_what_was_done_and_how_to_do_it_again(event: Event, member: User) -> None:
    client = client_of(member)
    path = f"/events/{event.uuid}/"
    assert path in client.get("/events/").content.decode()
    assert path in client.get(f"/virtual-machines/{event.target_uuid}/history/").content.decode()
    page = client.get(path).content.decode()
    assert member.username in page
    assert f"/virtual-machines/{event.target_uuid}/" in page
    assert "--request PATCH" in page


def test_others_see_nothing_of_it_and_operators_all(event: Event) -> None:
    path = f"/events/{event.uuid}/"
    assert Client().get(path)["Location"].startswith("/login/")
    stranger = client_of(factories.make_user(factories.make_account()))
    assert stranger.get(path).status_code == 404
    assert path not in stranger.get("/events/").content.decode()
    assert client_of(factories.make_user(super_admin=True)).get(path).status_code == 200


def test_a_drivers_own_words_are_for_operators(event: Event, member: User) -> None:
    error = {"code": "host_unreachable", "params": {}, "technical": "ssh: no route"}
    Event.objects.filter(pk=event.pk).update(phase="failed", data={"new": "x", "error": error})
    path = f"/events/{event.uuid}/"
    own = client_of(member).get(path).content.decode()
    assert "The host does not answer" in own
    assert "ssh: no route" not in own
    assert "ssh: no route" in client_of(factories.make_user(super_admin=True)).get(path).content.decode()


def test_what_cannot_be_asked_for_again_shows_no_request(account: Account, member: User) -> None:
    data: dict[str, Any] = {"user": "ada"}
    made = Event.objects.create(
        kind="login_link.redeem", phase="done", account=account, actor_label="ada", data=data
    )
    page = client_of(member).get(f"/events/{made.uuid}/").content.decode()
    assert "--request" not in page


def test_the_list_costs_the_same_for_any_number_of_events(account: Account, member: User) -> None:
    client, counts = client_of(member), []
    for number in (1, 60):
        rows = [
            Event(kind="vm.start", phase="done", account=account, actor_label="ada") for _ in range(number)
        ]
        Event.objects.bulk_create(rows)
        with CaptureQueriesContext(connection) as queries:
            client.get("/events/")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_the_list_is_narrowed_to_one_kind(event: Event, member: User) -> None:
    client = client_of(member)
    assert f"/events/{event.uuid}/" in client.get("/events/?kind=vm.rename").content.decode()
    page = client.get("/events/?kind=vm.start").content.decode()
    assert "Nothing matches" in page
    assert '<option value="vm.start" selected>' in page
    assert client.get("/events/?kind=vm.start%00").status_code == 422


def test_a_reader_is_offered_the_kinds_that_can_concern_them(event: Event, member: User) -> None:
    offered = '<option value="{}">'.format
    own = client_of(member).get("/events/").content.decode()
    assert offered("vm.rename") in own
    assert offered("host.add") not in own
    whole = client_of(factories.make_user(super_admin=True)).get("/events/").content.decode()
    assert all(offered(kind) in whole for kind in ("host.add", "vm.start", "vm.rename", "vm.deploy"))
