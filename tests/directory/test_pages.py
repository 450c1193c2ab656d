"""The pages of directories, for those who may and those who may not."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.actor import Actor
from apps.accounts.directory import services
from apps.accounts.models import Directory, DirectoryPerson, Grant, User
from apps.accounts.roles.ready import AUDITOR, ready
from apps.jobs.models import Event, Job

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
GIVEN: dict[str, Any] = {
    "name": "Campus",
    "kind": "openldap",
    "servers": "ldaps://ldap1.example.org\nldap://ldap2.example.org:1389",
    "bind_dn": "cn=portal,dc=example,dc=org",
    "bind_password": "s3ntinel",
    "people_bases": "ou=people,dc=example,dc=org",
    "group_bases": "ou=groups,dc=example,dc=org",
    "deadline_seconds": "5",
    "page_size": "500",
}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_user("admin", is_super_admin=True))
    return client


@pytest.fixture
def campus() -> Directory:
    return services.create_directory(
        SYSTEM,
        kind="openldap",
        name="Campus",
        servers=["ldaps://a.example.org"],
        bind_dn="cn=portal,dc=a",
        bind_password="s3ntinel",
        people_bases=["dc=a"],
    )


def test_a_directory_is_added_with_what_is_usual_and_tested_at_once(admin: Client) -> None:
    answer = admin.post("/directories/new/", GIVEN, follow=True)
    assert answer.status_code == 200
    row = Directory.objects.get()
    assert row.servers == ["ldaps://ldap1.example.org", "ldap://ldap2.example.org:1389"]
    assert (row.login_attributes, row.stable_id_attribute) == (["uid"], "entryUUID")
    assert Job.objects.get().kind == "directory.test"
    assert "The connection is being tested" in answer.content.decode()
    assert "s3ntinel" not in row.bind_password
    stored = str([*Directory.objects.values(), *Event.objects.values(), *Job.objects.values()])
    assert "s3ntinel" not in stored


def test_active_directory_has_its_own_usual_values(admin: Client) -> None:
    admin.post("/directories/new/", GIVEN | {"kind": "active_directory"})
    row = Directory.objects.get()
    assert row.login_attributes == ["sAMAccountName", "userPrincipalName"]
    assert row.stable_id_attribute == "objectGUID"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("servers", "http://169.254.169.254/", "is not the address of an LDAP server"),
        ("servers", "ldapi:///var/run/slapd", "is not the address of an LDAP server"),
        ("servers", "ldaps://a.example.org/dc=x??sub", "is not the address of an LDAP server"),
        ("servers", "ldaps://user@a.example.org", "is not the address of an LDAP server"),
        ("servers", "ldaps://a.example.org:99999", "is not the address of an LDAP server"),
        ("servers", " ", "required"),
        ("people_bases", "people", "not a distinguished name"),
        ("people_bases", "ou=a,,dc=b", "not a distinguished name"),
        ("people_filter", "objectClass=person", "not an LDAP filter"),
        ("people_filter", "(a=b)(c=d)", "not an LDAP filter"),
        ("people_filter", "((a=b)", "not an LDAP filter"),
        ("login_attributes", "uid)(x=", "not the name of an attribute"),
        ("attributes", "ou\nuserPassword", "holds passwords"),
        ("ca_certificate", "not a certificate", "not a certificate in PEM"),
        ("ca_certificate", "-----BEGIN PRIVATE KEY-----", "A private key stands here"),
        ("bind_password", "", "This must be given"),
        ("deadline_seconds", "99", "between 1 and 30"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(admin: Client, field: str, value: str, said: str) -> None:
    answer = admin.post("/directories/new/", GIVEN | {field: value})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    assert said in str(answer.context["form"].errors[field])
    assert not Directory.objects.exists()


def test_the_password_is_asked_again_where_it_would_go_elsewhere(admin: Client, campus: Directory) -> None:
    """Nobody learns a stored password by naming a server of their own."""
    address = f"/directories/{campus.uuid}/change/"
    page = admin.get(address).content.decode()
    assert "s3ntinel" not in page
    asked = {name: value for name, value in GIVEN.items() if name != "kind"} | {
        "bind_dn": "cn=portal,dc=a",
        "people_filter": "(objectClass=inetOrgPerson)",
        "group_filter": "(objectClass=groupOfNames)",
        "login_attributes": "uid",
        "mail_attribute": "mail",
        "full_name_attribute": "cn",
        "group_name_attribute": "cn",
        "stable_id_attribute": "entryUUID",
    }
    answer = admin.post(address, asked | {"servers": "ldaps://evil.example.org", "bind_password": ""})
    assert answer.status_code == 422
    assert "Give the bind password again" in str(answer.context["form"].errors["bind_password"])
    campus.refresh_from_db()
    assert campus.servers == ["ldaps://a.example.org"]
    assert admin.post(address, asked | {"servers": "ldaps://b.example.org"}).status_code == 302
    campus.refresh_from_db()
    assert campus.servers == ["ldaps://b.example.org"]
    (event,) = Event.objects.filter(kind="directory.change")
    assert event.changes["servers"] == [["ldaps://a.example.org"], ["ldaps://b.example.org"]]
    assert event.changes["bind_password"] == ["***", "***"]


def test_what_people_are_known_by_is_not_changed_under_them(campus: Directory) -> None:
    user = User.objects.create_user("anna")
    DirectoryPerson.objects.create(user=user, directory=campus, stable_id="1", dn="uid=anna,dc=a")
    with pytest.raises(Exception, match="people_known_by_it"):
        services.change_directory(SYSTEM, campus, stable_id_attribute="uid")


def test_a_test_is_told_step_by_step_with_its_remedy(admin: Client, campus: Directory) -> None:
    services.keep_test(
        campus,
        {
            "ok": False,
            "servers": [
                {
                    "server": "ldaps://a.example.org",
                    "ok": False,
                    "steps": [
                        {"step": "resolve", "ok": True, "ms": 1},
                        {"step": "connect", "ok": True, "ms": 2},
                        {"step": "tls", "ok": False, "ms": 3},
                    ],
                    "reason": "tls_wrong_name",
                    "technical": "Hostname mismatch",
                }
            ],
        },
    )
    page = admin.get(f"/directories/{campus.uuid}/").content.decode()
    assert "Encrypt and verify" in page
    assert "made out to another name" in page
    assert "have it made out anew" in page
    assert "It does not answer as it should" in admin.get("/directories/").content.decode()


def test_a_directory_is_disabled_before_it_goes_and_its_people_stay(admin: Client, campus: Directory) -> None:
    user = User.objects.create_user("anna")
    DirectoryPerson.objects.create(user=user, directory=campus, stable_id="1", dn="uid=anna,dc=a")
    remove = f"/directories/{campus.uuid}/remove/"
    assert "disable it first" in admin.get(remove).content.decode()
    admin.post(remove)
    assert Directory.objects.exists()
    admin.post(f"/directories/{campus.uuid}/switch/", {"act": "disable"})
    assert "1 person can log in through it no more" in admin.get(remove).content.decode()
    assert admin.post(remove).status_code == 302
    assert not Directory.objects.exists()
    assert User.objects.filter(pk=user.pk).exists()
    (event,) = Event.objects.filter(kind="directory.remove")
    assert event.data == {"people": 1, "groups": 0, "grants": 0}


@pytest.mark.parametrize("path", ["", "new/", "{}/", "{}/change/", "{}/remove/", "{}/test/", "{}/switch/"])
def test_to_everybody_else_there_is_nothing_here(client: Client, campus: Directory, path: str) -> None:
    client.force_login(User.objects.create_user("member"))
    address = "/directories/" + path.format(campus.uuid)
    assert client.get(address).status_code in {404, 405}
    assert client.post(address, {"act": "disable"}).status_code == 404
    campus.refresh_from_db()
    assert campus.enabled
    assert not Job.objects.exists()


def test_an_auditor_looks_and_changes_nothing(client: Client, campus: Directory) -> None:
    auditor = User.objects.create_user("auditor")
    Grant.objects.create(user=auditor, role=ready(AUDITOR), scope="global")
    client.force_login(auditor)
    page = client.get(f"/directories/{campus.uuid}/")
    assert page.status_code == 200
    assert "Test the connection" not in page.content.decode()
    assert client.get(f"/directories/{campus.uuid}/change/").status_code == 403
    assert client.post(f"/directories/{campus.uuid}/test/").status_code == 403
    assert client.post(f"/directories/{campus.uuid}/switch/", {"act": "disable"}).status_code == 403
    assert not Job.objects.exists()
