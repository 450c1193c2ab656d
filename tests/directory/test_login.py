"""Logging in through a directory: who comes in, who does not, and who they are afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth import authenticate
from django.http import HttpRequest

from apps.accounts.actor import Actor
from apps.accounts.directory import services
from apps.accounts.directory.backend import silent_directories
from apps.accounts.models import Directory, DirectoryPerson, Group, GroupMember, User
from apps.jobs.models import Event
from apps.jobs.people import told
from bootstrap import campus
from bootstrap.slapd import password_hash
from tests.directory.campus import Campus, dn_of, password_of

pytestmark = [pytest.mark.django_db, pytest.mark.servers, pytest.mark.databases]
SYSTEM = Actor.system("test")
Make = Callable[..., Directory]


def log_in(name: str, password: str = "", *, request: HttpRequest | None = None) -> User | None:
    found = authenticate(
        request or HttpRequest(), username=name, password=password or password_of(name.lower())
    )
    assert found is None or isinstance(found, User)
    return found


def refusals() -> list[dict[str, str]]:
    events = Event.objects.filter(kind="directory.refuse_login").order_by("id")
    return [told(event)[0] for event in events]


def test_a_person_of_the_campus_becomes_a_user_at_their_first_login(
    campus_server: Campus, directory_of: Make
) -> None:
    directory = directory_of(campus_server)
    user = log_in("anna")
    assert user is not None
    assert (user.username, user.full_name, user.email) == ("anna", "Άννα Αλεξίου", "anna@campus.example")
    assert not user.has_usable_password()
    assert not user.is_super_admin
    person = DirectoryPerson.objects.get(user=user)
    assert (person.directory, person.dn) == (directory, dn_of("anna"))
    assert log_in("anna") == user
    assert User.objects.filter(username="anna").count() == 1
    assert [event.target_uuid for event in Event.objects.filter(kind="directory.add_user")] == [user.uuid]


@pytest.mark.parametrize("password", ["wrong", " ", "*", "\x00", "x" * 300])
def test_a_wrong_password_lets_nobody_in(campus_server: Campus, directory_of: Make, password: str) -> None:
    directory_of(campus_server)
    assert log_in("anna", password) is None
    assert not User.objects.exists()


def test_an_empty_password_is_never_sent(campus_server: Campus, directory_of: Make) -> None:
    """A server takes a bind without a password for an anonymous one, and says that it went well."""
    directory_of(campus_server)
    assert authenticate(HttpRequest(), username="anna", password="") is None
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "ann*",
        "anna)(uid=*",
        "*)(|(uid=*",
        "anna)(|(objectClass=*",
        "anna\x00",
        "anna,ou=physics,ou=people,dc=campus,dc=example",
        "uid=anna",
        "\\61nna",
        "a" * 300,
        "anna@campus.example",
        "Άννα Αλεξίου",
    ],
)
def test_a_name_is_a_value_and_never_a_part_of_a_filter_or_dn(
    campus_server: Campus, directory_of: Make, name: str
) -> None:
    directory_of(campus_server)
    assert log_in(name, password_of("anna")) is None
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["ANNA", "Anna", "aNNa", " anna ", "ａｎｎａ"])
def test_however_the_name_is_typed_it_is_one_user(
    campus_server: Campus, directory_of: Make, name: str
) -> None:
    """Full-width letters too: the user is made from the directory's entry, not from what was typed."""
    directory_of(campus_server)
    first = log_in("anna")
    assert log_in(name, password_of("anna")) == first
    assert list(User.objects.values_list("username", flat=True)) == ["anna"]


@pytest.mark.parametrize("name", ["аnna", "ann\u0430", "anna\u200b", "ánna", "αnna"])
def test_a_name_that_only_looks_alike_is_another_one(
    campus_server: Campus, directory_of: Make, name: str
) -> None:
    directory_of(campus_server)
    assert log_in(name, password_of("anna")) is None


def test_a_local_user_of_the_same_name_is_not_taken_over(campus_server: Campus, directory_of: Make) -> None:
    directory = directory_of(campus_server)
    local = User.objects.create_user("Anna".lower())
    assert log_in("anna") is None
    assert not DirectoryPerson.objects.exists()
    (event,) = Event.objects.filter(kind="directory.refuse_login")
    assert told(event)[0] == {"reason": "name_taken", "name": "anna"}
    assert event.target_uuid == directory.uuid
    local.refresh_from_db()
    assert local.full_name == ""


def test_the_break_glass_admins_password_is_sent_nowhere(
    own_campus: Campus, directory_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory_of(own_campus)
    asked: list[object] = []
    monkeypatch.setattr("apps.accounts.directory.login.try_login", lambda *found: asked.append(found[2:]))
    admin = User.objects.create_user("anna", is_super_admin=True)
    admin.set_password("local one")
    admin.save()
    assert log_in("anna", "mistyped") is None
    assert len(asked) == 1
    assert "anna" not in str(asked)
    assert "mistyped" not in str(asked)
    assert log_in("anna", "local one") == admin


def test_a_renamed_person_stays_the_same_user(own_campus: Campus, directory_of: Make) -> None:
    directory_of(own_campus)
    user = log_in("anna")
    assert user is not None
    own_campus.rename(dn_of("anna"), "uid=anna.alexiou", below=f"ou=law,{campus.PEOPLE}")
    assert log_in("anna") is None
    again = log_in("anna.alexiou", password_of("anna"))
    assert again is not None
    assert again == user
    assert again.username == "anna.alexiou"
    assert DirectoryPerson.objects.get(user=user).dn == f"uid=anna.alexiou,ou=law,{campus.PEOPLE}"
    (event,) = Event.objects.filter(kind="directory.change_user")
    assert told(event)[1] == {"username": ["anna", "anna.alexiou"]}


def test_a_new_name_that_is_anothers_is_not_taken(own_campus: Campus, directory_of: Make) -> None:
    directory_of(own_campus)
    user = log_in("anna")
    User.objects.create_user("anna2")
    own_campus.rename(dn_of("anna"), "uid=anna2")
    again = log_in("anna2", password_of("anna"))
    assert again is not None
    assert again == user
    assert again.username == "anna"


def test_somebody_new_with_a_leavers_name_does_not_get_what_they_had(
    own_campus: Campus, directory_of: Make
) -> None:
    directory_of(own_campus)
    before = log_in("anna")
    own_campus.delete(dn_of("anna"))
    own_campus.add_person("anna")
    assert log_in("anna") is None
    assert refusals() == [{"reason": "name_taken", "name": "anna"}]
    assert DirectoryPerson.objects.get().user == before


def test_two_people_may_share_an_address(own_campus: Campus, directory_of: Make) -> None:
    directory_of(own_campus)
    own_campus.set(dn_of("nikos"), mail=["anna@campus.example"])
    anna, nikos = log_in("anna"), log_in("nikos")
    assert anna is not None
    assert nikos is not None
    assert anna != nikos
    assert anna.email == nikos.email


def test_a_disabled_person_is_refused(own_campus: Campus, directory_of: Make) -> None:
    directory_of(own_campus)
    user = log_in("anna")
    own_campus.set(dn_of("anna"), pwdAccountLockedTime=["000001010000Z"])
    assert log_in("anna") is None
    assert refusals() == [{"reason": "disabled", "name": "anna"}]
    directory = Directory.objects.get()
    services.change_directory(SYSTEM, directory, disabled_filter="(employeeType=student)")
    assert log_in("nikos") is None
    assert refusals()[1:] == [{"reason": "disabled", "name": "nikos"}]
    assert not User.objects.filter(username="nikos").exists()
    assert User.objects.get() == user


def test_a_person_who_is_disabled_here_is_refused_and_marked_there(
    own_campus: Campus, directory_of: Make
) -> None:
    directory = directory_of(own_campus, disabled_filter="(employeeType=gone)")
    user = log_in("anna")
    own_campus.set(dn_of("anna"), employeeType=["gone"])
    assert log_in("anna") is None
    assert DirectoryPerson.objects.get(user=user).disabled
    own_campus.set(dn_of("anna"), employeeType=["student"])
    assert log_in("anna") == user
    User.objects.update(is_active=False)
    assert log_in("anna") is None
    assert [data["reason"] for data in refusals()] == ["disabled", "user_inactive"]
    assert directory.people.count() == 1


def test_a_name_that_cannot_be_a_user_name_is_refused_with_a_word_to_operators(
    own_campus: Campus, directory_of: Make
) -> None:
    directory_of(own_campus)
    own_campus.add_person("άννα", userPassword=[password_hash("x1")], mail=["a@campus.example"])
    assert log_in("άννα", "x1") is None
    assert refusals() == [{"reason": "not_a_username", "name": "άννα"}]


def test_who_is_in_a_disabled_directory_cannot_log_in(campus_server: Campus, directory_of: Make) -> None:
    directory = directory_of(campus_server)
    assert log_in("anna")
    services.disable_directory(SYSTEM, directory)
    assert log_in("anna") is None
    assert log_in("nikos") is None


def test_another_server_takes_over_and_none_is_told(own_campus: Campus, directory_of: Make) -> None:
    dead = "ldaps://127.0.0.1:1"
    directory = directory_of(own_campus, servers=[dead, *own_campus.uris])
    user = log_in("anna")
    assert user is not None
    admin = User.objects.create_user("local", is_super_admin=True)
    admin.set_password("glass")
    admin.save()
    own_campus.stop()
    request = HttpRequest()
    assert log_in("anna", request=request) is None
    assert silent_directories(request) == [directory.name]
    assert log_in("local", "glass", request=HttpRequest()) == admin
    assert own_campus.start()
    request = HttpRequest()
    assert log_in("anna", request=request) == user
    assert silent_directories(request) == []


def test_a_wrong_bind_password_is_nobodys_fault(campus_server: Campus, directory_of: Make) -> None:
    directory_of(campus_server, bind_password="not it")
    request = HttpRequest()
    assert log_in("anna", request=request) is None
    assert silent_directories(request) == ["Demo campus"]


def test_two_directories_each_let_their_own_people_in(
    campus_server: Campus, own_campus: Campus, directory_of: Make
) -> None:
    directory_of(campus_server)
    own_campus.add_person("zoe")
    second = directory_of(own_campus, name="Second campus")
    assert log_in("anna")
    zoe = log_in("zoe")
    assert zoe is not None
    assert zoe.directory_person.directory == second


def test_nothing_that_a_login_logs_or_stores_holds_a_password(
    campus_server: Campus, directory_of: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    directory_of(campus_server)
    log_in("anna")
    log_in("anna", "sentinel-of-anna")
    assert "sentinel-of-anna" not in caplog.text
    assert password_of("anna") not in caplog.text
    row = Directory.objects.values().get()
    assert "reader's own" not in str(row)
    assert "sentinel" not in str(list(Event.objects.values()))


def groups_of(user: User | None) -> list[str]:
    return sorted(Group.objects.filter(members=user).values_list("name", flat=True))


def test_a_login_brings_groups_through_groups(campus_server: Campus, directory_of: Make) -> None:
    directory = directory_of(campus_server)
    anna = log_in("anna")
    assert (
        groups_of(anna)
        == campus.groups_of("anna")
        == ["everybody", "physics", "physics-students", "students"]
    )
    maria = log_in("maria")
    assert groups_of(maria) == campus.groups_of("maria")
    assert directory.groups.count() == len({*groups_of(anna), *groups_of(maria)}) == Group.objects.count()


def test_groups_follow_the_directory_at_each_login(own_campus: Campus, directory_of: Make) -> None:
    directory_of(own_campus)
    anna = log_in("anna")
    students = campus.group_dn("physics-students")
    row = Group.objects.get(name="physics-students")
    own_campus.rename(students, "cn=students-of-physics")
    log_in("anna")
    row.refresh_from_db()
    assert row.name == "students-of-physics"
    own_campus.set(campus.group_dn("students-of-physics"), member=[dn_of("nikos")])
    log_in("anna")
    assert groups_of(anna) == []


def test_a_group_of_ours_is_left_alone_by_a_login(campus_server: Campus, directory_of: Make) -> None:
    directory_of(campus_server)
    anna = log_in("anna")
    assert anna is not None
    ours = Group(name="ours")
    ours.save()
    GroupMember.objects.create(group=ours, user=anna)
    log_in("anna")
    assert "ours" in groups_of(anna)
