"""Passwords that the portal keeps: judged, hashed, changed with proof, set anew by links used once."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.backends import LocalPasswords
from apps.accounts.models import Directory, DirectoryPerson, LoginLink, Session, User
from apps.accounts.passwords import create_password_link, redeem_password_link, set_password
from apps.accounts.tokens import create_login_link, redeem_login_link
from apps.core.errors import CloudError, InvalidInput, PermissionDenied
from apps.jobs.models import Event
from tests import factories
from tests.hashing import QuickArgon2

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("a test")
PASSWORD, OTHER = "seven blue bicycles", "nine green kettles"


@pytest.fixture
def user() -> User:
    return set_password(SYSTEM, factories.make_user(factories.make_account()), new=PASSWORD)


def secret_of(link: str) -> str:
    path, _, secret = link.partition("#")
    assert path == "/login/password/"
    return secret


def test_a_password_is_hashed_by_argon2(user: User) -> None:
    user.refresh_from_db()
    assert user.password.startswith("argon2$argon2id$")
    assert user.check_password(PASSWORD)


def test_nobody_has_a_password_before_they_choose_one() -> None:
    assert not factories.make_user().has_usable_password()


@pytest.mark.parametrize("weak", ["short", "1234567890123", "qwertyuiop", "user-name-1x"])
def test_a_weak_password_is_refused_with_the_reason(weak: str) -> None:
    user = User.objects.create_user("user-name-1")
    with pytest.raises(InvalidInput) as caught:
        set_password(SYSTEM, user, new=weak)
    assert caught.value.place == "new_password"
    assert len(caught.value.params["said"]) > 20
    assert weak not in str(caught.value)


def test_a_link_sets_a_password_once_and_ends_every_session(user: User) -> None:
    Client().force_login(user)
    login = create_login_link(SYSTEM, user=user).partition("#")[2]
    secret = secret_of(create_password_link(SYSTEM, user=user))
    redeem_password_link(secret, new=OTHER)
    user.refresh_from_db()
    assert user.check_password(OTHER)
    assert not Session.objects.filter(user=user).exists()
    with pytest.raises(PermissionDenied):
        redeem_password_link(secret, new="three yellow hats")
    with pytest.raises(PermissionDenied):
        redeem_login_link(login)


def test_a_weak_choice_leaves_the_link_as_it_was(user: User) -> None:
    secret = secret_of(create_password_link(SYSTEM, user=user))
    with pytest.raises(InvalidInput):
        redeem_password_link(secret, new="short")
    assert redeem_password_link(secret, new=OTHER) == user


def test_a_link_lives_an_hour_and_is_good_for_its_purpose_alone(user: User) -> None:
    secret = secret_of(create_password_link(SYSTEM, user=user))
    row = LoginLink.objects.get()
    assert timedelta(minutes=59) < row.expires_at - timezone.now() <= timedelta(minutes=60)
    assert secret not in str(LoginLink.objects.values().get())
    with pytest.raises(PermissionDenied):
        redeem_login_link(secret)
    login = create_login_link(SYSTEM, user=user).partition("#")[2]
    with pytest.raises(PermissionDenied):
        redeem_password_link(login, new=OTHER)
    LoginLink.objects.update(expires_at=timezone.now())
    with pytest.raises(PermissionDenied):
        redeem_password_link(secret, new=OTHER)


def test_a_link_of_who_was_shut_out_is_worth_nothing(user: User) -> None:
    secret = secret_of(create_password_link(SYSTEM, user=user))
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(PermissionDenied):
        redeem_password_link(secret, new=OTHER)


def test_a_password_in_the_directory_is_not_the_portals(user: User) -> None:
    directory = Directory.objects.create(name="campus", kind="openldap")
    DirectoryPerson.objects.create(directory=directory, user=user, stable_id="1", dn="uid=a")
    for act in (
        lambda: create_password_link(SYSTEM, user=user),
        lambda: set_password(SYSTEM, user, new=OTHER),
    ):
        with pytest.raises(InvalidInput) as caught:
            act()
        assert caught.value.params["reason"] == "password_elsewhere"


def test_only_who_may_makes_a_link_or_sets_a_password(user: User) -> None:
    other = Actor(factories.make_user(factories.make_account()))
    for act in (lambda: create_password_link(other, user=user), lambda: set_password(other, user, new=OTHER)):
        with pytest.raises(CloudError) as caught:
            act()
        assert caught.value.status in {403, 404}
    assert not LoginLink.objects.exists()


def test_a_name_that_nobody_has_costs_a_hash_as_well(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(User, "set_password", lambda self, text: hashed.append(text))
    assert LocalPasswords().authenticate(None, "nobody-of-this-name", PASSWORD) is None
    assert hashed == [PASSWORD]
    assert LocalPasswords().authenticate(None, user.username, "x" * 1001) is None


def test_whoever_it_is_a_wrong_password_costs_one_hash(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the same lock: so neither time nor answer says who is here."""
    names = {"wrong password": user.username, "nobody": "nobody-of-this-name"}
    for kind in ("no password", "kept out", "service"):
        other = factories.make_user(factories.make_account())
        names[kind] = other.username
        if kind != "no password":
            set_password(SYSTEM, other, new=OTHER)
    User.objects.filter(username=names["kept out"]).update(is_active=False)
    robots = User.objects.filter(username=names["service"])
    robots.update(kind="service", service_of=factories.make_account())
    work: list[str] = []
    for act in ("encode", "verify"):
        monkeypatch.setattr(QuickArgon2, act, noted(work, getattr(QuickArgon2, act)))
    for number, (kind, name) in enumerate(names.items()):
        work.clear()
        address = f"10.0.0.{number}"  # for addresses are locked too
        wrong = {"username": name, "password": "wrong"}
        statuses = [Client().post("/login/", wrong, REMOTE_ADDR=address).status_code for _ in range(6)]
        assert statuses == [422, 422, 422, 422, 429, 429], kind
        assert len(work) == 5, kind


def noted(work: list[str], done: Any) -> Any:
    def act(*given: Any, **named: Any) -> Any:
        work.append(done.__name__)
        return done(*given, **named)

    return act


def test_secrets_are_in_no_log_and_no_event(user: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Client().post("/login/", {"username": user.username, "password": "wrong-" + OTHER})
        Client().post("/login/", {"username": user.username, "password": PASSWORD})
        secret = secret_of(create_password_link(SYSTEM, user=user))
        Client().post("/login/password/", {"token": secret, "new_password": OTHER, "again": OTHER})
    user.refresh_from_db()
    assert user.check_password(OTHER)
    kept = caplog.text + str(list(Event.objects.values()))
    assert [needle for needle in (PASSWORD, OTHER, secret) if needle in kept] == []


def answer(client: Client, **form: str) -> Any:
    return client.post("/login/password/", form)


def test_the_page_takes_a_link_once(user: User) -> None:
    secret = secret_of(create_password_link(SYSTEM, user=user))
    client = Client()
    assert client.get("/login/password/").status_code == 200
    differ = answer(client, token=secret, new_password=OTHER, again="another")
    assert (differ.status_code, 'id="id_again_error"' in differ.text) == (422, True)
    assert OTHER not in differ.text
    assert answer(client, token=secret, new_password="short", again="short").status_code == 422
    assert answer(client, token=secret, new_password=OTHER, again=OTHER)["Location"] == "/login/"
    assert answer(client, token=secret, new_password=PASSWORD, again=PASSWORD).status_code == 422
    entered = client.post("/login/", {"username": user.username, "password": OTHER})
    assert entered.status_code == 302
