"""Tokens and login links: shown once, stored as digests, refused when they are used up or too old."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import ApiToken, LoginLink, User
from apps.accounts.tokens import (
    create_login_link,
    issue_token,
    redeem_login_link,
    revoke_token,
    user_of_token,
)
from apps.core.errors import CloudError, InvalidInput, PermissionDenied
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("a test")


@pytest.fixture
def user() -> User:
    return make_user(make_account())


def secret_of(link: str) -> str:
    path, _, secret = link.partition("#")
    assert path == "/login/link/"
    return secret


def test_a_token_is_stored_as_a_digest_only(user: User) -> None:
    row, text = issue_token(SYSTEM, user=user, name="ci")
    stored = str(ApiToken.objects.filter(pk=row.pk).values().get())
    assert text not in stored
    assert user_of_token(text) == user
    assert user_of_token(text[:-1]) is None
    assert user_of_token(row.digest) is None


def test_a_token_expires(user: User) -> None:
    row, text = issue_token(SYSTEM, user=user, name="ci", days=1)
    assert user_of_token(text) == user
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert user_of_token(text) is None


def test_a_revoked_token_is_gone(user: User) -> None:
    row, text = issue_token(SYSTEM, user=user, name="ci")
    revoke_token(Actor(user), row)
    assert user_of_token(text) is None


def test_an_inactive_users_token_and_link_let_nobody_in(user: User) -> None:
    _row, text = issue_token(SYSTEM, user=user, name="ci")
    link = create_login_link(SYSTEM, user=user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert user_of_token(text) is None
    with pytest.raises(PermissionDenied):
        redeem_login_link(secret_of(link))


def test_a_tokens_use_is_noted_at_most_once_a_minute(user: User) -> None:
    row, text = issue_token(SYSTEM, user=user, name="ci")
    user_of_token(text)
    row.refresh_from_db()
    first = row.last_used_at
    assert first is not None
    user_of_token(text)
    row.refresh_from_db()
    assert row.last_used_at == first
    ApiToken.objects.filter(pk=row.pk).update(last_used_at=first - timedelta(seconds=61))
    user_of_token(text)
    row.refresh_from_db()
    assert row.last_used_at is not None
    assert row.last_used_at >= first


def test_nobody_issues_a_token_for_somebody_else(user: User) -> None:
    other = make_user(make_account())
    issue_token(Actor(user), user=user, name="mine")
    with pytest.raises(CloudError) as caught:
        issue_token(Actor(other), user=user, name="not mine")
    assert caught.value.status in {403, 404}
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_tokens_life_has_bounds(user: User, days: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        issue_token(SYSTEM, user=user, name="ci", days=days)
    assert caught.value.place == "days"


def test_a_link_logs_in_once(user: User) -> None:
    link = create_login_link(SYSTEM, user=user)
    assert redeem_login_link(secret_of(link)) == user
    with pytest.raises(PermissionDenied):
        redeem_login_link(secret_of(link))


def test_a_links_secret_is_in_the_fragment_and_stored_as_a_digest_only(user: User) -> None:
    secret = secret_of(create_login_link(SYSTEM, user=user))
    assert len(secret) >= 40
    assert secret not in str(LoginLink.objects.values().get())


def test_a_link_lives_fifteen_minutes(user: User) -> None:
    link = create_login_link(SYSTEM, user=user)
    row = LoginLink.objects.get()
    assert timedelta(minutes=14) < row.expires_at - timezone.now() <= timedelta(minutes=15)
    LoginLink.objects.update(expires_at=timezone.now())
    with pytest.raises(PermissionDenied):
        redeem_login_link(secret_of(link))


def test_a_link_that_never_was_and_one_that_is_used_up_are_told_alike(user: User) -> None:
    link = create_login_link(SYSTEM, user=user)
    redeem_login_link(secret_of(link))
    said = []
    for text in (secret_of(link), "never-was", ""):
        with pytest.raises(PermissionDenied) as caught:
            redeem_login_link(text)
        said.append((caught.value.code, caught.value.params))
    assert said[0] == said[1] == said[2]


def test_only_operators_make_links_for_others(user: User) -> None:
    with pytest.raises(CloudError):
        create_login_link(Actor(make_user(make_account())), user=user)
    assert not LoginLink.objects.exists()
