"""The account that somebody works in: a beginning for forms and lists, and never a right."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Account, Grant, Membership, User
from apps.accounts.roles.ready import SUPER_ADMIN, ready
from apps.jobs.models import Event
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
PATH, MACHINES, KEYS = "/working-account/", "/virtual-machines/", "/ssh-keys/"


def make_account(name: str) -> Account:
    account = factories.make_account()
    account.set_name(name)
    account.save()
    return account


@pytest.fixture
def mine() -> list[Account]:
    return [make_account(name) for name in ("Astronomy", "Biology")]


@pytest.fixture
def ada(mine: list[Account]) -> User:
    return factories.make_user(*mine)


@pytest.fixture
def browser(ada: User) -> Client:
    return client_of(ada)


def choose(browser: Client, account: object, follow: str = "/") -> int:
    value = getattr(account, "uuid", account)
    return browser.post(PATH, {"account": str(value), "next": follow}).status_code


def test_who_belongs_to_several_accounts_sees_in_which_they_work_and_switches(
    browser: Client, mine: list[Account]
) -> None:
    assert 'class="working"' in browser.get("/").text
    page = browser.get(PATH, {"next": "/jobs/"}).text
    assert all(shown in page for shown in ("Astronomy", "Biology", 'value="/jobs/"'))
    answer = browser.post(PATH, {"account": str(mine[1].uuid), "next": "/projects/"}, follow=True)
    assert answer.redirect_chain == [("/projects/", 302)]
    assert "You work in Biology now." in answer.text
    assert "<strong><bdi>Biology</bdi></strong>" in answer.text
    assert choose(browser, "") == 302
    assert "<strong>All my accounts</strong>" in browser.get("/").text


def test_who_belongs_to_one_account_has_nothing_to_choose() -> None:
    account = factories.make_account()
    browser = client_of(factories.make_user(account))
    assert choose(browser, account) == 404
    assert 'class="working"' not in browser.get("/").text
    assert "There is nothing to choose" in browser.get(PATH).text
    assert browser.get(MACHINES).status_code == 200


def test_forms_begin_with_the_account_that_the_reader_works_in(browser: Client, mine: list[Account]) -> None:
    factories.make_offering()
    zone = factories.make_zone()
    factories.make_template(zone, mine[0], is_public=True)
    for account in mine:
        choose(browser, account)
        for path in ("/virtual-machines/new/", "/ssh-keys/new/"):
            assert f'<option value="{account.uuid}" selected>' in browser.get(path).text
    named = browser.get("/ssh-keys/new/", {"account": str(mine[0].uuid)}).text
    assert f'<option value="{mine[0].uuid}" selected>' in named


@pytest.mark.parametrize("path", [MACHINES, KEYS, "/jobs/", "/trash/"])
def test_lists_of_what_they_own_begin_with_it_and_show_all_when_asked(
    path: str, browser: Client, mine: list[Account]
) -> None:
    choose(browser, mine[0])
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{path}?account={mine[0].uuid}")
    assert browser.get(path, {"view": "all"}).status_code == 200
    choose(browser, "")
    assert browser.get(path).status_code == 200


def test_a_list_is_left_without_the_filter_of_the_account_before(
    browser: Client, mine: list[Account]
) -> None:
    was = f"{MACHINES}?account={mine[0].uuid}&state=Running"
    answer = browser.post(PATH, {"account": str(mine[1].uuid), "next": was})
    assert answer.headers["Location"] == MACHINES
    assert browser.post(PATH, {"next": "https://elsewhere.example/"}).headers["Location"] == "/"


def test_nobody_works_in_an_account_that_is_not_theirs(browser: Client) -> None:
    other = factories.make_account()
    for wrong in (other.uuid, "nothing", "0" * 36):
        assert choose(browser, wrong) == 404
    assert "<strong>All my accounts</strong>" in browser.get("/").text
    assert str(other.uuid) not in browser.get(PATH, {"q": other.name}).text


def test_who_sees_every_account_works_in_their_own_only(mine: list[Account]) -> None:
    admin = factories.make_user(*mine)
    Grant.objects.create(user=admin, role=ready(SUPER_ADMIN), scope="global")
    assert choose(client_of(admin), mine[0]) == 302
    assert choose(client_of(admin), factories.make_account()) == 404


def test_a_local_super_admin_names_an_account_in_each_form(mine: list[Account]) -> None:
    browser = client_of(factories.make_user(*mine, super_admin=True))
    assert choose(browser, mine[0]) == 404
    assert "There is nothing to choose" in browser.get(PATH).text


def test_the_choice_ends_with_the_membership(browser: Client, ada: User, mine: list[Account]) -> None:
    third = factories.make_account()
    Membership.objects.create(user=ada, account=third, role=Membership.objects.all()[0].role)
    choose(browser, third)
    assert browser.get(MACHINES).status_code == 302
    Membership.objects.filter(user=ada, account=third).delete()
    assert browser.get(MACHINES).status_code == 200
    assert third.name not in browser.get("/").text


def test_a_choice_is_no_event(browser: Client, mine: list[Account]) -> None:
    before = Event.objects.count()
    choose(browser, mine[0])
    assert Event.objects.count() == before


def test_one_of_many_accounts_is_found_by_its_name(ada: User, browser: Client) -> None:
    role = Membership.objects.all()[0].role
    more = [make_account(f"Lab {number:02}") for number in range(25)]
    Membership.objects.bulk_create([Membership(user=ada, account=each, role=role) for each in more])
    page = browser.get(PATH).text
    assert "look for one by its name" in page
    assert "Lab 24" not in page
    assert "Lab 24" in browser.get(PATH, {"q": "lab 24"}).text
    assert "None of your accounts has this name." in browser.get(PATH, {"q": "nowhere"}).text


def test_nobody_who_is_not_logged_in_chooses() -> None:
    assert Client().get(PATH).status_code == 302
    assert choose(Client(), "") == 302
