"""My account: the password, sessions and tokens that are one's own, and nobody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.actor import Actor
from apps.accounts.models import Account, ApiToken, Session, User
from apps.accounts.passwords import set_password
from apps.accounts.tokens import create_login_link, issue_token, user_of_token
from apps.jobs.models import Event
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("a test")
PASSWORD, OTHER = "seven blue bicycles", "nine green kettles"
CHANGE = {"present_password": PASSWORD, "new_password": OTHER, "again": OTHER}


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def user(account: Account) -> User:
    return set_password(SYSTEM, factories.make_user(account), new=PASSWORD)


def logged_in(user: User, password: str = PASSWORD) -> Client:
    client = Client()
    assert client.post("/login/", {"username": user.username, "password": password}).status_code == 302
    return client


def who(client: Client) -> int:
    return client.get("/api/v1/me/").status_code


def test_a_new_password_needs_the_present_one_and_ends_other_sessions(user: User) -> None:
    client, other = logged_in(user), logged_in(user)
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    wrong = client.post("/account/password/", {**CHANGE, "present_password": "wrong"})
    assert (wrong.status_code, 'id="id_present_password_error"' in wrong.text) == (422, True)
    assert who(other) == 200
    assert client.post("/account/password/", CHANGE).status_code == 302
    assert (who(client), who(other)) == (200, 401)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before
    assert who(logged_in(user, OTHER)) == 200
    assert Event.objects.filter(kind="password.change", user=user).count() == 1


def test_who_guesses_the_present_password_is_locked_out(user: User) -> None:
    client = logged_in(user)
    answers = [
        client.post("/account/password/", {**CHANGE, "present_password": f"guess {number}"}).status_code
        for number in range(6)
    ]
    assert answers == [422] * 6
    assert client.post("/account/password/", CHANGE).status_code == 422
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_first_password_is_chosen_right_after_a_login_by_link(account: Account) -> None:
    user = factories.make_user(account)
    client = Client()
    token = create_login_link(SYSTEM, user=user).partition("#")[2]
    client.post("/login/link/", {"token": token})
    form = {"new_password": PASSWORD, "again": PASSWORD}
    assert client.post("/account/password/", form).status_code == 302
    assert (who(client), who(logged_in(user))) == (200, 200)


def test_a_first_password_is_not_chosen_in_an_old_session(account: Account) -> None:
    user = factories.make_user(account)
    client = Client()
    token = create_login_link(SYSTEM, user=user).partition("#")[2]
    client.post("/login/link/", {"token": token})
    Session.objects.update(begun_at="2026-01-01T00:00:00Z")
    assert "fresh link" in client.get("/account/password/").text
    client.post("/account/password/", {"present_password": "x", "new_password": PASSWORD, "again": PASSWORD})
    user.refresh_from_db()
    assert not user.has_usable_password()


def test_sessions_are_listed_and_each_can_be_ended(user: User) -> None:
    mine, lost = logged_in(user), logged_in(user)
    here = mine.cookies[settings.SESSION_COOKIE_NAME].value
    page = mine.get("/account/sessions/").text
    assert page.count("<tr>") == 3
    assert page.count("this one") == 1
    assert here not in page
    ends = re.findall(r"/account/sessions/[0-9a-f-]{36}/", page)
    assert len(ends) == 1
    assert mine.get(ends[0]).status_code == 200
    assert who(lost) == 200
    assert mine.post(ends[0]).status_code == 302
    assert (who(mine), who(lost)) == (200, 401)


def test_all_others_end_at_once(user: User) -> None:
    mine, one, two = (logged_in(user) for _ in range(3))
    assert mine.post("/account/sessions/others/").status_code == 302
    assert [who(client) for client in (mine, one, two)] == [200, 401, 401]
    assert Event.objects.filter(kind="session.revoke").count() == 1


def test_nobody_ends_anothers_session_by_its_id(user: User) -> None:
    logged_in(user)
    row = Session.objects.get(user=user)
    stranger = client_of(factories.make_user(factories.make_account()))
    address = f"/account/sessions/{row.uuid}/"
    assert [stranger.get(address).status_code, stranger.post(address).status_code] == [404, 404]
    assert Session.objects.filter(user=user).exists()


def test_an_inactive_users_session_never_works_and_does_not_come_back(user: User) -> None:
    from apps.accounts.services import set_active

    client = logged_in(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert who(client) == 401
    User.objects.filter(pk=user.pk).update(is_active=True)
    user.refresh_from_db()
    client = logged_in(user)
    set_active(SYSTEM, user, active=False)
    set_active(SYSTEM, user, active=True)
    assert who(client) == 401


def token_in(page: str) -> str:
    found = re.search(r'<code id="token">([\w-]+)<', page)
    assert found
    return found[1]


def test_a_token_is_made_shown_once_and_kept_nowhere(user: User, account: Account) -> None:
    client = client_of(user)
    form: dict[str, Any] = {"name": "nightly", "days": "30", "verbs": "vm.start\n*.read"}
    answer = client.post("/account/tokens/new/", {**form, "accounts": [str(account.uuid)]})
    text = token_in(answer.text)
    row = ApiToken.objects.get()
    assert (row.verbs, row.every_account, list(row.accounts.all())) == (
        ["*.read", "vm.start"],
        False,
        [account],
    )
    assert user_of_token(text) == user
    page = client.get("/account/tokens/").text
    assert "nightly" in page
    assert text not in page
    assert text not in str(list(Event.objects.values()))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"name": ""}, "name"),
        ({"verbs": "vm.nothing-like-it"}, "verbs"),
        ({"verbs": "nothing.such"}, "verbs"),
        ({"verbs": ""}, "verbs"),
        ({"days": "0"}, "days"),
    ],
)
def test_a_mistake_is_told_at_its_field(user: User, changes: dict[str, str], place: str) -> None:
    form = {"name": "x", "days": "30", "verbs": "*"} | changes
    answer = client_of(user).post("/account/tokens/new/", form)
    assert (answer.status_code, f'id="id_{place}_error"' in answer.text) == (422, True)
    assert not ApiToken.objects.exists()


def test_a_token_cannot_be_made_for_an_account_that_is_not_ones_own(user: User) -> None:
    strange = factories.make_account()
    form: dict[str, Any] = {"name": "x", "days": "30", "verbs": "*", "accounts": [str(strange.uuid)]}
    assert client_of(user).post("/account/tokens/new/", form).status_code == 422
    assert not ApiToken.objects.exists()


def test_one_revokes_ones_own_tokens_and_nobody_elses(user: User) -> None:
    row, text = issue_token(SYSTEM, user=user, name="mine")
    address = f"/account/tokens/{row.uuid}/"
    stranger = client_of(factories.make_user(factories.make_account()))
    assert [stranger.get(address).status_code, stranger.post(address).status_code] == [404, 404]
    assert user_of_token(text) == user
    assert client_of(user).post(address).status_code == 302
    assert user_of_token(text) is None


@pytest.mark.parametrize("page", ["", "password/", "sessions/", "tokens/", "tokens/new/", "sessions/others/"])
def test_the_pages_are_of_who_is_logged_in(user: User, page: str) -> None:
    assert Client().get(f"/account/{page}")["Location"].startswith("/login/")
    assert client_of(user).get(f"/account/{page}").status_code == 200
