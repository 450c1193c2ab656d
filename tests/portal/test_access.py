"""What who looks after people sees of how they get in, and does about it."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.accounts.actor import Actor
from apps.accounts.models import Account, ApiToken, Grant, LoginLink, Membership, Session, User
from apps.accounts.passwords import set_password
from apps.accounts.roles.ready import AUDITOR, DOMAIN_ADMIN, PROJECT_ADMIN, ready
from apps.accounts.tokens import issue_token, user_of_token
from apps.core.errors import CloudError
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
PASSWORD, OTHER = "seven blue bicycles", "nine green kettles"
SYSTEM = Actor.system("a test")
PARTS = ("", "end/", "password/", "unlock/")


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def user(account: Account) -> User:
    return set_password(SYSTEM, factories.make_user(account), new=PASSWORD)


@pytest.fixture
def admin() -> Client:
    return client_of(factories.make_user(super_admin=True))


def admin_of(account: Account, role: str = PROJECT_ADMIN) -> User:
    user = factories.make_user(account)
    Membership.objects.filter(user=user).update(role=ready(role))
    return user


@pytest.mark.parametrize("part", PARTS)
def test_to_others_there_is_nothing(user: User, account: Account, part: str) -> None:
    address = f"/people/{user.uuid}/access/{part}"
    strangers = [factories.make_user(factories.make_account()), factories.make_user(account), user]
    for stranger in strangers:
        client = client_of(stranger)
        assert [client.get(address).status_code, client.post(address).status_code] == [404, 404]
    assert not LoginLink.objects.exists()


def test_an_admin_sees_and_ends_sessions_and_tokens(user: User, admin: Client) -> None:
    client = client_of(user)
    row, text = issue_token(SYSTEM, user=user, name="nightly")
    page = admin.get(f"/people/{user.uuid}/access/").text
    assert "nightly" in page
    assert text not in page
    assert admin.post(f"/people/{user.uuid}/access/end/").status_code == 302
    assert client.get("/api/v1/me/").status_code == 401
    assert user_of_token(text) == user
    assert admin.post(f"/people/{user.uuid}/access/tokens/{row.uuid}/").status_code == 302
    assert user_of_token(text) is None


def test_an_admin_issues_no_token_of_a_person(user: User) -> None:
    with pytest.raises(CloudError) as caught:
        issue_token(Actor(factories.make_user(super_admin=True)), user=user, name="x")
    assert caught.value.status == 403
    assert not ApiToken.objects.exists()


def test_an_admin_makes_a_link_for_a_new_password(user: User, admin: Client) -> None:
    assert admin.get(f"/people/{user.uuid}/access/password/").status_code == 200
    assert not LoginLink.objects.exists()
    page = admin.post(f"/people/{user.uuid}/access/password/").text
    found = re.search(r"/login/password/#([\w-]+)<", page)
    assert found
    form = {"token": found[1], "new_password": OTHER, "again": OTHER}
    assert Client().post("/login/password/", form).status_code == 302
    user.refresh_from_db()
    assert user.check_password(OTHER)


def test_an_admin_lets_a_locked_user_try_again(user: User, admin: Client) -> None:
    def attempt(password: str) -> int:
        form = {"username": user.username, "password": password}
        return int(Client(REMOTE_ADDR="192.0.2.9").post("/login/", form).status_code)

    assert [attempt("wrong") for _ in range(5)][-1] == 429
    assert "192.0.2.9" in admin.get(f"/people/{user.uuid}/access/").text
    assert admin.post(f"/people/{user.uuid}/access/unlock/").status_code == 302
    assert attempt(PASSWORD) == 302


def test_an_admin_of_an_account_makes_a_service_account_and_its_token(account: Account) -> None:
    client = client_of(admin_of(account))
    made = client.post("/service-accounts/new/", {"username": "robot", "account": str(account.uuid)})
    robot = User.objects.get(username="robot")
    assert made["Location"] == f"/service-accounts/{robot.uuid}/"
    assert (robot.kind, robot.service_of, robot.email) == ("service", account, "")
    answer = client.post(f"{made['Location']}token/", {"name": "ci", "days": "30", "verbs": "vm.*"})
    found = re.search(r'<code id="token">([\w-]+)<', answer.text)
    assert found
    assert user_of_token(found[1]) == robot
    token = ApiToken.objects.get()
    assert client.post(made["Location"], {"token": str(token.uuid)}).status_code == 302
    assert user_of_token(found[1]) is None


def test_a_service_account_has_no_password_no_link_and_no_session(account: Account) -> None:
    client = client_of(admin_of(account))
    client.post("/service-accounts/new/", {"username": "robot", "account": str(account.uuid)})
    robot = User.objects.get(username="robot")
    with pytest.raises(CloudError):
        set_password(SYSTEM, robot, new=PASSWORD)
    robot.set_password(PASSWORD)
    robot.save()
    assert Client().post("/login/", {"username": "robot", "password": PASSWORD}).status_code == 422
    assert not Session.objects.filter(user=robot).exists()


def test_removing_a_service_account_ends_its_tokens(account: Account) -> None:
    client = client_of(admin_of(account))
    client.post("/service-accounts/new/", {"username": "robot", "account": str(account.uuid)})
    robot = User.objects.get(username="robot")
    _row, text = issue_token(SYSTEM, user=robot, name="ci")
    assert client.get(f"/service-accounts/{robot.uuid}/remove/").status_code == 200
    assert user_of_token(text) == robot
    assert client.post(f"/service-accounts/{robot.uuid}/remove/").status_code == 302
    assert user_of_token(text) is None
    assert client.get(f"/service-accounts/{robot.uuid}/").status_code == 404


def test_service_accounts_are_made_by_who_may_and_seen_by_who_may(account: Account) -> None:
    client_of(admin_of(account)).post(
        "/service-accounts/new/", {"username": "robot", "account": str(account.uuid)}
    )
    robot = User.objects.get(username="robot")
    member, auditor = client_of(factories.make_user(account)), client_of(admin_of(account, AUDITOR))
    stranger = client_of(admin_of(factories.make_account()))
    form = {"username": "evil", "account": str(account.uuid)}
    assert member.post("/service-accounts/new/", form).status_code == 403
    assert stranger.post("/service-accounts/new/", form).status_code == 422
    address = f"/service-accounts/{robot.uuid}/"
    assert [client.get(address).status_code for client in (member, auditor, stranger)] == [404, 200, 404]
    assert auditor.post(f"{address}remove/").status_code == 403
    assert auditor.post(f"{address}token/", {"name": "x", "days": "30", "verbs": "*"}).status_code == 403
    assert not User.objects.filter(username="evil").exists()
    robot.refresh_from_db()
    assert robot.is_active


def test_a_domain_admin_looks_after_the_people_of_the_domain_alone() -> None:
    """And never after somebody who is more: no link takes over a super admin who is a member there."""
    domain = factories.make_domain()
    here, there = factories.make_account(domain), factories.make_account(factories.make_domain())
    admin = factories.make_user(here)
    Grant.objects.create(user=admin, role=ready(DOMAIN_ADMIN), scope="domain", domain=domain)
    own, sibling = factories.make_user(here), factories.make_user(there)
    boss = factories.make_user(here, super_admin=True)
    client = client_of(admin)
    answers = [
        client.post(f"/people/{each.uuid}/access/password/").status_code for each in (own, sibling, boss)
    ]
    assert answers == [200, 404, 404]
    assert [link.user for link in LoginLink.objects.all()] == [own]
    assert client.get(f"/people/{own.uuid}/access/").status_code == 200
    assert client.get(f"/people/{boss.uuid}/access/").status_code == 404
