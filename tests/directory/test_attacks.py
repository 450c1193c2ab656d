"""What somebody may try who writes in a directory, or types at the login page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.test import Client
from ldap.ldapobject import SimpleLDAPObject

from apps.accounts.directory import services
from apps.accounts.directory.backend import silent_directories
from apps.accounts.directory.failures import DirectoryUnavailable
from apps.accounts.directory.membership import Membership
from apps.accounts.directory.reader import Reader
from apps.accounts.models import Directory, DirectoryPerson, Session, User
from apps.accounts.sessions import stored_key
from apps.core.errors import InvalidInput
from bootstrap import campus
from bootstrap.slapd import Entry, password_hash
from tests.directory.campus import Campus, dn_of, password_of, person
from tests.directory.conftest import SYSTEM

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
Make = Callable[..., Directory]
EVERY_GROUP = "(|(objectClass=groupOfNames)(objectClass=posixGroup))"
NAMES = ("*", "a*)(member=*", "\\2a", "x)(|(cn=*", "a,ou=law", "a+cn=b", 'a"b', "a#b", " ( ) ", "\\00")


def escaped(value: str) -> str:
    return "".join(f"\\{byte:02x}" for byte in value.encode())


def hostile() -> Iterator[Entry]:
    """People whose names are made of what filters and DNs are made of; one of each pair is in a group."""
    for number, name in enumerate(NAMES):
        dn = f"cn={escaped(name)},ou=physics,{campus.PEOPLE}"
        entry = person(f"h{number}", hashed=False) | {"cn": [name], "sn": [name]}
        yield dn, entry | {"userPassword": [password_hash(f"secret {number}")]}
        group = {"objectClass": ["groupOfNames"], "cn": [f"of-{number}"], "member": [dn]}
        yield campus.group_dn(f"of-{number}"), group
    posix = {"objectClass": ["posixGroup"], "gidNumber": ["1"]}
    yield campus.group_dn("by-name"), {**posix, "cn": ["by-name"], "memberUid": ["anna"]}


@pytest.fixture(scope="module")
def hostile_campus() -> Iterator[Campus]:
    with Campus(hostile()) as found:
        yield found


def test_a_dn_of_filter_signs_is_in_its_own_groups_alone(hostile_campus: Campus) -> None:
    with Reader(hostile_campus.config(group_filter=EVERY_GROUP)) as reader:
        groups = reader.groups()
        names = {group.key: group.name for group in groups}
        for number in range(len(NAMES)):
            one = reader.find_person(f"h{number}")
            assert one is not None
            assert [group.name for group in reader.groups_of(one)] == [f"of-{number}"], NAMES[number]
            assert [names[key] for key in Membership(groups).keys_of(one)] == [f"of-{number}"]


def test_such_people_log_in_as_themselves(hostile_campus: Campus, directory_of: Make) -> None:
    """By their cn too, where that is a login name: it is a value, whatever is in it."""
    directory_of(hostile_campus, login_attributes=["uid", "cn"])
    for number, name in enumerate(NAMES):
        found = authenticate(HttpRequest(), username=f"h{number}", password=f"secret {number}")
        assert found is not None, name
        assert found.get_username() == f"h{number}"
        again = authenticate(HttpRequest(), username=name, password=f"secret {number}")
        assert again is None or again == found
        assert authenticate(HttpRequest(), username=name, password=password_of("anna")) is None
    assert DirectoryPerson.objects.count() == len(NAMES)


def test_a_mail_address_that_is_anothers_name_brings_none_of_their_groups(own_campus: Campus) -> None:
    """People may write their own address in many a directory, and posix groups go by login names."""
    posix = {"objectClass": ["posixGroup"], "gidNumber": ["1"], "cn": ["by-name"], "memberUid": ["anna"]}
    own_campus.add(campus.group_dn("by-name"), posix)
    own_campus.set(dn_of("nikos"), mail=["anna"])
    config = own_campus.config(group_filter=EVERY_GROUP, login_attributes=("uid", "mail"))
    with Reader(config) as reader:
        everybody = reader.groups()
        membership = Membership(everybody)
        (key,) = [group.key for group in everybody if group.name == "by-name"]
        found = {one.usernames[0]: one for one in reader.people(everybody)}
        assert found["nikos"].usernames == ("nikos", "anna")
        for name, inside in (("anna", True), ("nikos", False)):
            assert (key in {group.key for group in reader.groups_of(found[name])}) is inside
            assert (key in membership.keys_of(found[name])) is inside


def test_a_mail_address_that_is_anothers_name_logs_nobody_in(own_campus: Campus, directory_of: Make) -> None:
    directory_of(own_campus, login_attributes=["uid", "mail"])
    own_campus.set(dn_of("nikos"), mail=["anna"])
    assert authenticate(HttpRequest(), username="anna", password=password_of("nikos")) is None
    assert not User.objects.exists()


@pytest.mark.parametrize("place", ["people_filter", "group_filter", "disabled_filter"])
@pytest.mark.parametrize("value", ["(uid=*", "(uid=*))(&(a=b)", "uid=a)(b=c", "(a=\x00)", "(uid=*)(b=*)"])
def test_a_filter_is_whole_or_refused(
    campus_server: Campus, directory_of: Make, place: str, value: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        directory_of(campus_server, **{place: value})
    assert refused.value.place == place


@pytest.mark.parametrize("place", ["bind_dn", "people_bases", "group_bases"])
@pytest.mark.parametrize("value", ["no dn", "cn=a\x00,dc=b", "ou=people,,dc=a"])
def test_a_base_is_a_dn_or_refused(campus_server: Campus, directory_of: Make, place: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        directory_of(campus_server, **{place: value if place == "bind_dn" else [value]})
    assert refused.value.place == place


def test_a_base_of_filter_signs_is_a_place_that_is_not_there(campus_server: Campus) -> None:
    config = campus_server.config(people_bases=(f"ou=a\\29\\28uid=*,{campus.PEOPLE}", "cn=a)(uid=*"))
    with Reader(config) as reader, pytest.raises(DirectoryUnavailable) as failed:
        list(reader.people())
    assert failed.value.params["reason"] == "search_no_such_base"


def test_of_two_directories_with_the_same_names_each_knows_its_own(
    campus_server: Campus, own_campus: Campus, directory_of: Make
) -> None:
    """Who was first has the name; the other one's password opens nothing, whichever is asked first."""
    own_campus.set(dn_of("anna"), userPassword=[password_hash("of the second")])
    first = directory_of(campus_server, name="B first")
    directory_of(own_campus, name="A second")
    anna = authenticate(HttpRequest(), username="anna", password=password_of("anna"))
    assert isinstance(anna, User)
    assert anna.directory_person.directory == first
    assert authenticate(HttpRequest(), username="anna", password="of the second") is None
    services.disable_directory(SYSTEM, first)
    assert authenticate(HttpRequest(), username="anna", password="of the second") is None
    services.remove_directory(SYSTEM, first)
    assert authenticate(HttpRequest(), username="anna", password="of the second") is None
    assert not DirectoryPerson.objects.filter(user=anna).exists()


def asked_of(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The binds that are tried from here on."""
    binds: list[tuple[str, str]] = []
    bind = SimpleLDAPObject.simple_bind_s

    def noted(self: Any, who: Any = None, cred: Any = None, *more: Any, **named: Any) -> Any:
        binds.append((who, cred))
        return bind(self, who, cred, *more, **named)

    monkeypatch.setattr(SimpleLDAPObject, "simple_bind_s", noted)
    return binds


def test_nobody_learns_who_is_there_by_the_work_that_a_login_makes(
    own_campus: Campus, directory_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory_of(own_campus)
    User.objects.create_user("glass", is_super_admin=True)
    authenticate(HttpRequest(), username="anna", password=password_of("anna"))
    binds = asked_of(monkeypatch)
    counts = {}
    for name in ("anna", "nikos", "nobody-of-this-name", "glass"):
        before = len(binds)
        assert authenticate(HttpRequest(), username=name, password="typed") is None
        counts[name] = len(binds) - before
        told = [who for who, cred in binds[before:] if cred == "typed"]
        assert told == ([dn_of(name)] if name in {"anna", "nikos"} else [])
    assert set(counts.values()) == {2}, counts
    own_campus.stop()
    for name in ("anna", "nobody-of-this-name", "glass"):
        request = HttpRequest()
        assert authenticate(request, username=name, password="typed") is None
        assert silent_directories(request) == ["Demo campus"]


def entered(client: Client, name: str) -> str:
    """Log in by the page; the key of the session."""
    answer = client.post("/login/", {"username": name, "password": password_of(name)})
    assert answer.status_code == 302
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_a_session_that_was_planted_is_not_the_one_that_a_directory_opens(
    campus_server: Campus, directory_of: Make
) -> None:
    directory_of(campus_server)
    client, thief = Client(), Client()
    planted = entered(client, "anna")
    thief.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert entered(client, "nikos") != planted
    assert thief.get("/api/v1/me/").status_code in {401, 403}
    assert not Session.objects.filter(session_key=stored_key(planted)).exists()


@pytest.mark.parametrize("end", ["disable", "remove"])
def test_sessions_end_with_the_directory(campus_server: Campus, directory_of: Make, end: str) -> None:
    directory = directory_of(campus_server)
    client = Client()
    entered(client, "anna")
    assert client.get("/api/v1/me/").status_code == 200
    services.disable_directory(SYSTEM, directory)
    if end == "remove":
        services.remove_directory(SYSTEM, directory)
    assert client.get("/api/v1/me/").status_code in {401, 403}
    assert not Session.objects.filter(user__username="anna").exists()
