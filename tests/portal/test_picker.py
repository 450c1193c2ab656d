"""One of very many domains or accounts is named, with what matches offered; one of few is chosen."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Account, Domain, Membership
from apps.portal import picker
from tests import factories
from tests.accounts.rights import Campus, make_campus
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
OPTION = re.compile(r'<option value="([^"]*)">([^<]*)</option>')


@pytest.fixture
def campus() -> Campus:
    return make_campus()


@pytest.fixture
def chief(campus: Campus) -> Client:
    return client_of(campus.chief)


def offered(browser: Client, kind: str, text: str) -> list[tuple[str, str]]:
    return OPTION.findall(browser.get(f"/pick/{kind}/", {"whatever": text}).text)


def test_what_matches_is_offered_with_where_it_lies(campus: Campus, chief: Client) -> None:
    assert offered(chief, "domain", campus.lab.name.upper()) == [
        (campus.lab.name, f"{campus.lab.name} · {campus.school.name}")
    ]
    assert offered(chief, "account", campus.in_lab.name)[0][1].endswith(campus.lab.name)
    assert offered(chief, "domain", "no such name") == []


def test_one_of_several_of_a_name_is_offered_by_its_id(campus: Campus, chief: Client) -> None:
    for domain in (campus.lab, campus.sibling):
        twin = factories.make_account(domain)
        twin.set_name("Twin")
        twin.save()
    values = {value for value, _label in offered(chief, "account", "twin")}
    assert values == {str(row.uuid) for row in Account.objects.filter(name="Twin")}


def test_nobody_is_offered_what_they_do_not_see(campus: Campus) -> None:
    names = {value for value, _label in offered(client_of(campus.head), "domain", "")}
    assert campus.lab.name in names
    assert campus.sibling.name not in names
    assert offered(client_of(campus.stranger), "domain", campus.lab.name) == []
    assert client_of(campus.chief).get("/pick/users/").status_code == 404
    assert Client().get("/pick/domain/").status_code == 302


def test_few_are_offered_of_many(campus: Campus, chief: Client) -> None:
    for _each in range(picker.OFFERED + 5):
        factories.make_account(campus.lab)
    assert len(offered(chief, "account", "")) == picker.OFFERED


def test_a_form_lists_few_and_asks_for_the_name_of_one_of_many(
    campus: Campus, chief: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert '<select name="account"' in chief.get("/people/invite/").text
    monkeypatch.setattr(picker, "CHOSEN_UP_TO", 1)
    page = chief.get("/people/invite/").text
    assert '<select name="account"' not in page
    assert 'hx-get="/pick/account/"' in page
    assert '<datalist id="id_account-options">' in page
    lost = chief.post("/people/invite/", {"username": "ada", "account": "nowhere"})
    assert (lost.status_code, 'id="id_account_error"' in lost.text) == (422, True)
    assert (
        chief.post("/people/invite/", {"username": "ada", "account": campus.in_lab.name}).status_code == 200
    )
    assert [row.account for row in Membership.objects.filter(user__username="ada")] == [campus.in_lab]
    assert chief.post("/people/invite/", {"username": "bob", "account": ""}).status_code == 200
    assert Account.objects.filter(name="bob").exists()


def test_a_project_begins_in_a_domain_that_was_named(
    campus: Campus, chief: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picker, "CHOSEN_UP_TO", 1)
    page = chief.get("/projects/new/").text
    assert 'hx-get="/pick/project-domain/"' in page
    assert chief.post("/projects/new/", {"name": "Wind", "domain": str(campus.lab.uuid)}).status_code == 302
    assert Account.objects.get(name="Wind").domain == campus.lab


def test_a_form_costs_the_same_for_any_number_of_domains(campus: Campus, chief: Client) -> None:
    counts: list[int] = []
    sizes: list[int] = []
    for number in (picker.CHOSEN_UP_TO, 100):
        rows = [Domain(parent=campus.lab) for _each in range(number)]
        for each, row in enumerate(rows):
            row.set_name(f"d{len(counts)}-{each}")
        Domain.objects.bulk_create(rows)
        with CaptureQueriesContext(connection) as queries:
            sizes.append(len(chief.get("/projects/new/").content))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert abs(sizes[0] - sizes[1]) < 100
