"""Roles, grants, members and people as pages: who sees them, what they do, what they say before."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Grant, Membership, Role, User
from apps.accounts.roles.ready import ready
from tests import factories
from tests.accounts.rights import Campus, custom, give, make_campus
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def campus() -> Campus:
    return make_campus()


@pytest.fixture
def head(campus: Campus) -> Client:
    return client_of(campus.head)


def grant_form(campus: Campus, **changes: Any) -> dict[str, Any]:
    return {
        "username": campus.worker.username,
        "role": str(ready("auditor").uuid),
        "place": f"domain:{campus.lab.uuid}",
        **changes,
    }


def test_who_sees_which_page(campus: Campus, head: Client) -> None:
    role = custom(campus.school, "vm.read")
    grant = give(campus.head, campus.worker, role, campus.lab)
    pages = {
        "/roles/": (200, 403, 302),
        "/roles/new/": (200, 403, 302),
        f"/roles/{role.uuid}/": (200, 404, 302),
        f"/roles/{role.uuid}/change/": (200, 404, 302),
        f"/roles/{role.uuid}/remove/": (200, 404, 302),
        "/grants/": (200, 200, 302),
        "/grants/new/": (200, 403, 302),
        f"/grants/{grant.uuid}/": (200, 404, 302),
        f"/grants/{grant.uuid}/extend/": (200, 404, 302),
        f"/grants/{grant.uuid}/revoke/": (200, 404, 302),
        "/people/": (200, 403, 302),
        f"/people/{campus.worker.uuid}/": (200, 404, 302),
        f"/people/{campus.worker.uuid}/view-as/": (200, 404, 302),
        "/people/rights/": (200, 403, 302),
    }
    stranger, nobody = client_of(campus.stranger), Client()
    got = {path: tuple(client.get(path).status_code for client in (head, stranger, nobody)) for path in pages}
    assert got == pages


def test_a_role_is_granted_after_a_look(campus: Campus, head: Client) -> None:
    shown = head.post("/grants/new/", grant_form(campus, do="show"))
    assert (shown.status_code, Grant.objects.filter(user=campus.worker).exists()) == (200, False)
    assert "vm.read" in shown.text
    made = head.post("/grants/new/", grant_form(campus))
    grant = Grant.objects.get(user=campus.worker)
    assert made["Location"] == f"/grants/{grant.uuid}/"
    page = head.get(made["Location"]).text
    assert campus.worker.username in page
    assert campus.head.username in page
    assert head.post(f"/grants/{grant.uuid}/extend/", {"ends_on": "2099-01-01"}).status_code == 302
    assert head.post(f"/grants/{grant.uuid}/extend/", {"ends_on": "2001-01-01"}).status_code == 422
    assert head.post(f"/grants/{grant.uuid}/revoke/").status_code == 302
    assert not Grant.objects.in_force().filter(user=campus.worker).exists()


def test_what_one_may_not_give_is_said_before_and_refused(campus: Campus, head: Client) -> None:
    greater = custom(campus.school, "vm.pin", "vm.read")
    form = grant_form(campus, role=str(greater.uuid))
    checked = head.post("/grants/check/", form).text
    assert "You cannot give this role there" in checked
    assert checked.count("You do not hold it there") == 1
    answer = head.post("/grants/new/", form)
    assert answer.status_code == 422
    assert "more there than you hold" in answer.text
    assert not Grant.objects.filter(user=campus.worker).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "nobody-is-called-so"},
        {"username": ""},
        {"place": "domain:x"},
        {"place": "global"},
        {"role": "x"},
        {"ends_on": "soon"},
    ],
)
def test_a_wrong_form_is_told_beside_its_field(campus: Campus, head: Client, changes: dict[str, str]) -> None:
    answer = head.post("/grants/new/", grant_form(campus, **changes))
    assert answer.status_code == 422
    assert 'id="form-errors"' in answer.text


def test_a_stranger_is_not_told_from_nobody(campus: Campus, head: Client) -> None:
    texts = [
        head.post("/grants/new/", grant_form(campus, username=name)).text
        for name in (campus.stranger.username, "nobody")
    ]
    faults = [re.findall(r'class="fault">(.*?)</div>', text, re.DOTALL) for text in texts]
    assert faults[0] == faults[1] != []


def test_rules_are_moved_without_a_script(campus: Campus, head: Client) -> None:
    body = {"name": "tutor", "effect": ["allow", "deny"], "pattern": ["vm.*", "vm.destroy"], "do": "up-1"}
    page = head.post("/roles/new/", body).text
    assert page.index('value="vm.destroy"') < page.index('value="vm.*"')
    assert not Role.objects.filter(name="tutor").exists()
    assert head.post("/roles/new/", {**body, "do": "remove-0"}).text.count('name="pattern"') == 1
    assert head.post("/roles/new/", {**body, "do": "add"}).text.count('name="pattern"') == 3


def test_a_role_is_made_changed_and_removed(campus: Campus, head: Client) -> None:
    body: dict[str, Any] = {
        "name": "tutor",
        "domain": str(campus.school.uuid),
        "effect": ["deny", "allow"],
        "pattern": ["vm.destroy", "vm.read"],
    }
    made = head.post("/roles/new/", body)
    role = Role.objects.get(name="tutor")
    assert made["Location"] == f"/roles/{role.uuid}/"
    assert role.rules == [["deny", "vm.destroy"], ["allow", "vm.read"]]
    assert "rule 2" in head.get(made["Location"]).text
    changed = head.post(f"/roles/{role.uuid}/change/", {**body, "name": "helper"})
    assert changed.status_code == 302
    wrong = head.post(f"/roles/{role.uuid}/change/", {**body, "pattern": ["*", "*"], "effect": ["allow"] * 2})
    assert wrong.status_code == 422
    assert head.post(f"/roles/{role.uuid}/remove/").status_code == 302
    assert not Role.objects.filter(pk=role.pk).exists()
    assert head.get(f"/roles/{ready('user').uuid}/change/").status_code == 404


def test_the_editor_shows_what_the_rules_would_allow(head: Client) -> None:
    shown = head.post("/roles/check/", {"effect": "allow", "pattern": "vm.start"}).text
    assert "rule 1" in shown
    assert "rules[1]" in head.post("/roles/check/", {"effect": "allow", "pattern": "no such"}).text


def test_a_person_sees_themselves_and_who_looked(campus: Campus) -> None:
    pupil = client_of(campus.pupil)
    page = pupil.get(f"/people/{campus.pupil.uuid}/").text
    assert "Who looked at the portal as them" in page
    assert "Keep out" not in page
    assert pupil.post(f"/people/{campus.pupil.uuid}/switch/", {"act": "disable"}).status_code in {302, 403}
    assert User.objects.get(pk=campus.pupil.pk).is_active


def test_people_are_kept_out_and_let_in_by_their_admin(campus: Campus, head: Client) -> None:
    at = f"/people/{campus.worker.uuid}/switch/"
    assert head.post(at, {"act": "disable"}).status_code == 302
    assert not User.objects.get(pk=campus.worker.pk).is_active
    assert head.post(at, {"act": "enable"}).status_code == 302
    assert User.objects.get(pk=campus.worker.pk).is_active
    assert head.post(f"/people/{campus.stranger.uuid}/switch/", {"act": "disable"}).status_code == 404


def test_access_is_checked_with_the_way_there(campus: Campus, head: Client) -> None:
    asked = {"username": campus.worker.username, "permission": "vm.deploy", "kind": "account"}
    yes = head.get("/people/rights/", {**asked, "uuid": str(campus.in_lab.uuid)}).text
    assert "<code>vm.*</code>" in yes
    no = head.get("/people/rights/", {**asked, "uuid": str(campus.in_school.uuid)}).text
    assert "only there" in no
    assert head.get("/people/rights/", {**asked, "username": campus.stranger.username}).status_code == 422


def test_a_refusal_says_why_on_its_page(campus: Campus) -> None:
    auditor = factories.make_user(campus.in_school)
    Membership.objects.filter(user=auditor).update(role=ready("auditor"))
    page = client_of(auditor).get(f"/accounts/{campus.in_school.uuid}/add-member/")
    assert page.status_code == 403
    assert "Why?" in page.text
    assert campus.head.username in page.text
