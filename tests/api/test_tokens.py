"""Tokens over REST: kept to verbs and accounts, and never a way to more than their user may."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.limits import Limits
from apps.accounts.lockout import unlock_user
from apps.accounts.models import ApiToken, IdempotencyKey, Membership, User
from apps.accounts.passwords import set_password
from apps.accounts.service_accounts import create_service_account
from apps.accounts.sessions import cut_off
from apps.accounts.tokens import create_login_link, issue_token, redeem_login_link
from apps.core.errors import PermissionDenied
from tests import factories
from tests.api.client import Api, code
from tests.api.conftest import Cast

SYSTEM = Actor.system("a test")


def with_token(user: User, *verbs: str, accounts: list[Any] | None = None, days: int | None = None) -> Api:
    """The API by a token of the user's that is kept to these."""
    api = Api()
    _row, text = issue_token(
        SYSTEM, user=user, name="limited", verbs=verbs or ("*",), accounts=accounts, days=days
    )
    api.headers["Authorization"] = f"Token {text}"
    api.user = user
    return api


def test_a_token_that_may_look_changes_nothing(cast: Cast) -> None:
    api = with_token(cast.users["member"], "*.read")
    path = f"virtual-machines/{cast.vm.uuid}/"
    assert api.get(path).status_code == 200
    assert code(api.patch(path, {"name": "other"}))[:2] == (403, "permission_denied")
    assert api.post(f"{path}start/").status_code == 403


def test_a_token_of_one_verb_does_not_even_see_the_rest(cast: Cast) -> None:
    api = with_token(cast.users["member"], "ssh_key.*")
    assert api.get(f"virtual-machines/{cast.vm.uuid}/").status_code == 404
    assert api.get("virtual-machines/").json()["results"] == []
    assert len(api.get("ssh-keys/").json()["results"]) == 1


def test_a_token_of_one_account_knows_nothing_of_another(cast: Cast) -> None:
    user, second = cast.users["member"], factories.make_account(cast.root)
    Membership.objects.create(user=user, account=second)
    there = factories.make_vm(cast.zone, account=second)
    api = with_token(user, accounts=[second])
    assert api.get(f"virtual-machines/{there.uuid}/").status_code == 200
    assert api.get(f"virtual-machines/{cast.vm.uuid}/").status_code == 404
    seen = {row["id"] for row in api.get("virtual-machines/").json()["results"]}
    assert seen == {str(there.uuid)}
    assert code(api.post("virtual-machines/", cast.wanted(account=str(cast.account.uuid))))[0] == 404


def test_an_account_that_goes_takes_nothing_into_the_open(cast: Cast) -> None:
    api = with_token(cast.users["member"], accounts=[cast.account])
    ApiToken.objects.get(name="limited").accounts.clear()
    assert api.get(f"virtual-machines/{cast.vm.uuid}/").status_code == 404


def test_limits_widen_nothing(cast: Cast) -> None:
    """A token for everything, of a member, is a member's; one for another's account opens nothing there."""
    api = with_token(cast.users["member"], "*")
    assert api.get("users/").status_code == 403
    assert api.post("regions/", {"name": "x"}).status_code == 403
    other = with_token(cast.users["other"], "vm.*", accounts=[cast.account])
    assert other.get(f"virtual-machines/{cast.vm.uuid}/").status_code == 404


def test_an_operators_limited_token_is_no_operator(cast: Cast) -> None:
    api = with_token(cast.users["operator"], "vm.read")
    assert api.get(f"virtual-machines/{cast.vm.uuid}/").status_code == 200
    assert api.post("regions/", {"name": "x"}).status_code == 403
    assert api.post(f"virtual-machines/{cast.vm.uuid}/start/").status_code == 403


@pytest.mark.parametrize("limits", [{"verbs": ("token.*", "password.*", "vm.*")}, {"accounts": True}])
def test_a_limited_token_makes_no_credential(cast: Cast, limits: dict[str, Any]) -> None:
    user = cast.users["operator"]
    accounts = list(user.accounts.all()) if limits.get("accounts") else None
    api = with_token(user, *limits.get("verbs", ()), accounts=accounts)
    before = ApiToken.objects.count()
    asked = {
        "tokens/": {"name": "more"},
        "password/": {"present_password": "x", "new_password": "seven blue bicycles"},
        "password/link/": {"user": str(user.uuid)},
        "service-accounts/": {"username": "robot", "account": str(cast.account.uuid)},
    }
    for path, body in asked.items():
        assert api.post(path, body).status_code in {403, 404}, path
    assert ApiToken.objects.count() == before
    with pytest.raises(PermissionDenied):
        create_login_link(Actor(user, limits=Limits(("*",))), user=user)


def test_what_a_token_makes_does_not_outlive_it(cast: Cast) -> None:
    api = with_token(cast.users["member"], days=10)
    assert api.post("tokens/", {"name": "short", "days": 9}).status_code == 201
    refused = api.post("tokens/", {"name": "long", "days": 11})
    assert code(refused) == (422, "invalid_input", "days")


def test_a_new_token_is_told_once_and_kept_nowhere(cast: Cast) -> None:
    body = {"name": "ci", "verbs": ["vm.*"], "days": 5}
    made = cast.member.post("tokens/", body, idempotency_key="once")
    text = made.json()["token"]
    assert text not in cast.member.get(f"tokens/{made.json()['id']}/").content.decode()
    assert text not in cast.member.get("tokens/").content.decode()
    assert text not in str(list(IdempotencyKey.objects.values()))
    assert text not in str(list(ApiToken.objects.values()))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"verbs": []}, "verbs"),
        ({"verbs": ["nothing.such"]}, "verbs"),
        ({"verbs": ["vm"]}, "verbs"),
        ({"days": 0}, "days"),
        ({"days": 4000}, "days"),
        ({"accounts": ["x"]}, "accounts"),
        ({"name": "\n"}, "name"),
        ({"is_super_admin": True}, "is_super_admin"),
    ],
)
def test_bad_input_is_told_at_its_place(cast: Cast, changes: dict[str, Any], place: str) -> None:
    assert code(cast.member.post("tokens/", {"name": "x"} | changes)) == (422, "invalid_input", place)


def test_another_members_token_is_nobodys_by_its_id(cast: Cast) -> None:
    row = ApiToken.objects.get(user=cast.users["member"])
    for api in (cast.apis["other"], with_token(factories.make_user(cast.account))):
        assert api.get(f"tokens/{row.uuid}/").status_code == 404
        assert api.delete(f"tokens/{row.uuid}/").status_code == 404
        assert api.get(f"tokens/?user={cast.users['member'].uuid}").status_code in {403, 404}
        body = {"name": "x", "user": str(cast.users["member"].uuid)}
        assert api.post("tokens/", body).status_code == 404
    assert ApiToken.objects.filter(pk=row.pk).exists()


def test_whoever_is_cut_off_is_out_at_once_and_stays_out(cast: Cast) -> None:
    user = cast.users["member"]
    cast.member.client.force_login(user)
    link = create_login_link(SYSTEM, user=user).partition("#")[2]
    cut_off(user)
    assert cast.member.get("me/").status_code == 401
    with pytest.raises(PermissionDenied):
        redeem_login_link(link)
    User.objects.filter(pk=user.pk).update(is_active=True)
    assert cast.member.get("me/").status_code == 401
    cast.member.headers.clear()
    assert cast.member.get("me/").status_code == 401


def test_a_service_account_acts_in_its_account_alone(cast: Cast) -> None:
    robot = create_service_account(SYSTEM, account=cast.account, username="robot")
    api = with_token(robot)
    assert api.get(f"virtual-machines/{cast.vm.uuid}/").status_code == 200
    other = factories.make_vm(cast.zone, account=cast.other_account)
    assert api.get(f"virtual-machines/{other.uuid}/").status_code == 404
    assert api.post("password/", {"new_password": "seven blue bicycles"}).status_code in {403, 422}
    robot.refresh_from_db()
    assert not robot.has_usable_password()


def test_a_password_is_changed_over_rest_with_the_present_one(cast: Cast) -> None:
    user = set_password(SYSTEM, cast.users["member"], new="seven blue bicycles")
    body = {"present_password": "wrong", "new_password": "nine green kettles"}
    assert code(cast.member.post("password/", body)) == (422, "invalid_input", "present_password")
    answers = [cast.member.post("password/", body).status_code for _ in range(4)]
    assert answers[-1] == 429
    unlock_user(SYSTEM, user)
    weak = cast.member.post(
        "password/", {**body, "present_password": "seven blue bicycles", "new_password": "x"}
    )
    assert code(weak) == (422, "invalid_input", "new_password")
    assert (
        cast.member.post("password/", {**body, "present_password": "seven blue bicycles"}).status_code == 204
    )
    user.refresh_from_db()
    assert user.check_password("nine green kettles")
