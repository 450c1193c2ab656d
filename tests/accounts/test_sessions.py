"""What the database holds of a session is of no use to whoever reads it."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import Client

from apps.accounts.models import Session, User
from apps.accounts.sessions import SessionStore, stored_key
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return factories.make_user(factories.make_account())


def who(client: Client) -> int:
    return client.get("/api/v1/me/").status_code


def cookie(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_a_session_lasts_and_ends_with_the_logout(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert (who(client), who(client)) == (200, 200)
    assert client.post("/logout/").status_code == 302
    assert who(client) == 401
    assert not Session.objects.exists()


def test_the_database_does_not_hold_the_key(user: User) -> None:
    client = Client()
    client.force_login(user)
    row = Session.objects.get()
    assert row.session_key == stored_key(cookie(client)) != cookie(client)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = row.session_key
    assert who(thief) == 401


@pytest.mark.django_db(transaction=True)
def test_asynchronous_code_finds_them_by_the_same_digest(user: User) -> None:
    client = Client()
    client.force_login(user)
    key, row = cookie(client), Session.objects.get().session_key
    assert async_to_sync(SessionStore(key).aget)("_auth_user_id") == str(user.pk)
    assert async_to_sync(SessionStore(row).aget)("_auth_user_id") is None
    assert async_to_sync(SessionStore().aexists)(key)
    async_to_sync(SessionStore(key).adelete)()
    assert not Session.objects.exists()


def test_a_login_leaves_the_key_from_before_it_behind(user: User) -> None:
    client = Client()
    client.get("/login/")
    client.force_login(user)
    before = cookie(client)
    client.force_login(factories.make_user(factories.make_account()))
    assert cookie(client) != before
    assert list(Session.objects.values_list("session_key", flat=True)) == [stored_key(cookie(client))]
