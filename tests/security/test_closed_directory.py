"""Nobody stays in by a directory that is disabled or removed, whatever they have in hand."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.directory import services
from apps.accounts.models import Directory, DirectoryPerson, LoginLink, Session, User
from apps.accounts.password_mail import _users_of
from apps.accounts.tokens import create_login_link
from apps.jobs.models import Event
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("a test")


@pytest.fixture
def campus() -> Directory:
    return services.create_directory(
        SYSTEM, kind="openldap", name="Campus", servers=["ldaps://a.example.org"], people_bases=["dc=a"]
    )


@pytest.fixture
def anna(campus: Directory) -> User:
    user = factories.make_user(factories.make_account())
    DirectoryPerson.objects.create(user=user, directory=campus, stable_id="1", dn="uid=anna,dc=a")
    return user


def session_of(user: User, way: str = Session.Way.DIRECTORY) -> Client:
    client = Client()
    client.force_login(user)
    Session.objects.filter(user=user).update(way=way)
    return client


def is_in(client: Client) -> bool:
    return client.get("/api/v1/me/").status_code == 200


def test_disabling_ends_sessions_and_links_and_of_nobody_else(campus: Directory, anna: User) -> None:
    other = factories.make_user(factories.make_account())
    hers, theirs, api = session_of(anna), session_of(other), Api(anna)
    create_login_link(SYSTEM, user=anna)
    services.disable_directory(SYSTEM, campus)
    assert (is_in(hers), is_in(theirs)) == (False, True)
    assert not LoginLink.objects.filter(user=anna).exists()
    event = Event.objects.get(kind="directory.disable")
    assert event.data == {"sessions_ended": 1}
    assert api.get("me/").status_code == 200
    services.disable_directory(SYSTEM, campus)
    assert Event.objects.filter(kind="directory.disable").count() == 1


def test_who_was_just_logging_in_is_not_in(campus: Directory, anna: User) -> None:
    """The directory said yes before it was disabled, and the session is written after."""
    services.disable_directory(SYSTEM, campus)
    client = session_of(anna)
    assert not is_in(client)
    services.enable_directory(SYSTEM, campus)
    assert is_in(session_of(anna))


def test_whom_an_operator_gives_a_link_gets_in_meanwhile(campus: Directory, anna: User) -> None:
    services.disable_directory(SYSTEM, campus)
    token = create_login_link(SYSTEM, user=anna).partition("#")[2]
    client = Client()
    assert client.post("/login/link/", {"token": token}).status_code == 302
    assert is_in(client)


def test_removing_ends_sessions_links_and_tokens(campus: Directory, anna: User) -> None:
    services.disable_directory(SYSTEM, campus)
    hers, api = session_of(anna, Session.Way.LINK), Api(anna)
    create_login_link(SYSTEM, user=anna)
    assert is_in(hers)
    services.remove_directory(SYSTEM, campus)
    assert not is_in(hers)
    assert api.get("me/").status_code == 401
    assert not LoginLink.objects.filter(user=anna).exists()
    assert anna.tokens.filter(expires_at__lte=timezone.now()).count() == 1


def test_a_directorys_person_gets_no_password_by_mail(campus: Directory, anna: User) -> None:
    """Whatever address the directory, or they themselves, write there: also that of a local user."""
    local = factories.make_user(factories.make_account(), email="x@campus.example")
    local.set_password("of their own choice")
    local.save()
    User.objects.filter(pk=anna.pk).update(email="x@campus.example")
    assert _users_of("x@campus.example") == [local]
    campus.people.all().delete()
    assert _users_of("x@campus.example") == [local]
