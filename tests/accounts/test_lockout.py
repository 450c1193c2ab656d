"""Who guesses is locked out for a while: by name at an address, and by address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.lockout import locks_of, unlock_address, unlock_user, user_named
from apps.accounts.models import User
from apps.core.errors import CloudError
from apps.jobs.models import Event
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "seven blue bicycles"


@pytest.fixture
def user() -> User:
    user = factories.make_user(factories.make_account())
    User.objects.filter(pk=user.pk).update(username="ada")
    user.refresh_from_db()
    user.set_password(PASSWORD)
    user.save()
    return user


def attempt(name: str, password: str = "wrong", address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/login/", {"username": name, "password": password})


def test_five_failures_lock_the_name_at_this_address_alone(user: User) -> None:
    assert [attempt("ada").status_code for _ in range(5)] == [422, 422, 422, 422, 429]
    locked = attempt("ada", PASSWORD)
    assert locked.status_code == 429
    assert "15 minutes" in locked.text
    assert attempt("ada", PASSWORD, address="192.0.2.2").status_code == 302
    assert attempt("somebody-else", PASSWORD).status_code == 422


def test_capitals_and_blanks_do_not_begin_another_count(user: User) -> None:
    for name in ("ada", "ADA", " Ada", "aDa ", "adA"):
        attempt(name)
    assert attempt("ada", PASSWORD).status_code == 429
    assert AccessAttempt.objects.get().username == "ada"


def test_an_address_is_locked_whatever_the_names(user: User, settings: Any) -> None:
    settings.LOGIN_ADDRESS_FAILURES = 8
    assert [attempt(f"guess{number}").status_code for number in range(8)] == [422] * 7 + [429]
    assert attempt("ada", PASSWORD).status_code == 429
    assert attempt("ada", PASSWORD, address="192.0.2.2").status_code == 302


def test_a_success_forgets_ones_own_failures_and_nobody_elses(user: User, settings: Any) -> None:
    settings.LOGIN_ADDRESS_FAILURES = 8
    for number in range(5):
        attempt(f"guess{number}")
    attempt("ada")
    assert attempt("ada", PASSWORD).status_code == 302
    assert not AccessAttempt.objects.filter(username="ada").exists()
    assert AccessAttempt.objects.count() == 5


def test_the_lock_ends_when_it_said_however_often_it_is_tried(user: User) -> None:
    for _ in range(5):
        attempt("ada")
    before = AccessAttempt.objects.get().attempt_time
    attempt("ada", PASSWORD)
    row = AccessAttempt.objects.get()
    assert (row.attempt_time, row.failures_since_start) == (before, 5)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert attempt("ada", PASSWORD).status_code == 302


def test_a_lock_is_an_event_and_what_was_typed_is_kept_nowhere(user: User) -> None:
    for _ in range(5):
        attempt("hunter2-typed-as-name", "s3cret-typed")
    for _ in range(6):
        attempt("ada", "s3cret-typed")
    locks = list(Event.objects.filter(kind="login.lock").order_by("pk"))
    assert [event.target_uuid for event in locks] == [None, user.uuid]
    kept = str(list(AccessAttempt.objects.values())) + str(list(Event.objects.values()))
    assert "hunter2" not in kept
    assert "s3cret" not in kept


def test_unlocking_lets_the_user_in_and_is_an_event(user: User) -> None:
    for _ in range(5):
        attempt("ada")
    assert [address for address, _until in locks_of(user)] == ["192.0.2.1"]
    with pytest.raises(CloudError):
        unlock_user(Actor(factories.make_user(factories.make_account())), user)
    admin = Actor(factories.make_user(super_admin=True))
    unlock_user(admin, user)
    assert locks_of(user) == []
    assert attempt("ada", PASSWORD).status_code == 302
    event = Event.objects.get(kind="login.unlock")
    assert (event.target_uuid, event.user) == (user.uuid, admin.user)


def test_unlocking_an_address_forgets_what_failed_there(user: User, settings: Any) -> None:
    settings.LOGIN_ADDRESS_FAILURES = 2
    attempt("x")
    attempt("y")
    assert attempt("ada", PASSWORD).status_code == 429
    unlock_address(Actor.system("a test"), "192.0.2.1")
    assert attempt("ada", PASSWORD).status_code == 302


@pytest.mark.parametrize(
    "name", ["аda", "ａda", "ada\u200b", "ada\u0301", "ſda", "", " ", "a" * 101, "a\nda"]
)
def test_no_letter_that_looks_or_folds_alike_finds_anybody(user: User, name: str) -> None:
    User.objects.create_user("sda")
    found = user_named(name)
    assert found is None or name.strip() == "ada"
    if found is None:
        assert attempt(name, PASSWORD).status_code == 422


def test_the_kelvin_sign_is_no_k_on_any_database(user: User) -> None:
    User.objects.create_user("kim")
    assert user_named("\u212aim") is None
    assert user_named("KIM") is not None
