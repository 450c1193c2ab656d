"""Roles, grants and members over the API: what they do, and the ways up that are shut."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Grant, Role, User
from apps.accounts.roles.ready import ready
from tests import factories
from tests.accounts.rights import custom, give
from tests.api.client import Api
from tests.api.conftest import Cast
from tests.api.rights_rows import wanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def head(cast: Cast) -> Api:
    """A domain admin of a domain of their own with one account and its member "pupil"."""
    domain = factories.make_domain()
    account = factories.make_account(domain)
    user = factories.make_user(factories.make_account(domain))
    cast.users |= {"head": user, "pupil": factories.make_user(account)}
    cast.account = account
    give(None, user, "domain-admin", domain)
    return Api(user)


def test_a_grant_is_made_extended_and_taken_away(cast: Cast, head: Api) -> None:
    made = head.post(
        "grants/", wanted(cast, user=str(cast.users["pupil"].uuid), role=str(ready("auditor").uuid))
    )
    assert made.status_code == 201, made.json()
    grant = made.json()
    assert (grant["scope"], grant["place"]) == ("account", str(cast.account.uuid))
    assert grant["granted_by"] == cast.users["head"].username
    assert head.patch(f"grants/{grant['id']}/", {"ends_at": "2099-01-01T00:00:00Z"}).json()["ends_at"]
    assert head.patch(f"grants/{grant['id']}/", {"ends_at": "2001-01-01T00:00:00Z"}).status_code == 422
    assert head.delete(f"grants/{grant['id']}/").status_code == 204
    assert head.get(f"grants/{grant['id']}/").status_code == 404


@pytest.mark.parametrize(
    "more",
    [
        {"granted_by": None},
        {"once": "x"},
        {"is_super_admin": True},
        {"key": "super-admin"},
        {"created_at": "2001-01-01T00:00:00Z"},
    ],
)
def test_no_field_but_those_declared_is_taken(cast: Cast, head: Api, more: dict[str, Any]) -> None:
    pupil = cast.users["pupil"]
    bodies = {
        "grants/": wanted(cast, user=str(pupil.uuid)),
        "roles/": {"name": "x", "rules": [["allow", "vm.read"]], "domain": str(cast.account.domain.uuid)},
        f"accounts/{cast.account.uuid}/members/": {"user": str(cast.users["head"].uuid)},
        "users/": {"username": "somebody", "account": str(cast.account.uuid)},
    }
    for path, body in bodies.items():
        answer = head.post(path, body | more)
        assert (answer.status_code, answer.json()["params"]["reason"]) == (422, "unknown_field"), path
    assert not User.objects.get(pk=pupil.pk).is_super_admin


def test_nobody_climbs_by_a_custom_role(cast: Cast, head: Api) -> None:
    domain = str(cast.account.domain.uuid)
    for rules in ([["allow", "*"]], [["allow", "*.*"]], [["deny", "vm.read"], ["allow", "*"]]):
        answer = head.post("roles/", {"name": "god", "rules": rules, "domain": domain})
        assert (answer.status_code, answer.json()["params"]["reason"]) == (403, "more_than_you_hold")
    assert head.post("roles/", {"name": "god", "rules": [["allow", "vm.read"]]}).status_code == 403
    made = head.post("roles/", {"name": "reader", "rules": [["allow", "vm.read"]], "domain": domain})
    assert made.json()["permissions"] == ["vm.read"]
    path = f"roles/{made.json()['id']}/"
    assert head.patch(path, {"rules": [["allow", "zone.remove"]]}).status_code == 403
    assert head.patch(path, {"key": "super-admin"}).status_code == 422
    assert head.patch(path, {"domain": None}).status_code == 422
    assert Role.objects.get(name="reader").rules == [["allow", "vm.read"]]


def test_a_ready_role_stays_as_it_is(cast: Cast) -> None:
    path = f"roles/{ready('user').uuid}/"
    assert (
        cast.operator.patch(path, {"rules": [["allow", "*"]]}).json()["params"]["reason"]
        == "role_is_ready_made"
    )
    assert cast.operator.delete(path).status_code == 409


def test_a_refusal_says_why_and_who_could_grant_it(cast: Cast, head: Api) -> None:
    pupil = Api(cast.users["pupil"])
    answer = pupil.patch(f"quotas/{cast.account.uuid}/", {"machines": 5}).json()
    why = answer["why"]
    assert (why["permission"], why["decided_by"], why["allowed"]) == ("quota.set", "nothing", False)
    assert why["who_may"] == [cast.users["head"].username, cast.users["operator"].username]
    assert why["text"]


def test_a_refusal_names_nobody_of_a_sibling(cast: Cast, head: Api) -> None:
    sibling = factories.make_user()
    give(None, sibling, "domain-admin", factories.make_domain())
    answer = Api(cast.users["pupil"]).patch(f"quotas/{cast.account.uuid}/", {"machines": 5}).json()
    assert sibling.username not in str(answer)


def test_access_is_checked_of_others_by_who_sees_their_roles(cast: Cast, head: Api) -> None:
    pupil, account = cast.users["pupil"], str(cast.account.uuid)
    body = {"user": str(pupil.uuid), "permission": "vm.deploy", "kind": "account", "id": account}
    answer = head.post("access-check/", body).json()
    assert (answer["allowed"], answer["decided_by"]) == (True, "role")
    assert answer["paths"][0]["pattern"] == "vm.*"
    assert cast.member.post("access-check/", body).status_code == 404
    assert Api(pupil).post("access-check/", body | {"user": str(cast.users["head"].uuid)}).status_code == 404
    assert Api(pupil).post("access-check/", body | {"user": None}).json()["allowed"]
    hidden = {"permission": "vm.read", "kind": "virtual-machine", "id": str(cast.vm.uuid)}
    assert Api(pupil).post("access-check/", hidden).status_code == 404
    assert head.post("access-check/", {"permission": "no.such"}).status_code == 422


def test_a_role_that_is_held_says_where(cast: Cast, head: Api) -> None:
    role = custom(cast.account.domain, "vm.read", name="reader")
    give(cast.users["head"], cast.users["pupil"], role, cast.account)
    answer = head.delete(f"roles/{role.uuid}/").json()
    assert answer["params"]["where"] == cast.account.name
    Grant.objects.filter(role=role).delete()
    assert head.delete(f"roles/{role.uuid}/").status_code == 204
