"""Zones as documents over REST."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.accounts import secrets
from apps.launch.yaml_tree import MAX_BYTES
from apps.zones.models import Host, Zone
from tests import factories
from tests.api.client import Api
from tests.api.test_secrets import private_key

pytestmark = pytest.mark.django_db
CAMPUS = (Path(__file__).parent / "campus.yaml").read_text()


@pytest.fixture
def operator() -> Api:
    return Api(factories.make_user(super_admin=True))


def test_a_plan_is_told_then_applied_then_there_is_nothing_to_do(operator: Api) -> None:
    told = operator.post("zone-documents/plan/", {"document": CAMPUS}).json()
    assert told["applicable"]
    assert told["changes"][0] == {
        "action": "create",
        "kind": "region",
        "name": "Athens",
        "within": "",
        "place": "region",
        "line": told["changes"][0]["line"],
        "differences": [],
    }
    assert {one["level"] for one in told["findings"]} == {"warning", "ignored"}
    body = {"document": CAMPUS, "digest": told["digest"]}
    done = operator.post("zone-documents/apply/", body)
    assert (done.status_code, done.json()["zone"]["name"]) == (200, "Zone1")
    assert operator.post("zone-documents/apply/", body).status_code == 409
    document = operator.get(f"zone-documents/{done.json()['zone']['id']}/").json()["document"]
    assert operator.post("zone-documents/plan/", {"document": document}).json()["changes"] == []


def test_a_document_that_cannot_be_applied_names_places_and_remedies(operator: Api) -> None:
    body = {"document": CAMPUS + "colour: red\n"}
    plan = operator.post("zone-documents/plan/", body).json()
    assert (plan["applicable"], plan["changes"], plan["digest"]) == (False, [], "")
    answer = operator.post("zone-documents/apply/", body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["place"]) == (422, "document_refused", "colour")
    (finding,) = problem["params"]["findings"]
    assert finding["remedy"] == "Remove it or correct its name."
    assert not Zone.objects.exists()


def test_a_key_for_the_new_hosts_is_sealed_and_never_told(operator: Api) -> None:
    body = {"document": CAMPUS, "private_key": "not a key"}
    answer = operator.post("zone-documents/apply/", body)
    assert (answer.status_code, answer.json()["place"]) == (422, "private_key")
    assert "not a key" not in answer.content.decode()
    assert not Host.objects.exists()
    key = private_key()
    done = operator.post("zone-documents/apply/", {"document": CAMPUS, "private_key": key})
    assert done.status_code == 200
    for host in Host.objects.all():
        assert secrets.unseal(Host, host.uuid, "private_key", host.private_key) == key.strip() + "\n"
        stored = Host.objects.filter(pk=host.pk).values().get()
        assert key.splitlines()[1] not in f"{stored}{done.content.decode()}"


def test_a_document_of_any_length_is_answered(operator: Api) -> None:
    answer = operator.post("zone-documents/plan/", {"document": "x" * (MAX_BYTES + 1)})
    assert answer.status_code in {413, 422}


def test_the_list_names_the_zones(operator: Api) -> None:
    zone = factories.make_zone()
    answer = operator.get("zone-documents/").json()
    assert answer["results"] == [{"id": str(zone.uuid), "name": zone.name}]
