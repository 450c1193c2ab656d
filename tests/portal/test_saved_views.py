"""Saved views: a reader's own tabs of a list, one of which may come first."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.core.errors import InvalidInput, NameTaken, NotFound
from apps.portal.models import SavedView
from apps.portal.saved import services
from tests import factories
from tests.portal.browsing import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
LIST = "/virtual-machines/"
NEW = "/views/machines/new/"


@pytest.fixture
def user() -> User:
    return factories.make_user(factories.make_account())


@pytest.fixture
def client(user: User) -> Client:
    return client_of(user)


def save(client: Client, name: str, query: str, **fields: Any) -> Any:
    return client.post(NEW, {"name": name, "query": query, **fields})


def test_a_view_is_kept_as_a_tab_that_leads_to_it(client: Client) -> None:
    offered = client.get(f"{LIST}?state=Running&order=name&page=last").text
    assert f"{NEW}?query=state%3DRunning%26order%3Dname" in offered
    answer = save(client, "Up", "state=Running&order=name")
    assert answer["Location"] == f"{LIST}?state=Running&order=name"
    page = client.get(answer["Location"]).text
    assert '<a href="?state=Running&amp;order=name" aria-current="page">Up</a>' in page
    assert "Change this view" in page
    assert "Change this view" not in client.get(LIST).text


def test_the_default_view_is_what_the_bare_address_shows(client: Client) -> None:
    save(client, "Up", "state=Running", default="on")
    assert client.get(LIST)["Location"] == f"{LIST}?state=Running"
    assert client.get(f"{LIST}?view=all").status_code == 200
    save(client, "Down", "state=Stopped", default="on")
    assert client.get(LIST)["Location"] == f"{LIST}?state=Stopped"
    assert SavedView.objects.filter(is_default=True).count() == 1


def test_a_view_is_renamed_made_ordinary_and_forgotten(client: Client) -> None:
    save(client, "Up", "state=Running", default="on")
    view = SavedView.objects.get()
    place = f"/views/{view.uuid}/"
    assert 'value="Up"' in client.get(place).text
    client.post(place, {"name": "Running"})
    assert client.get(LIST).status_code == 200
    assert ">Running</a>" in client.get(f"{LIST}?state=Running").text
    assert client.post(place, {"do": "delete", "name": "x"})["Location"] == f"{LIST}?view=all"
    assert not SavedView.objects.exists()


def test_nobody_else_sees_or_changes_a_view(client: Client, user: User) -> None:
    save(client, "Mine", "state=Running", default="on")
    view = SavedView.objects.get()
    other = Client()
    other.force_login(factories.make_user(super_admin=True))
    assert other.get(LIST).status_code == 200
    assert "Mine" not in other.get(LIST).text
    assert other.get(f"/views/{view.uuid}/").status_code == 404
    assert other.post(f"/views/{view.uuid}/", {"do": "delete"}).status_code == 404
    assert Client().get(f"/views/{view.uuid}/").status_code == 302
    with pytest.raises(NotFound):
        services.change_view(Actor(factories.make_user()), view, name="x", default=False)


def test_what_cannot_be_kept_is_told_in_the_form(client: Client) -> None:
    save(client, "Up", "state=Running")
    for name, query in (("ÚP", "q=x"), ("", "q=x"), ("a\u202eb", "q=x")):
        answer = save(client, name, query)
        assert answer.status_code == 422
        assert "id_name" in answer.text
    assert "Another view of this list has this name" in unescape(save(client, "up", "").text)
    assert client.get("/views/hosts/new/").status_code == 404
    assert SavedView.objects.count() == 1


def test_views_are_bounded(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_VIEWS", 2)
    actor = Actor(user)
    for number in range(2):
        services.save_view(actor, list_key="machines", name=str(number), query="q=x")
    with pytest.raises(InvalidInput, match="too_many_views"):
        services.save_view(actor, list_key="machines", name="3", query="q=x")
    with pytest.raises(InvalidInput, match="too_long"):
        services.save_view(actor, list_key="jobs", name="3", query="x" * 5000)


def test_two_views_of_one_name_are_refused(user: User) -> None:
    actor = Actor(user)
    services.save_view(actor, list_key="machines", name="Άλφα", query="q=x")
    services.save_view(actor, list_key="jobs", name="Άλφα", query="q=x")
    with pytest.raises(NameTaken):
        services.save_view(actor, list_key="machines", name="αλφα", query="q=y")


def test_the_tabs_follow_a_filter_that_htmx_applies(client: Client) -> None:
    save(client, "Up", "state=Running")
    part = client.get(f"{LIST}?state=Running", headers={"HX-Request": "true"}).text
    assert 'id="list-tabs"' in part
    assert 'hx-swap-oob="true"' in part
    assert 'aria-current="page">Up</a>' in part


def test_a_query_that_no_database_keeps_is_refused() -> None:
    client = Client()
    client.force_login(factories.make_user(factories.make_account()))
    answer = client.post("/views/machines/new/", {"name": "v", "query": "a\0b"})
    assert answer.status_code == 422
