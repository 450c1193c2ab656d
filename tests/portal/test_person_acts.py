"""People are kept out, deleted and erased from the record: what it touches is shown first."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.actor import Actor
from apps.accounts.models import ApiToken, Membership, User
from apps.accounts.scopes_people import People, governed
from apps.jobs import events
from apps.jobs.models import Event, Person
from tests import factories
from tests.accounts.rights import Campus, acting, give, make_campus
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
ACTS = ("keep-out", "close", "erase")


@pytest.fixture
def campus() -> Campus:
    return make_campus()


@pytest.fixture
def head(campus: Campus) -> Client:
    return client_of(campus.head)


def at(user: User, act: str = "") -> str:
    return f"/people/{user.uuid}/{act}/" if act else f"/people/{user.uuid}/"


def test_who_may_ask_for_what(campus: Campus, head: Client) -> None:
    """A domain's admin keeps out and deletes; to erase names takes a role in the whole cloud."""
    found = {
        (reader.username, act): client_of(reader).get(at(campus.worker, act)).status_code
        for reader in (campus.chief, campus.head, campus.other_head, campus.stranger)
        for act in ACTS
    }
    expected = {campus.chief: (200, 200, 200), campus.head: (200, 200, 403)}
    for reader in (campus.chief, campus.head, campus.other_head, campus.stranger):
        statuses = tuple(found[reader.username, act] for act in ACTS)
        assert statuses == expected.get(reader, (404, 404, 404))
    assert Client().get(at(campus.worker, "close")).status_code == 302
    assert client_of(campus.stranger).post(at(campus.worker, "close")).status_code == 404
    campus.worker.refresh_from_db()
    assert campus.worker.closes_at is None


def test_what_it_touches_is_told_before_somebody_is_kept_out(campus: Campus, head: Client) -> None:
    ApiToken.objects.create(digest="0" * 64, user=campus.worker, name="nightly")
    page = head.get(at(campus.worker, "keep-out")).text
    assert "1 membership" in page
    assert campus.in_lab.name in page
    assert "1 token" in page
    assert "nightly" in page
    campus.worker.refresh_from_db()
    assert campus.worker.is_active
    assert head.post(at(campus.worker, "keep-out"))["Location"] == at(campus.worker)
    campus.worker.refresh_from_db()
    assert not campus.worker.is_active
    assert "Let in again" in head.get(at(campus.worker)).text


def test_who_is_deleted_has_a_time_of_grace_and_their_own_accounts_are_named(
    campus: Campus, head: Client
) -> None:
    page = head.get(at(campus.worker, "close")).text
    assert "1 account belongs to nobody else" in page
    assert f"/accounts/{campus.in_lab.uuid}/" in page
    assert head.post(at(campus.worker, "close")).status_code == 302
    campus.worker.refresh_from_db()
    assert (campus.worker.is_active, campus.worker.closes_at is None) == (False, False)
    page = head.get(at(campus.worker)).text
    assert "Kept out, and deleted at:" in page
    assert "Let in again" not in page
    assert head.post(at(campus.worker, "switch"), {"act": "reopen"}).status_code == 302
    campus.worker.refresh_from_db()
    assert (campus.worker.is_active, campus.worker.closes_at) == (True, None)


def test_an_account_with_others_in_it_is_not_named(campus: Campus, head: Client) -> None:
    Membership.objects.create(user=campus.pupil, account=campus.in_lab)
    assert "belongs to nobody else" not in head.get(at(campus.worker, "close")).text


def test_nobody_deletes_themselves(campus: Campus) -> None:
    chief = client_of(campus.chief)
    page = chief.get(at(campus.chief)).text
    assert 'href="/people/' + str(campus.chief.uuid) + '/close/"' not in page
    refused = chief.post(at(campus.chief, "close"))
    assert (refused.status_code, 'role="alert"' in refused.text) == (422, True)
    campus.chief.refresh_from_db()
    assert campus.chief.is_active


def test_names_are_erased_once_the_name_is_typed(campus: Campus) -> None:
    chief, name = client_of(campus.chief), campus.worker.username
    events.record(Actor(campus.worker), "user.view_as", campus.pupil)
    for wrong in ("", "somebody", name.upper() + "x"):
        refused = chief.post(at(campus.worker, "erase"), {"username": wrong})
        assert (refused.status_code, 'id="id_username_error"' in refused.text) == (422, True)
    assert Person.objects.filter(words__contains=name).exists()
    assert chief.post(at(campus.worker, "erase"), {"username": name}).status_code == 302
    assert not Person.objects.filter(words__contains=name, erased_at=None, user=campus.worker).exists()
    assert Event.objects.filter(kind="user.erase").count() == 1


def test_their_page_shows_what_happened_to_them(campus: Campus, head: Client) -> None:
    head.post(at(campus.worker, "keep-out"))
    assert "All that happened to it" in client_of(campus.chief).get(at(campus.worker)).text
    assert "All that happened to it" not in client_of(campus.worker).get(at(campus.pupil)).text


def test_the_list_leads_to_how_somebody_gets_in_where_the_reader_governs_them(
    campus: Campus, head: Client
) -> None:
    way = f"/people/{campus.worker.uuid}/access/"
    assert way in head.get("/people/").text
    assert head.get(way).status_code == 200
    give(None, campus.worker, "auditor", campus.sibling)  # more than the reader governs
    assert way not in head.get("/people/").text
    assert head.get(way).status_code == 404


def test_a_page_of_people_is_judged_as_each_alone(campus: Campus) -> None:
    give(None, campus.worker, "auditor", campus.lab)
    give(None, campus.pupil, "auditor", campus.sibling)
    people = list(User.objects.order_by("pk"))
    for reader in (campus.chief, campus.head, campus.other_head, campus.worker, campus.stranger):
        reach = acting(reader).reach("session.read")
        alone = {user.pk for user in people if People().governs(reach, user)}
        assert governed(reach, people) == alone


def test_a_list_of_people_costs_the_same_for_any_number(campus: Campus, head: Client) -> None:
    counts = []
    for number in (1, 20):
        for _each in range(number):
            factories.make_user(campus.in_lab)
        with CaptureQueriesContext(connection) as queries:
            head.get("/people/")
        counts.append(len(queries))
    assert counts[0] == counts[1]
