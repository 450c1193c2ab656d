"""The login page: who gets in, what it says, and what becomes of the session that the browser came with."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.test import Client

from apps.accounts.actor import Actor
from apps.accounts.models import Session, User
from apps.accounts.passwords import set_password
from apps.accounts.sessions import stored_key
from apps.accounts.tokens import create_login_link
from apps.jobs.models import Event
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "seven blue bicycles"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def user() -> User:
    made = User.objects.create_user("ada", email="ada@example.org")
    made.accounts.set([factories.make_account()])
    return set_password(Actor.system("a test"), made, new=PASSWORD)


def enter(client: Client, path: str = "/login/", **changes: str) -> Any:
    return client.post(path, {"username": "ada", "password": PASSWORD} | changes)


def key(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_a_name_and_its_password_log_in_capitals_or_not(user: User) -> None:
    for name in ("ada", "ADA", " aDa "):
        client = Client()
        assert enter(client, username=name)["Location"] == "/"
        assert client.get("/api/v1/me/").json()["username"] == "ada"


@pytest.mark.parametrize(
    "changes",
    [{"password": PASSWORD.upper()}, {"password": PASSWORD + " "}, {"username": "nobody"}, {"username": ""}],
)
def test_what_is_wrong_is_not_told(user: User, changes: dict[str, str]) -> None:
    answer = enter(Client(), **changes)
    assert answer.status_code == 422
    assert "do not go together" in answer.text
    assert PASSWORD not in answer.text


def test_who_is_kept_out_and_who_has_no_password_are_told_the_same(user: User) -> None:
    wrong = enter(Client(), password="wrong").text
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert "do not go together" in enter(Client()).text
    User.objects.create_user("eve")
    assert "do not go together" in enter(Client(), username="eve", password="").text
    assert "do not go together" in wrong


def test_a_planted_session_key_is_not_the_one_that_is_logged_in(user: User) -> None:
    """Session fixation: the attacker knows the key before, and nothing after."""
    attacker = Client()
    attacker.force_login(factories.make_user(factories.make_account()))
    planted = key(attacker)
    victim = Client()
    victim.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert enter(victim).status_code == 302
    assert key(victim) != planted
    assert attacker.get("/api/v1/me/").status_code == 401
    assert victim.get("/api/v1/me/").json()["username"] == "ada"


def test_logging_in_again_changes_the_key_as_well(user: User) -> None:
    client = Client()
    enter(client)
    first = key(client)
    enter(client)
    assert key(client) != first
    assert list(Session.objects.values_list("session_key", flat=True)) == [stored_key(key(client))]


def test_a_link_gives_a_new_key_too(user: User) -> None:
    client = Client()
    enter(client)
    first = key(client)
    token = create_login_link(Actor.system("a test"), user=user).partition("#")[2]
    assert client.post("/login/link/", {"token": token}).status_code == 302
    assert key(client) != first
    assert Session.objects.get().way == "link"


def test_a_session_knows_whose_it_is_from_where_and_how_it_began(user: User) -> None:
    client = Client(REMOTE_ADDR="192.0.2.7", headers={"user-agent": FIREFOX})
    enter(client)
    row = Session.objects.get()
    told = (row.user, row.address, row.agent, row.way)
    assert told == (user, "192.0.2.7", "Firefox, Linux", "password")
    event = Event.objects.get(kind="session.begin")
    assert (event.user, event.data) == (user, {"way": "password"})


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/jobs/", "/jobs/"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\\evil.example", "/"),
    ],
)
def test_after_it_one_is_led_to_the_portals_own_pages_alone(user: User, wanted: str, leads: str) -> None:
    client = Client()
    answer = client.post(f"/login/?next={wanted}", {"username": "ada", "password": PASSWORD})
    assert answer["Location"] == leads


def test_it_needs_the_forms_own_token(user: User) -> None:
    assert enter(Client(enforce_csrf_checks=True)).status_code == 403


def test_the_language_of_mails_is_the_one_that_was_read_last(user: User) -> None:
    enter(Client(headers={"accept-language": "el"}))
    user.refresh_from_db()
    assert user.language == "el"


class DirectoryThatIsDown(BaseBackend):
    """A place of passwords that must not be asked."""

    def authenticate(self, request: Any, **credentials: Any) -> Any:
        raise TimeoutError


def test_a_local_super_admin_logs_in_while_the_directory_is_down(settings: Any) -> None:
    """Break glass: local passwords are asked first, and a right one asks nobody else."""
    rescue = User.objects.create_user("rescue", is_super_admin=True)
    set_password(Actor.system("a test"), rescue, new=PASSWORD)
    down = f"{__name__}.DirectoryThatIsDown"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, down]
    client = Client()
    assert enter(client, username="rescue").status_code == 302
    assert client.get("/infrastructure/").status_code == 200
    with pytest.raises(TimeoutError):
        enter(Client(), username="rescue", password="wrong")
