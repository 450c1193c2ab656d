"""What cannot be answered is told in the portal's own look, and under /api/ as a problem. These tests have
no database: none of it needs one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from apps.core.rest import UnknownPath
from apps.portal.session import views as login

LOOK = 'href="/static/portal/tokens.css"'


def burst(*_args: object, **_options: object) -> None:
    raise ZeroDivisionError


def answer(path: str, *, language: str = "en", **options: Any) -> tuple[int, str]:
    client = Client(headers={"accept-language": language}, raise_request_exception=False)
    response = client.get(path, **options)
    return response.status_code, response.content.decode()


@pytest.mark.parametrize(("language", "words"), [("en", "There is nothing"), ("el", "Δεν υπάρχει τίποτα")])
def test_an_unknown_address_gets_the_portals_page(language: str, words: str) -> None:
    status, page = answer("/nope/", language=language)
    assert status == 404
    assert LOOK in page
    assert words in page


@pytest.mark.parametrize(("language", "words"), [("en", "could not answer"), ("el", "δεν μπόρεσε")])
def test_a_failure_gets_the_portals_page_with_the_requests_id(
    monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setattr(login, "render", burst)
    status, page = answer("/login/", language=language, headers={"X-Request-Id": "some-id-12345"})
    assert status == 500
    assert LOOK in page
    assert words in page
    assert "some-id-12345" in page
    assert "ZeroDivisionError" not in page


@pytest.mark.parametrize(("language", "words"), [("en", "database"), ("el", "βάση δεδομένων")])
def test_without_its_database_the_portal_says_so(
    monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    def gone(*_args: object, **_options: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(login, "render", gone)
    status, page = answer("/login/", language=language)
    assert status == 503
    assert words in page
    assert "connection refused" not in page


def test_a_host_name_that_is_not_ours_gets_the_portals_page() -> None:
    status, page = answer("/login/", headers={"host": "elsewhere.example.org"})
    assert status == 400
    assert LOOK in page


@pytest.mark.parametrize(("language", "words"), [("en", "was not accepted"), ("el", "δεν έγινε δεκτή")])
def test_a_form_without_its_token_gets_the_portals_page(language: str, words: str) -> None:
    client = Client(headers={"accept-language": language}, enforce_csrf_checks=True)
    response = client.post("/login/link/", {"token": "x"})
    assert response.status_code == 403
    assert LOOK in response.content.decode()
    assert words in response.content.decode()


@pytest.mark.parametrize("path", ["/api/", "/api/nope/", "/api/v2/zones/", "/api/v1/nope/"])
def test_an_unknown_address_of_the_api_is_a_problem(path: str) -> None:
    response = Client().get(path)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["code"] == "not_found"


def test_what_is_refused_or_fails_around_the_apis_views_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/api/v1/nope/"
    client = Client(raise_request_exception=False)
    refused = client.get(path, headers={"host": "elsewhere.example.org"})
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert (refused.json()["code"], refused.json()["instance"]) == ("malformed_request", path)
    monkeypatch.setattr(UnknownPath, "dispatch", burst)
    failed = client.get(path)
    assert (failed.status_code, failed["Content-Type"]) == (500, "application/problem+json")
    assert (failed.json()["code"], failed.json()["instance"]) == ("internal", path)
