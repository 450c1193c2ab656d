"""The audit trail: each event with what was recorded and the request that does it again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Quota, User
from apps.compute.services import edit
from apps.compute.states import State
from apps.core.middleware import client_address, request_id, token_name
from apps.core.words.actors import REASONS
from apps.jobs import events, events_api
from apps.jobs.audit import checking, sealer
from apps.jobs.models import Event, Segment
from tests import factories
from tests.api.client import Api
from tests.portal.browsing import client_of
from workers import sealing

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


def found(client: Client, query: str) -> set[str]:
    """Which of the events a search shows, by kind."""
    page = client.get(f"/events/?{query}").content.decode()
    return {event.kind for event in Event.objects.all() if f"/events/{event.uuid}/" in page}


def test_events_are_searched_by_who_where_and_what(account: Account, member: User) -> None:
    operator = factories.make_user(super_admin=True)
    token = client_address.set("192.0.2.7")
    with_id = request_id.set("request-1234")
    events.record(Actor(member), "account.rename", account)
    client_address.reset(token)
    request_id.reset(with_id)
    events.record(Actor(operator), "vm.start", account)
    client = client_of(operator)
    only = {"account.rename"}
    assert found(client, "") == {"account.rename", "vm.start"}
    assert found(client, f"by={member.username}") == only
    assert found(client, "by=nobody") == set()
    assert found(client, "address=192.0.2.7") == only
    assert found(client, "request=request-1234") == only
    assert found(client, f"q={account.name[2:].upper()}") == {"account.rename", "vm.start"}
    assert found(client, "since=2020-01-01&until=2020-01-02") == set()
    page = client.get("/events/?columns=address,token,by").content.decode()
    assert "192.0.2.7" in page


def test_the_system_is_named_in_the_readers_language_and_found_by_that_name(
    account: Account, member: User
) -> None:
    quota.reserve(account, Amount(vcpus=1))
    Quota.objects.filter(account=account).update(max_vcpus=10, used_vcpus=7)
    quota.reserve(account, Amount(vcpus=1))
    event = Event.objects.get(kind="quota.near")
    assert event.actor_label == "system: a quota is nearly used up"
    client = client_of(member)
    client.cookies["django_language"] = "el"
    shown = "σύστημα: ένα όριο χρήσης κοντεύει να εξαντληθεί"
    for path in ("/events/", f"/events/{event.uuid}/"):
        page = client.get(path).content.decode()
        assert page.count(shown) == 1
        assert "system:" not in page
    found = client.get("/events/", {"by": shown}).content.decode()
    assert f"/events/{event.uuid}/" in found
    assert f"/events/{event.uuid}/" not in client.get("/events/", {"by": "σύστημα"}).content.decode()


def test_every_reason_of_the_system_that_is_kept_has_words() -> None:
    """Commands name themselves, and nothing of them is translated."""
    found = set()
    for folder in ("apps", "workers"):
        for path in Path(folder).rglob("*.py"):
            text = re.sub(r"\s*\n\s*", "", path.read_text(encoding="utf-8"))
            found |= {said[1] for said in re.finditer(r'Actor\.system\("([^"]+)"', text)}
    commands = {reason for reason in found if reason.startswith(("manage.py", "audit "))}
    assert found - commands - {"a request is shown again"} == set(REASONS)


def test_where_somebody_was_is_theirs_to_know(account: Account, member: User) -> None:
    other = factories.make_user(account)
    token = client_address.set("192.0.2.7")
    event = events.record(Actor(other), "account.rename", account)
    client_address.reset(token)
    client = client_of(member)
    assert found(client, "") == {"account.rename"}
    assert found(client, "address=192.0.2.7") == set()
    assert "192.0.2.7" not in client.get(f"/events/{event.uuid}/").content.decode()
    assert "192.0.2.7" not in client.get("/events/?columns=address,by").content.decode()
    assert "192.0.2.7" not in "".join(stream_of(client.get("/events/?format=jsonl")))
    own = client_of(other)
    assert found(own, "address=192.0.2.7") == {"account.rename"}
    assert "192.0.2.7" in own.get(f"/events/{event.uuid}/").content.decode()
    assert Api(member).get("events/?address=192.0.2.7").json()["results"] == []
    assert [row["address"] for row in Api(member).get("events/").json()["results"]] == [""]
    assert [row["address"] for row in Api(other).get("events/?address=192.0.2.7").json()["results"]] == [
        "192.0.2.7"
    ]


def stream_of(response: Any) -> list[str]:
    return b"".join(response.streaming_content).decode().splitlines()


def test_events_come_as_lines_of_json_that_the_reader_may_see(event: Event, member: User) -> None:
    response = client_of(member).get("/events/?format=jsonl&kind=vm.rename")
    assert response["Content-Type"].startswith("application/x-ndjson")
    assert ".jsonl" in response["Content-Disposition"]
    (line,) = stream_of(response)
    told = json.loads(line)
    assert (told["kind"], told["actor"], told["id"]) == ("vm.rename", member.username, str(event.uuid))
    assert told["changes"]["name"][1] == "Νέο 'όνομα'"
    stranger = client_of(factories.make_user(factories.make_account()))
    assert stream_of(stranger.get("/events/?format=jsonl")) == []
    assert client_of(member).get("/events/?format=jsonl&phase=nonsense").status_code == 422


def test_the_apis_stream_is_whole_in_order_and_read_by_the_chunk(
    account: Account, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_api, "CHUNK", 3)
    for number in range(10):
        events.record(Actor(member), "account.rename", account, number=number)
    events.record(Actor(member), "account.rename", factories.make_account(), number=99)
    response = Api(member).get("events/stream/?kind=account.rename")
    told = [json.loads(line) for line in stream_of(response)]
    assert [each["data"]["number"] for each in told] == list(range(10))
    assert stream_of(Api(member).get("events/stream/?until=2020-01-01T00:00:00Z")) == []
    for query in ("since=yesterday", "target=7", "nonsense=1"):
        assert Api(member).get(f"events/stream/?{query}").status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "actor={user}",
        "token=test",
        "target_name={account}",
        "target_type=account",
        "since=2020-01-01T00:00:00Z",
    ],
)
def test_the_api_filters_events(query: str, account: Account, member: User) -> None:
    api = Api(member)
    token = token_name.set("test")
    events.record(Actor(member), "account.rename", account)
    token_name.reset(token)
    text = query.format(user=member.username, account=account.name)
    assert [row["kind"] for row in api.get(f"events/?{text}").json()["results"]] == ["account.rename"]
    name, _is, _value = text.partition("=")
    if name != "since":
        assert api.get(f"events/?{name}=another").json()["results"] == []


def test_what_changed_is_told_field_by_field(event: Event, member: User) -> None:
    page = client_of(member).get(f"/events/{event.uuid}/").content.decode()
    assert "What changed" in page
    assert "Νέο &#x27;όνομα&#x27;" in page


def test_the_page_says_up_to_when_it_is_sealed(
    event: Event, member: User, settings: Any, tmp_path: Path
) -> None:
    settings.AUDIT_HEADS_FILE = tmp_path / "heads.jsonl"
    operator = client_of(factories.make_user(super_admin=True))
    assert "Nothing is sealed yet." in operator.get("/events/").content.decode()
    waiting = Event.objects.count()
    assert f"{waiting} event" in operator.get("/events/").content.decode()
    sealer.seal(at_once=True)
    events.record(Actor(member), "account.rename", None)
    page = operator.get("/events/").content.decode()
    assert "Sealed up to:" in page
    assert "1 event is not sealed yet" in page
    assert "not sealed yet" not in client_of(member).get("/events/").content.decode()
    Event.objects.filter(pk=event.pk).delete()
    assert len(checking.verify().problems) == 1
    assert "The last check found 1 problem" in operator.get("/events/").content.decode()
    Segment.objects.all().delete()
    assert sealing.seal_events() == 0
    assert "its end was removed" in operator.get("/events/").content.decode()


def test_names_are_erased_over_the_api_by_who_may(event: Event, member: User) -> None:
    operator = Api(factories.make_user(super_admin=True))
    assert operator.post("events/erase-names/", {"user": "nobody"}).status_code == 422
    assert operator.post("events/erase-names/", {"user": str(event.uuid)}).status_code == 404
    assert Api(member).post("events/erase-names/", {"user": str(member.uuid)}).status_code == 403
    assert operator.get(f"events/{event.uuid}/").json()["actor"] == member.username
    assert operator.post("events/erase-names/", {"user": str(member.uuid)}).json()["erased"] >= 1
    assert operator.get(f"events/{event.uuid}/").json()["actor"] == "(name erased)"
    assert operator.get(f"events/?actor={member.username}").json()["results"] == []


def test_the_api_says_up_to_when_it_is_sealed(event: Event, settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_HEADS_FILE = tmp_path / "heads.jsonl"
    operator, stranger = Api(factories.make_user(super_admin=True)), Api(factories.make_user())
    waiting = Event.objects.count()
    assert operator.get("events/seals/").json()["not_sealed"] == waiting
    sealer.seal(at_once=True)
    told = operator.get("events/seals/").json()
    assert (told["segments"], told["not_sealed"], told["trouble"]) == (1, 0, "")
    assert stranger.get("events/seals/").json()["not_sealed"] is None
