"""Domains, accounts, members and transfers over REST: who may, what is answered, what is not there."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Account, Domain, Grant, User
from apps.accounts.roles.ready import AUDITOR, DOMAIN_ADMIN, PROJECT_ADMIN, SUPER_ADMIN, USER, ready
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.jobs.models import Event
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


def admin_of(domain: Domain, role: str = DOMAIN_ADMIN) -> Api:
    user = factories.make_user()
    Grant.objects.create(user=user, role=ready(role), scope="domain", domain=domain)
    return Api(user)


def operator() -> Api:
    return Api(factories.make_user(super_admin=True))


def test_an_admin_of_a_domain_rules_it_and_a_sibling_is_not_there() -> None:
    mine, sibling = factories.make_domain(), factories.make_domain()
    api = admin_of(mine)
    made = api.post("domains/", {"name": "Lab", "parent": str(mine.uuid)}).json()
    assert made["parent"]["id"] == str(mine.uuid)
    assert made["state"] == "active"
    assert api.get(f"domains/{mine.uuid}/").json()["parent"] is None
    account = api.post("accounts/", {"name": "Chem", "domain": made["id"]}).json()
    there = factories.make_account(sibling)
    acts: list[tuple[str, str, Any]] = [
        ("POST", "disable/", {}),
        ("POST", "enable/", {}),
        ("POST", "close/", {}),
        ("POST", "reopen/", {}),
        ("GET", "touched/", None),
        ("PATCH", "", {"name": "Other"}),
    ]
    for method, path, body in acts:
        assert api.send(method, f"domains/{made['id']}/{path}", body).status_code == 200, path
        assert api.send(method, f"accounts/{account['id']}/{path}", body).status_code == 200, path
        assert api.send(method, f"domains/{sibling.uuid}/{path}", body).status_code == 404, path
        assert api.send(method, f"accounts/{there.uuid}/{path}", body).status_code == 404, path
    for noun, row, field in (("domains", made, "parent"), ("accounts", account, "domain")):
        assert api.post(f"{noun}/{row['id']}/move/", {field: str(mine.uuid)}).status_code == 200
        refused = api.post(f"{noun}/{row['id']}/move/", {field: str(sibling.uuid)})
        assert (refused.status_code, refused.json()["place"]) == (404, field)
    assert not Event.objects.filter(target_uuid__in=[sibling.uuid, there.uuid]).exists()


@pytest.mark.parametrize("role", [USER, AUDITOR])
def test_who_only_uses_or_looks_changes_nothing(role: str) -> None:
    domain = factories.make_domain()
    account = factories.make_account(domain)
    api = admin_of(domain, role)
    for path in ("disable/", "enable/", "close/", "reopen/"):
        assert api.post(f"accounts/{account.uuid}/{path}").status_code == 403
    assert api.patch(f"accounts/{account.uuid}/", {"name": "x"}).status_code == 403
    assert api.get(f"accounts/{account.uuid}/touched/").status_code == 403
    assert not Event.objects.filter(target_uuid=account.uuid).exists()


def test_a_closing_says_when_and_what_and_can_be_taken_back() -> None:
    account = factories.make_account(factories.make_domain())
    zone = factories.make_zone()
    template = factories.make_template(zone, account)
    factories.make_vm(zone, account=account, state=State.STOPPED, template=template)
    heir = factories.make_account()
    factories.make_vm(zone, account=heir, template=template)
    api = operator()
    told = {row["kind"]: row for row in api.get(f"accounts/{account.uuid}/touched/").json()["touched"]}
    assert (told["virtual machine"]["count"], told["template"]["needed"]) == (1, 1)
    refused = api.post(f"accounts/{account.uuid}/close/", {})
    assert (refused.status_code, refused.json()["place"]) == (422, "heir")
    closed = api.post(f"accounts/{account.uuid}/close/", {"heir": str(heir.uuid)}).json()
    assert (closed["state"], closed["heir"]["id"], closed["closes_at"] is not None) == (
        "closing",
        str(heir.uuid),
        True,
    )
    vm = VirtualMachine.objects.get(account=account)
    stopped = api.post(f"virtual-machines/{vm.uuid}/start/")
    assert (stopped.status_code, stopped.json()["code"]) == (409, "account_disabled")
    assert account.domain.name in stopped.json()["remedy"]
    assert api.post(f"accounts/{account.uuid}/reopen/").json()["state"] == "active"


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("move/", {}, "parent"),
        ("move/", {"parent": "x"}, "parent"),
        ("move/", {"parent": "6f1c2a34-0000-4000-8000-000000000001"}, "parent"),
        ("move/", {"parent": None, "path": "/1/"}, "path"),
        ("close/", {"heir": "6f1c2a34-0000-4000-8000-000000000001"}, "heir"),
        ("disable/", {"now": True}, "now"),
    ],
)
def test_what_cannot_be_used_is_named(path: str, body: dict[str, Any], place: str) -> None:
    domain = factories.make_domain()
    answer = operator().post(f"domains/{domain.uuid}/{path}", body)
    assert answer.status_code in {404, 422}
    assert place in str(answer.json())


def test_nothing_but_a_name_is_changed_by_a_patch() -> None:
    account, domain = factories.make_account(), factories.make_domain()
    api = operator()
    for body in (
        {"domain": str(domain.uuid)},
        {"disabled_at": None},
        {"closes_at": None},
        {"kind": "project"},
    ):
        assert api.patch(f"accounts/{account.uuid}/", {"name": "x", **body}).status_code == 422
    account.refresh_from_db()
    assert account.name != "x"


def test_members_come_change_and_go() -> None:
    account = factories.make_account()
    admin, user = factories.make_user(account), factories.make_user()
    account.memberships.update(role=ready(PROJECT_ADMIN))
    api, at = operator(), f"accounts/{account.uuid}/members/"
    given = api.post(at, {"user": str(user.uuid)}).json()["members"]
    assert {row["user"]["name"]: row["role"]["name"] for row in given} == {
        admin.username: PROJECT_ADMIN,
        user.username: USER,
    }
    mine = Api(admin)
    answer = mine.patch(f"{at}{user.uuid}/", {"role": str(ready(PROJECT_ADMIN).uuid)})
    assert answer.status_code == 200
    kinds = list(Event.objects.filter(account=account).order_by("id").values_list("kind", flat=True))
    assert kinds == ["account.add_member", "account.change_member"]
    assert mine.delete(f"{at}{user.uuid}/").status_code == 204
    assert mine.delete(f"{at}{user.uuid}/").status_code == 404
    assert not user.memberships.exists()


def test_nobody_gives_a_role_that_is_more_than_their_own() -> None:
    account = factories.make_account()
    admin, friend, chief = (factories.make_user(account) for _ in range(3))
    account.memberships.filter(user=admin).update(role=ready(PROJECT_ADMIN))
    account.memberships.filter(user=chief).update(role=ready(AUDITOR))
    api, at = Api(admin), f"accounts/{account.uuid}/members/"
    refused = api.patch(f"{at}{friend.uuid}/", {"role": str(ready(AUDITOR).uuid)})
    assert refused.status_code == 403
    for role in (SUPER_ADMIN, DOMAIN_ADMIN):
        assert api.patch(f"{at}{friend.uuid}/", {"role": str(ready(role).uuid)}).status_code == 422
    assert api.delete(f"{at}{chief.uuid}/").status_code == 403
    member = Api(friend)
    assert member.post(at, {"user": str(friend.uuid)}).status_code == 403
    assert member.patch(f"{at}{friend.uuid}/", {"role": str(ready(PROJECT_ADMIN).uuid)}).status_code == 403
    assert member.delete(f"{at}{friend.uuid}/").status_code == 403
    stranger = Api(factories.make_user(factories.make_account()))
    assert stranger.get(at).status_code == 404


def test_a_machine_changes_hands() -> None:
    old, new = factories.make_account(), factories.make_account()
    vm = factories.make_vm(factories.make_zone(), account=old, state=State.STOPPED)
    giver, both = Api(factories.make_user(old)), Api(factories.make_user(old, new))
    at, body = f"virtual-machines/{vm.uuid}/", {"account": str(new.uuid)}
    for path in ("transfer/", "transfer-plan/"):
        hidden = giver.post(at + path, body)
        assert (hidden.status_code, hidden.json()["place"]) == (404, "account")
    plan = both.post(f"{at}transfer-plan/", body).json()
    assert (plan["amount"]["machines"], plan["volumes"]) == (1, 1)
    assert VirtualMachine.objects.get().account == old
    given = both.post(f"{at}transfer/", body)
    assert given.json()["account"]["id"] == str(new.uuid)
    assert giver.get(at).status_code == 404
    again = both.post(f"{at}transfer/", body)
    assert (again.status_code, again.json()["params"]["reason"]) == (422, "same_account")


def test_a_person_is_closed_and_kept_after_all() -> None:
    user = factories.make_user(factories.make_account())
    api, at = operator(), f"users/{user.uuid}/"
    kinds = {row["kind"]: row["count"] for row in api.get(f"{at}touched/").json()["touched"]}
    assert kinds == {"membership": 1}
    closed = api.post(f"{at}close/").json()
    assert (closed["is_active"], closed["closes_at"] is not None) == (False, True)
    assert api.post(f"{at}reopen/").json()["is_active"] is True
    assert Api(factories.make_user()).post(f"{at}close/").status_code in {403, 404}
    assert User.objects.get(pk=user.pk).is_active


@pytest.mark.parametrize("path", ["domains/", "accounts/"])
def test_lists_cost_the_same_whatever_they_hold(path: str, django_assert_max_num_queries: Any) -> None:
    domain = factories.make_domain()
    for _ in range(40):
        factories.make_account(factories.make_domain(domain))
    api = admin_of(domain)
    with django_assert_max_num_queries(14):
        assert api.get(f"{path}?limit=30").status_code == 200
    assert Account.objects.count() == 40
