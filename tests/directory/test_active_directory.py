"""Active Directory, as Samba is one: names, groups by the matching rule, pages, who is disabled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.contrib.auth import authenticate
from django.http import HttpRequest

from apps.accounts.actor import Actor
from apps.accounts.directory import services
from apps.accounts.directory.backend import silent_directories
from apps.accounts.directory.config import DirectoryConfig
from apps.accounts.directory.entries import PersonEntry
from apps.accounts.directory.failures import DirectoryUnavailable
from apps.accounts.directory.probe import probe
from apps.accounts.directory.reader import Reader
from apps.accounts.directory.rows import config_of
from apps.accounts.models import Directory, Group, User
from tests.directory.samba import MANY, PASSWORD, PrivateSamba

pytestmark = [pytest.mark.lab, pytest.mark.django_db]
NESTED = {"physics-students", "students", "campus", "Domain Users"}


@pytest.fixture(scope="module")
def samba() -> Iterator[PrivateSamba]:
    with PrivateSamba() as found:
        yield found


@pytest.fixture
def directory(samba: PrivateSamba) -> Iterator[Directory]:
    row = services.create_directory(Actor.system("test"), **samba.settings())
    with samba.inside():
        yield row


@pytest.fixture
def config(directory: Directory) -> DirectoryConfig:
    return config_of(directory)


def log_in(name: str, password: str, request: HttpRequest | None = None) -> User | None:
    found = authenticate(request or HttpRequest(), username=name, password=password)
    assert found is None or isinstance(found, User)
    return found


def test_both_of_a_persons_names_lead_to_one_user(directory: Directory) -> None:
    password = PASSWORD.format(name="anna")
    user = log_in("anna", password)
    assert user is not None
    assert (user.username, user.full_name, user.email) == ("anna", "Anna", "anna@campus.example")
    assert log_in("anna@campus.example", password) == user
    assert log_in("ANNA@Campus.Example", password) == user
    assert User.objects.count() == 1
    assert log_in("anna", "wrong") is None
    assert log_in("anna*", password) is None
    assert len(directory.people.get().stable_id) == 36


def test_groups_come_by_the_matching_rule_with_the_primary_one(directory: Directory) -> None:
    """“students” and “campus” are in each other; the primary group is in nobody's memberOf."""
    user = log_in("anna", PASSWORD.format(name="anna"))
    assert set(Group.objects.filter(members=user).values_list("name", flat=True)) == NESTED
    other = log_in("nikos", PASSWORD.format(name="nikos"))
    assert set(Group.objects.filter(members=other).values_list("name", flat=True)) == {"Domain Users"}


def test_a_disabled_account_is_told_and_refused(directory: Directory, config: DirectoryConfig) -> None:
    assert log_in("lefteris", PASSWORD.format(name="lefteris")) is None
    assert not User.objects.exists()
    with Reader(config) as reader:
        person = reader.find_person("lefteris")
        assert person is not None
        assert person.disabled
        anna = reader.find_person("anna")
        assert anna is not None
        assert not anna.disabled


@pytest.mark.parametrize("uri", PrivateSamba.uris)
def test_everybody_is_read_page_by_page_with_the_same_groups(config: DirectoryConfig, uri: str) -> None:
    """Over LDAPS and by StartTLS; what is walked by us agrees with what the server's rule says."""
    with Reader(replace(config, servers=(uri,))) as reader:
        groups = reader.groups()
        people = {person.usernames[0]: person for person in reader.people(groups)}
        names = {group.key: group.name for group in groups}
        assert len(people) == MANY + 4
        assert len(next(group for group in groups if group.name == "extras").member_dns) == MANY
        assert {names[key] for key in people["anna"].group_keys} == NESTED
        assert {names[key] for key in people["extra0042"].group_keys} == {"extras", "Domain Users"}
        assert people["lefteris"].disabled
        asked = reader.groups_of(people["anna"])
        assert {group.key for group in asked} == people["anna"].group_keys


def test_a_person_is_found_again_by_their_guid(config: DirectoryConfig) -> None:
    with Reader(config) as reader:
        anna = reader.find_person("anna")
        assert isinstance(anna, PersonEntry)
        again = reader.person(anna.stable_id)
        assert again is not None
        assert again.dn == anna.dn
        assert reader.person("00000000-0000-4000-8000-000000000000") is None


def test_a_simple_bind_needs_the_certificate_of_a_known_authority(
    directory: Directory, config: DirectoryConfig
) -> None:
    for uri in PrivateSamba.uris:
        strange = replace(config, servers=(uri,), ca_certificate="")
        with pytest.raises(DirectoryUnavailable) as refused, Reader(strange):
            pass
        assert refused.value.params["reason"] == "tls_unknown_authority"
    Directory.objects.filter(pk=directory.pk).update(ca_certificate="")
    request = HttpRequest()
    assert log_in("anna", PASSWORD.format(name="anna"), request) is None
    assert silent_directories(request) == [directory.name]


def test_the_test_of_the_connection_finds_people_and_groups(config: DirectoryConfig) -> None:
    found = probe(config)
    assert [server["ok"] for server in found["servers"]] == [True, True]
    assert found["people"] == 200
    assert found["more"]
