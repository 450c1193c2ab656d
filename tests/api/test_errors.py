"""Every refusal is problem+json with a stable code, a place and a remedy; none is a 500."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.db import OperationalError
from rest_framework import exceptions

from apps.compute.api.serializers import VmInput
from apps.core.strict_json import MAX_BYTES
from apps.zones import services
from apps.zones.models import Region
from tests.api.client import code, reason
from tests.api.conftest import Cast


def test_an_unknown_path_is_a_problem_too(cast: Cast) -> None:
    for path in ("/api/v1/nothing/", "/api/v1/zones", "/api/v1/virtual-machines/x/y/z/"):
        assert code(cast.member.get(path)) == (404, "not_found", "path")


def test_an_unknown_id_is_named(cast: Cast) -> None:
    for path in ("zones/nonsense/", f"virtual-machines/{cast.zone.uuid}/"):
        assert code(cast.member.get(path))[:2] == (404, "not_found")
    answer = cast.member.post("virtual-machines/", cast.wanted(template=str(cast.zone.uuid)))
    assert code(answer) == (404, "not_found", "template")


def test_a_method_that_a_path_does_not_take(cast: Cast) -> None:
    for method in ("PUT", "OPTIONS", "TRACE"):
        answer = cast.operator.send(method, "zones/")
        assert code(answer) == (405, "method_not_allowed", "")
        assert "GET" in answer["Allow"]


def test_a_body_of_another_type(cast: Cast) -> None:
    answer = cast.operator.send("POST", "regions/", b"<a/>", content_type="application/xml")
    assert code(answer)[:2] == (415, "unsupported_media_type")


def test_an_answer_in_another_format(cast: Cast) -> None:
    assert code(cast.operator.get("regions/", accept="text/csv"))[:2] == (406, "not_acceptable")


def test_without_a_valid_token_nobody_is_let_in(cast: Cast) -> None:
    for value in ("Token wrong", "Token", "Token a b", "Token " + "x" * 300, "Token ä"):
        answer = cast.apis["anonymous"].get("regions/", authorization=value)
        assert code(answer) == (401, "not_authenticated", "")
        assert answer["WWW-Authenticate"] == "Token"


BAD_JSON: list[tuple[bytes, str]] = [
    (b"{", "not_json"),
    (b'{"name": "a", "name": "b"}', "duplicate_key"),
    (b'{"name": NaN}', "not_finite"),
    (b'{"name": -Infinity}', "not_finite"),
    (b'{"name": 1e999}', "not_finite"),
    (b'{"name": ' + b"9" * 5000 + b"}", "not_finite"),
    (b'{"name": "a\\u0000b"}', "nul_character"),
    (b'{"name": "\\ud800"}', "lone_surrogate"),
    (b'{"name": "\xff"}', "not_utf8"),
    (b"\xef\xbb\xbf{}", "not_json"),
    (b"[" * 100 + b"]" * 100, "too_deep"),
    (b"[" * 200_000, "too_deep"),
    (b'["name"]', "not_an_object"),
    (b'"name"', "not_an_object"),
    (b"null", "not_an_object"),
]


@pytest.mark.parametrize(("body", "why"), BAD_JSON, ids=lambda value: str(value)[:30])
def test_json_with_more_than_one_meaning_is_refused(cast: Cast, body: bytes, why: str) -> None:
    answer = cast.operator.send("POST", "regions/", body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_request"
    assert reason(answer)[1] == why
    assert Region.objects.count() == 1


def test_a_body_that_is_too_large_is_refused(cast: Cast) -> None:
    answer = cast.operator.send("POST", "regions/", b'{"name": "' + b"x" * MAX_BYTES + b'"}')
    assert code(answer) == (413, "request_too_large", "")


def test_user_data_of_ten_megabytes_is_refused(cast: Cast) -> None:
    answer = cast.member.post("virtual-machines/", cast.wanted(user_data="#" * 10_000_000))
    assert code(answer)[:2] == (413, "request_too_large")


def test_unknown_fields_and_parameters_are_named(cast: Cast) -> None:
    answer = cast.operator.post("regions/", {"name": "a", "colour": "red"})
    assert code(answer) == (422, "invalid_input", "colour")
    for path in ("regions/?colour=red", f"zones/{cast.zone.uuid}/?colour=red"):
        assert code(cast.operator.get(path)) == (422, "invalid_input", "colour")


def test_the_known_fields_are_told_in_the_order_of_the_description(cast: Cast) -> None:
    answer = cast.operator.post("virtual-machines/", {"colour": "red"})
    assert answer.json()["params"]["known"].split(", ") == list(VmInput().fields)


def test_a_missing_field_is_named(cast: Cast) -> None:
    answer = cast.operator.post("zones/", {"name": "a"})
    assert code(answer) == (422, "invalid_input", "region")
    assert [entry["place"] for entry in answer.json()["errors"]] == ["region"]


@pytest.mark.parametrize(
    ("change", "place", "why"),
    [
        ({"network_type": "Odd"}, "network_type", "not_a_choice"),
        ({"region": "x"}, "region", "not_a_uuid"),
        ({"region": 7}, "region", "not_a_uuid"),
        ({"name": 7}, "name", "not_text"),
        ({"dns": ["1.2.3"]}, "dns", "not_an_ipv4_address"),
        ({"dns": "1.2.3.4"}, "dns", "not_a_list"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(cast: Cast, change: dict[str, Any], place: str, why: str) -> None:
    body = {"region": str(cast.zone.region.uuid), "name": "new", **change}
    answer = cast.operator.post("zones/", body)
    assert code(answer) == (422, "invalid_input", place)
    assert reason(answer)[1] == why


def test_a_taken_name_is_told_in_the_constraints_own_words(cast: Cast) -> None:
    name = cast.zone.region.name.upper()
    answer = cast.operator.post("regions/", {"name": name})
    assert code(answer) == (409, "name_taken", "name")
    assert answer.json()["detail"] == "Another region has this name."


def test_what_is_in_use_says_by_what(cast: Cast) -> None:
    answer = cast.operator.delete(f"zones/{cast.zone.uuid}/")
    assert code(answer)[:2] == (409, "object_in_use")
    assert answer.json()["params"]["counts"]["pod"] == 1
    assert "1 pod" in answer.json()["detail"]


def test_what_nobody_foresaw_is_a_500_without_detail(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def burst(*_args: object, **_options: object) -> Region:
        raise ZeroDivisionError("a secret 4711")

    monkeypatch.setattr(services, "create_region", burst)
    with caplog.at_level(logging.ERROR):
        answer = cast.operator.post("regions/", {"name": "a"})
    assert code(answer) == (500, "internal", "")
    assert "4711" not in answer.content.decode()
    assert answer.json()["technical"] == "ZeroDivisionError"
    assert answer.json()["request_id"] in caplog.text


def test_a_database_that_does_not_answer_is_a_503(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: object, **_options: object) -> Region:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(services, "create_region", down)
    answer = cast.operator.post("regions/", {"name": "a"})
    assert code(answer) == (503, "database_unavailable", "")
    assert answer["Retry-After"]


def test_a_throttled_request_says_when_to_come_back(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_args: object, **_options: object) -> Region:
        raise exceptions.Throttled(wait=3)

    monkeypatch.setattr(services, "create_region", slow)
    answer = cast.operator.post("regions/", {"name": "a"})
    assert code(answer) == (429, "throttled", "")
    assert "4 seconds" in answer.json()["remedy"]
    assert answer["Retry-After"] == "4"


def test_words_come_in_the_readers_language(cast: Cast) -> None:
    english = cast.member.get("nothing/").json()
    greek = cast.member.get("nothing/", accept_language="el").json()
    assert greek["code"] == english["code"]
    assert greek["detail"] != english["detail"]


def test_a_problems_words_are_found_by_its_code_and_its_type_leads_to_their_page(cast: Cast) -> None:
    problem = cast.member.get("nothing/").json()
    words = cast.apis["anonymous"].get(f"problems/{problem['code']}/")
    assert words.status_code == 200
    assert words.json()["title"] == problem["title"]
    assert words.json()["documentation"] == problem["type"]
    assert code(cast.member.get("problems/never-heard/"))[:2] == (404, "not_found")


def test_a_given_request_id_comes_back(cast: Cast) -> None:
    answer = cast.member.get("me/", x_request_id="abc-12345678")
    assert answer["X-Request-Id"] == "abc-12345678"
    odd = cast.member.get("me/", x_request_id="<script>")
    assert odd["X-Request-Id"] != "<script>"


def test_drivers_words_are_for_operators_only(cast: Cast) -> None:
    error = {"code": "hypervisor_refused", "params": {}, "technical": "qemu: bad thing"}
    type(cast.vm).objects.filter(pk=cast.vm.pk).update(error=error)
    path = f"virtual-machines/{cast.vm.uuid}/"
    assert cast.operator.get(path).json()["error"]["technical"] == "qemu: bad thing"
    shown = cast.member.get(path)
    assert "technical" not in shown.json()["error"]
    assert "qemu: bad thing" not in shown.content.decode()
    assert shown.json()["error"]["title"] == "The hypervisor refused"
    assert json.dumps(shown.json())
