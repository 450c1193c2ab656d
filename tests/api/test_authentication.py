"""Who a request comes from: a token, or the browser's session, which needs its CSRF token to act."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.actor import Actor
from apps.accounts.models import ApiToken, User
from apps.accounts.tokens import create_login_link
from apps.zones.models import Region
from tests.api.client import code
from tests.api.conftest import Cast


@pytest.fixture
def browser(cast: Cast) -> Client:
    """A browser in which the operator has logged in by a link."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.users["operator"])
    return client


def test_a_session_reads(browser: Client) -> None:
    answer = browser.get("/api/v1/me/")
    assert answer.status_code == 200
    assert answer.json()["permissions"] == ["operate"]


def test_a_session_without_a_csrf_token_changes_nothing(browser: Client) -> None:
    answer = browser.post("/api/v1/regions/", {"name": "new"}, content_type="application/json")
    assert code(answer)[:2] == (403, "permission_denied")
    assert answer["Content-Type"] == "application/problem+json"
    assert not Region.objects.filter(name="new").exists()


def test_a_session_with_its_csrf_token_acts(browser: Client, cast: Cast) -> None:
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.post(
        "/api/v1/regions/",
        {"name": "new"},
        content_type="application/json",
        headers={"X-CSRFToken": "a" * 32},
    )
    assert answer.status_code == 201


def test_a_token_needs_no_csrf_token_even_beside_a_session(browser: Client, cast: Cast) -> None:
    answer = browser.post(
        "/api/v1/regions/", {"name": "new"}, content_type="application/json", headers=cast.operator.headers
    )
    assert answer.status_code == 201


def test_a_bad_token_is_refused_even_beside_a_good_session(browser: Client) -> None:
    answer = browser.get("/api/v1/me/", headers={"Authorization": "Token wrong"})
    assert code(answer)[:2] == (401, "not_authenticated")


def test_an_inactive_users_session_ends(browser: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.users["operator"].pk).update(is_active=False)
    assert code(browser.get("/api/v1/me/"))[:2] == (401, "not_authenticated")


def test_a_login_link_is_no_token(cast: Cast) -> None:
    link = create_login_link(Actor.system("a test"), user=cast.users["member"])
    secret = link.partition("#")[2]
    answer = cast.apis["anonymous"].get("me/", authorization=f"Token {secret}")
    assert code(answer)[:2] == (401, "not_authenticated")


def test_a_read_notes_the_tokens_use_once(cast: Cast) -> None:
    cast.member.get("me/")
    token = ApiToken.objects.get(user=cast.users["member"])
    seen = token.last_used_at
    cast.member.get("me/")
    token.refresh_from_db()
    assert token.last_used_at == seen is not None
