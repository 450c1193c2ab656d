"""Reading a real slapd: connections, pages, groups that nest and loop, and what is wrong when it fails."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from apps.accounts.directory.entries import dn_key
from apps.accounts.directory.failures import STEPS, DirectoryUnavailable
from apps.accounts.directory.membership import Membership
from apps.accounts.directory.probe import probe
from apps.accounts.directory.reader import Reader
from apps.core.words.directories import DIRECTORY_REASONS
from bootstrap import campus
from bootstrap.slapd import Entry, make_authority
from tests.directory.campus import Campus, dn_of, person

pytestmark = pytest.mark.servers
MANY = 10_000
LOOP = ("ring-a", "ring-b", "ring-c")


def many() -> Iterator[Entry]:
    """A group of ten thousand, 1,200 people of a large unit, three groups in a ring, a group by login names
    and one of unique names."""
    yield f"ou=large,{campus.PEOPLE}", {"objectClass": ["organizationalUnit"], "ou": ["large"]}
    for number in range(1_200):
        uid = f"p{number:05}"
        yield f"uid={uid},ou=large,{campus.PEOPLE}", {**person(uid), "userPassword": ["{SSHA}x"]}
    members = [f"uid=p{number:05},ou=large,{campus.PEOPLE}" for number in range(MANY)]
    yield campus.group_dn("huge"), {"objectClass": ["groupOfNames"], "cn": ["huge"], "member": members}
    for name, inner in zip(LOOP, (*LOOP[1:], LOOP[0]), strict=True):
        first = [campus.group_dn(inner)] + ([dn_of("nikos")] if name == LOOP[2] else [])
        yield campus.group_dn(name), {"objectClass": ["groupOfNames"], "cn": [name], "member": first}
    posix = {"objectClass": ["posixGroup"], "gidNumber": ["1"], "memberUid": ["eleni", "NIKOS"]}
    yield campus.group_dn("by-name"), {**posix, "cn": ["by-name"]}
    unique = {"objectClass": ["groupOfUniqueNames"], "uniqueMember": [dn_of("eleni").upper()]}
    yield campus.group_dn("unique"), {**unique, "cn": ["unique"]}


@pytest.fixture(scope="module")
def large() -> Iterator[Campus]:
    with Campus(many()) as found:
        yield found


GROUPS = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"


def test_more_than_a_thousand_are_read_page_by_page(large: Campus) -> None:
    with Reader(large.config(page_size=100)) as reader:
        people = list(reader.people())
    assert len(people) == len({one.stable_id for one in people}) == 1_200 + len(campus.CAMPUS)


def test_a_server_that_cuts_answers_off_is_told_apart_from_a_small_campus() -> None:
    with Campus(many(), unlimited=False) as server, Reader(server.config()) as reader:
        with pytest.raises(DirectoryUnavailable) as failed:
            list(reader.people())
        assert failed.value.params["reason"] == "search_cut_off"


def test_a_group_of_ten_thousand_is_whole(large: Campus) -> None:
    with Reader(large.config(group_filter=GROUPS)) as reader:
        huge = next(group for group in reader.groups() if group.name == "huge")
        assert len(huge.member_dns) == MANY
        one = reader.find_person("p00007")
        assert one is not None
        assert [group.name for group in reader.groups_of(one)] == ["huge"]


def test_groups_in_a_ring_end(large: Campus) -> None:
    """“by-name” has NIKOS among its members, who is nobody: such names are spelt exactly."""
    with Reader(large.config(group_filter=GROUPS)) as reader:
        nikos = reader.find_person("nikos")
        assert nikos is not None
        names = {group.name for group in reader.groups_of(nikos)}
        assert set(LOOP) < names
        assert "by-name" not in names
        groups = reader.groups()
        walked = Membership(groups).keys_of(nikos)
        assert {group.name for group in groups if group.key in walked} == names


def test_login_names_and_unique_names_are_members_too(large: Campus) -> None:
    with Reader(large.config(group_filter=GROUPS)) as reader:
        eleni = reader.find_person("eleni")
        assert eleni is not None
        names = {group.name for group in reader.groups_of(eleni)}
        groups = reader.groups()
        walked = Membership(groups).keys_of(eleni)
        assert {"by-name", "unique", "law-students"} <= names
        assert names == {group.name for group in groups if group.key in walked}


def test_the_whole_campus_is_as_it_was_written(campus_server: Campus) -> None:
    """For everybody: what is walked here, what one person's search says, and the campus' own table."""
    with Reader(campus_server.config()) as reader:
        groups = reader.groups()
        names = {group.key: group.name for group in groups}
        for one in reader.people(groups):
            wanted = campus.groups_of(one.usernames[0])
            assert sorted(names[key] for key in one.group_keys) == wanted
            assert sorted(group.name for group in reader.groups_of(one)) == wanted
            assert one.attributes["ou"]


def test_a_renamed_person_is_found_by_what_stays(own_campus: Campus) -> None:
    with Reader(own_campus.config()) as reader:
        anna = reader.find_person("anna")
        assert anna is not None
        own_campus.rename(dn_of("anna"), "uid=other")
        again = reader.person(anna.stable_id)
        assert again is not None
        assert (again.stable_id, again.usernames) == (anna.stable_id, ("other",))
        own_campus.delete(again.dn)
        assert reader.person(anna.stable_id) is None


def test_two_entries_of_one_name_are_nobodys(own_campus: Campus) -> None:
    own_campus.add_person("anna", unit="law")
    with Reader(own_campus.config()) as reader:
        with pytest.raises(DirectoryUnavailable) as failed:
            reader.find_person("anna")
        assert failed.value.params["reason"] == "map_ambiguous"


def test_passwords_are_never_read(campus_server: Campus) -> None:
    with Reader(campus_server.config(attributes=("userPassword", "mail"))) as reader:
        anna = reader.find_person("anna")
    assert anna is not None
    assert anna.attributes == {"userPassword": (), "mail": ("anna@campus.example",)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uid=Anna,ou=People,dc=A", "UID=anna, OU=people , DC=a"),
        ("cn=a+uid=b,dc=x", "uid=B+cn=A,dc=x"),
        ("cn=a\\,b,dc=x", "cn=A\\2cb,dc=x"),
        ("cn=two  blanks,dc=x", "cn=two blanks,dc=x"),
    ],
)
def test_a_dn_is_one_however_it_is_written(one: str, other: str) -> None:
    assert dn_key(one) == dn_key(other)
    assert dn_key(one) != dn_key("cn=somebody,dc=else")


# What is wrong.


def reason_of(found: dict[str, object]) -> str:
    servers = found["servers"]
    assert isinstance(servers, list)
    return str(servers[0].get("reason", ""))


def test_a_test_names_the_step_that_failed_and_all_before_it(campus_server: Campus) -> None:
    config = campus_server.config()
    ldaps, plain = campus_server.uris
    found = probe(config)
    assert found["ok"]
    assert [step["step"] for step in found["servers"][0]["steps"]] == list(STEPS)
    assert (found["people"], found["groups"]) == (len(campus.CAMPUS), len(campus.group_members()))
    wrong = {
        "resolve_no_such_name": replace(config, servers=("ldaps://nowhere.invalid",)),
        "connect_refused": replace(config, servers=("ldaps://127.0.0.1:1",)),
        "tls_no_tls": replace(config, servers=(plain.replace("ldap:", "ldaps:"),)),
        "tls_unknown_authority": replace(config, ca_certificate=""),
        "tls_bad_authority": replace(config, ca_certificate="nonsense"),
        "bind_wrong_credentials": replace(config, bind_password="wrong"),
        "search_no_such_base": replace(config, people_bases=("dc=nowhere",)),
        "search_nobody": replace(config, people_filter="(uid=nobody)"),
        "search_no_groups": replace(config, group_filter="(cn=nothing)"),
        "map_no_stable_id": replace(config, stable_id_attribute="carLicense"),
        "map_stable_id_twice": replace(config, stable_id_attribute="objectClass"),
        "map_no_login_name": replace(config, login_attributes=("carLicense",)),
    }
    for reason, settings in wrong.items():
        found = probe(settings)
        server = found["servers"][0]
        assert (found["ok"], server["reason"]) == (False, reason)
        assert server["steps"][-1] == {**server["steps"][-1], "step": reason.partition("_")[0], "ok": False}
        assert reason in DIRECTORY_REASONS
        assert DIRECTORY_REASONS[reason].remedy
    assert ldaps.startswith("ldaps://")


def test_a_certificate_for_another_name_or_of_another_authority_is_refused(
    campus_server: Campus, tmp_path: Path
) -> None:
    make_authority(tmp_path)
    other = (tmp_path / "ca.pem").read_text()
    for uri in campus_server.uris:
        with (
            pytest.raises(DirectoryUnavailable) as failed,
            Reader(campus_server.config(servers=(uri,), ca_certificate=other)),
        ):
            pass
        assert failed.value.params["reason"] == "tls_unknown_authority"
        elsewhere = uri.replace("127.0.0.1", "127.0.0.2")
        with (
            listener_for(elsewhere, uri) as away,
            pytest.raises(DirectoryUnavailable) as failed,
            Reader(campus_server.config(servers=(away,))),
        ):
            pass
        assert failed.value.params["reason"] == "tls_wrong_name"


class listener_for:  # noqa: N801 - reads as a function
    """Carries one connection from 127.0.0.2 to the server: the same certificate at another name."""

    def __init__(self, _away: str, uri: str) -> None:
        self.scheme, _, place = uri.partition("://")
        self.port = int(place.rpartition(":")[2])

    def __enter__(self) -> str:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.2", 0))
        self.socket.listen(1)
        threading.Thread(target=self._carry, daemon=True).start()
        return f"{self.scheme}://127.0.0.2:{self.socket.getsockname()[1]}"

    def _carry(self) -> None:
        near, _address = self.socket.accept()
        with near, socket.create_connection(("127.0.0.1", self.port)) as far:
            self._both_ways(near, far)

    def _both_ways(self, near: socket.socket, far: socket.socket) -> None:

        def copy(source: socket.socket, target: socket.socket) -> None:
            while data := source.recv(65536):
                target.sendall(data)

        there = threading.Thread(target=_quietly, args=(copy, near, far), daemon=True)
        there.start()
        _quietly(copy, far, near)
        there.join(5)

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def _quietly(act: Callable[..., None], *arguments: object) -> None:
    try:
        act(*arguments)
    except OSError:
        return


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_server_that_says_nothing_costs_no_more_than_the_deadline(
    campus_server: Campus, scheme: str
) -> None:
    """libldap's own TLS waits here for ever."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        uri = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        with (
            pytest.raises(DirectoryUnavailable) as failed,
            Reader(campus_server.config(servers=(uri,), deadline_seconds=0.3)),
        ):
            pass
        assert failed.value.params["reason"] == "tls_silent"
        assert time.monotonic() - begun < 20  # it ended, however busy the machine is
        with Reader(campus_server.config(servers=(uri, *campus_server.uris), deadline_seconds=2)) as reader:
            assert reader.find_person("anna") is not None


def test_a_server_that_failed_is_asked_after_the_others_for_a_while(own_campus: Campus) -> None:
    ldaps, plain = own_campus.uris
    config = own_campus.config(servers=("ldaps://127.0.0.1:1", ldaps, plain))
    with Reader(config) as reader:
        assert reader.connection.uri == ldaps
    own_campus.stop()
    with pytest.raises(DirectoryUnavailable) as failed, Reader(config):
        pass
    assert failed.value.params["reason"] == "connect_refused"
    assert own_campus.start()
    with Reader(config) as reader:
        assert reader.connection.uri in {ldaps, plain}


def test_a_server_that_ends_half_way_is_told(own_campus: Campus) -> None:
    with Reader(own_campus.config()) as reader:
        assert reader.find_person("anna") is not None
        own_campus.stop()
        with pytest.raises(DirectoryUnavailable) as failed:
            reader.find_person("anna")
        assert failed.value.params["reason"] in {"search_closed", "search_silent"}
