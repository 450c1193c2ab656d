"""Directories over REST: what is shown, what is taken, what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Directory, DirectoryGroup, Group
from apps.accounts.roles.ready import USER, ready
from apps.accounts.services import create_root_domain
from apps.jobs.models import Job
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db
GIVEN: dict[str, Any] = {
    "name": "Campus",
    "kind": "openldap",
    "servers": ["ldaps://a.example.org"],
    "bind_dn": "cn=portal,dc=a",
    "bind_password": "s3ntinel",
    "people_bases": ["dc=a"],
}


@pytest.fixture
def api() -> Api:
    return Api(factories.make_user(factories.make_account(create_root_domain()), super_admin=True))


def test_a_directory_is_made_changed_tested_and_removed(api: Api) -> None:
    made = api.post("directories/", GIVEN)
    assert made.status_code == 201
    shown = made.json()
    assert shown["has_bind_password"]
    assert "s3ntinel" not in str(shown)
    path = f"directories/{shown['id']}/"
    assert api.send("PATCH", path, {"name": "Other"}).json()["name"] == "Other"
    tested = api.post(f"{path}test/", {})
    assert tested.status_code == 202
    assert tested.json()["job"]["kind"] == "directory.test"
    assert api.post(f"{path}test/", {}).json()["job"]["id"] == tested.json()["job"]["id"]  # joined
    refused = api.send("DELETE", path)
    assert (refused.status_code, refused.json()["params"]["reason"]) == (409, "directory_enabled")
    assert not api.post(f"{path}disable/", {}).json()["enabled"]
    assert api.send("DELETE", path).status_code == 204
    assert not Directory.objects.exists()


def test_a_rule_names_a_group_by_the_key_that_the_list_of_groups_tells(api: Api) -> None:
    made = api.post("directories/", GIVEN).json()
    Group.objects.create(name="ours")
    group = Group.objects.create(name="students")
    row = Directory.objects.get()
    DirectoryGroup.objects.create(group=group, directory=row, key="key-of-students", dn="cn=students,dc=a")
    found = api.get(f"groups/?directory={made['id']}").json()["results"]
    assert [(one["name"], one["directory"]["id"], one["directory_key"]) for one in found] == [
        ("students", made["id"], "key-of-students")
    ]
    ours = next(one for one in api.get("groups/").json()["results"] if one["name"] == "ours")
    assert (ours["directory"], ours["directory_key"]) == (None, None)
    follow = f"directories/{made['id']}/sync/"
    assert api.get(follow).json()["rules_wait"] is False
    rule = {"directory": made["id"], "name": "Students", "match": "group", "role": str(ready(USER).uuid)}
    rule |= {"match_value": found[0]["directory_key"], "gives": "account"}
    account = str(factories.make_account().uuid)
    assert api.post("mapping-rules/", rule | {"account": account}).status_code == 201
    assert api.get(follow).json()["rules_wait"] is True


@pytest.mark.parametrize("field", ["kind", "enabled", "test", "tested_at", "uuid", "id", "people"])
def test_nothing_else_can_be_set(api: Api, field: str) -> None:
    path = f"directories/{api.post('directories/', GIVEN).json()['id']}/"
    refused = api.send("PATCH", path, {field: "x"})
    assert (refused.status_code, refused.json()["place"]) == (422, field)
    assert Directory.objects.values_list("enabled", "kind", "test").get() == (True, "openldap", None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"servers": ["ldap://evil.example.org"]}, "password_again"),
        ({"bind_dn": "cn=other,dc=a"}, "password_again"),
        ({"servers": []}, "blank"),
        ({"servers": ["file:///etc/passwd"]}, "not_an_ldap_uri"),
        ({"people_filter": "(uid=*"}, "not_an_ldap_filter"),
        ({"attributes": ["unicodePwd"]}, "password_attribute"),
        ({"deadline_seconds": 3600}, "out_of_range"),
        ({}, "nothing_to_change"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(api: Api, change: dict[str, Any], reason: str) -> None:
    path = f"directories/{api.post('directories/', GIVEN).json()['id']}/"
    refused = api.send("PATCH", path, change)
    assert (refused.status_code, refused.json()["params"]["reason"]) == (422, reason)
    assert Directory.objects.get().servers == GIVEN["servers"]
    assert not Job.objects.exists()
