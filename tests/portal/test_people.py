"""People are let in by a link that is shown once; a fresh one is made for who lost it."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.accounts.models import Account, Grant, LoginLink, Membership, User
from apps.accounts.roles.ready import ready
from apps.accounts.services import create_root_domain
from apps.jobs.models import Event
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
INVITE, LINK = "/people/invite/", "/people/link/"


@pytest.fixture
def operator() -> Client:
    create_root_domain()
    return client_of(factories.make_user(super_admin=True))


def link_in(page: str) -> str:
    found = re.search(r'id="login-link">http://testserver/login/link/#([\w-]+)<', page)
    assert found
    return found[1]


def test_the_pages_are_the_operators() -> None:
    member = Client()
    member.force_login(factories.make_user(factories.make_account()))
    for path in (INVITE, LINK):
        assert [member.get(path).status_code, Client().get(path).status_code] == [404, 302]
        assert member.post(path, {"username": "eve"}).status_code == 404
    assert not LoginLink.objects.exists()
    assert not User.objects.filter(username="eve").exists()


def test_who_is_invited_logs_in_by_the_link_and_owns_an_account(operator: Client) -> None:
    answer = operator.post(INVITE, {"username": "ada", "full_name": "Ada Lovelace"})
    assert answer.status_code == 200
    ada = Client()
    assert ada.post("/login/link/", {"token": link_in(answer.text)}).status_code == 302
    assert "Make your first virtual machine" in ada.get("/").text
    assert Membership.objects.get(user__username="ada").account.name == "ada"


def test_who_is_invited_can_join_an_account(operator: Client) -> None:
    account = factories.make_account()
    operator.post(INVITE, {"username": "ada", "account": account.uuid})
    assert [row.account for row in Membership.objects.filter(user__username="ada")] == [account]
    assert Account.objects.count() == 1


@pytest.mark.parametrize(("body", "field"), [({"username": "a b"}, "username"), ({"email": "nope"}, "email")])
def test_what_is_refused_is_told_beside_its_field_and_lets_nobody_in(
    operator: Client, body: dict[str, str], field: str
) -> None:
    answer = operator.post(INVITE, {"username": "ada", **body})
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.text
    assert not LoginLink.objects.exists()


def test_a_fresh_link_is_made_for_who_is_here_and_active(operator: Client) -> None:
    user = factories.make_user(factories.make_account())
    assert link_in(operator.post(LINK, {"username": user.username.upper()}).text)
    User.objects.filter(pk=user.pk).update(is_active=False)
    for name in (user.username, "nobody-at-all"):
        answer = operator.post(LINK, {"username": name})
        assert (answer.status_code, 'id="id_username_error"' in answer.text) == (422, True)
    assert Event.objects.filter(kind="login_link.create").count() == 1


def test_the_link_is_kept_nowhere_but_on_the_page(operator: Client) -> None:
    answer = operator.post(INVITE, {"username": "ada"})
    token = link_in(answer.text)
    assert answer["Cache-Control"] == "private, no-store"
    assert token not in str(list(Event.objects.values())) + str(list(LoginLink.objects.values()))
    assert token not in operator.get("/").text


def test_a_link_for_somebody_unseen_is_refused_as_for_nobody() -> None:
    """Else whoever looks after one domain could try out who there is in the others."""
    mine, others = factories.make_domain(), factories.make_domain()
    admin, stranger = factories.make_user(), factories.make_user(factories.make_account(others))
    Grant.objects.create(user=admin, role=ready("domain-admin"), scope="domain", domain=mine)
    client = client_of(admin)
    asked = [client.post(LINK, {"username": name}) for name in (stranger.username, "nobody")]
    assert [answer.status_code for answer in asked] == [422, 422]
    texts = [answer.text.replace(stranger.username, "nobody") for answer in asked]
    faults = [re.findall(r'class="fault.*', text) for text in texts]
    assert faults[0] == faults[1] != []
    assert not LoginLink.objects.exists()
