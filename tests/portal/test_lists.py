"""Lists of the portal: the URL is their state, pages follow by key both ways, bad addresses are told."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from importlib import import_module
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Account, User
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.core import keyset
from apps.portal.list_csv import safe
from apps.portal.list_shown import PAGE
from apps.portal.lists import ListPage
from apps.portal.live.topics import LISTS
from apps.zones.models import Zone
from tests import factories
from tests.portal.browsing import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

LIST = "/virtual-machines/"
LISTS_DECLARED_IN = (
    "apps.portal.machines.list",
    "apps.portal.jobs.list",
    "apps.portal.events.list",
    "apps.portal.infrastructure.lists",
    "apps.portal.images.views",
    "apps.portal.offerings.views",
)
BUDGET = 12


class Site:
    """A zone, an account with a member, and machines whose names are told apart."""

    def __init__(self) -> None:
        self.zone: Zone = factories.make_zone()
        self.account: Account = factories.make_account()
        self.other: Account = factories.make_account()
        self.offering = factories.make_offering()
        self.template = factories.make_template(self.zone, self.account)
        self.member = client_of(factories.make_user(self.account))
        self.operator = client_of(factories.make_user(super_admin=True))
        self.stranger = client_of(factories.make_user())

    def machines(self, *names: str, **columns: Any) -> None:
        rows = []
        for name in names:
            row = VirtualMachine(
                account=columns.pop("account", self.account),
                zone=self.zone,
                template=self.template,
                hostname="vm",
                **{"state": State.STOPPED, "offering": self.offering} | columns,
            )
            row.set_name(name)
            rows.append(row)
        VirtualMachine.objects.bulk_create(rows)


@pytest.fixture
def site() -> Site:
    return Site()


def names(page: Any) -> list[str]:
    return [unescape(name) for name in re.findall(r'<th scope="row"[^>]*>.*?<bdi>(.*?)</bdi>', page.text)]


def link(page: Any, text: str) -> str | None:
    found = re.search(rf'<a class="btn btn-secondary"[^>]*href="([^"]*)">{text}</a>', page.text)
    return unescape(found[1]) if found else None


def pages(client: Client, query: str, way: str) -> Iterator[list[str]]:
    following: str | None = query
    while following:
        page = client.get(LIST + following)
        assert page.status_code == 200
        yield names(page)
        following = link(page, way)


@pytest.mark.parametrize("order", ["name", "-name", "created", "-created", "state", "-state"])
def test_pages_follow_each_other_in_both_directions(site: Site, order: str) -> None:
    site.machines(*(f"vm-{number}" for number in range(120)))
    site.machines("zz", "Άλφα", state=State.ERROR)
    column = {"name": "name_sort", "created": "id", "state": "state"}[order.removeprefix("-")]
    sign = "-" if order.startswith("-") else ""
    rows = VirtualMachine.objects.order_by(sign + column, sign + "id")
    expected = list(rows.values_list("name", flat=True))
    forward = list(pages(site.member, f"?order={order}", "Next"))
    assert [name for page in forward for name in page] == expected
    back = list(pages(site.member, f"?order={order}&page=last", "Previous"))
    assert [name for page in reversed(back) for name in page] == expected


def test_rows_that_come_and_go_between_pages_hide_none(site: Site) -> None:
    site.machines(*(f"vm-{number}" for number in range(110)))
    first = site.member.get(f"{LIST}?order=name")
    VirtualMachine.objects.filter(name="vm-3").delete()
    site.machines("a-new-one")
    second = site.member.get(LIST + str(link(first, "Next")))
    assert names(second)[0] == f"vm-{PAGE}"
    back = site.member.get(LIST + str(link(second, "Previous")))
    assert names(back)[-1] == f"vm-{PAGE - 1}"


def test_filters_narrow_and_stay_in_the_links(site: Site) -> None:
    site.machines("web-1", "Εργαστήριο", state=State.RUNNING)
    site.machines("web-2")
    site.machines("web-3", account=site.other)
    for query, expected in (
        ("q=WEB", {"web-1", "web-2", "web-3"}),
        ("q=εργαστηριο", {"Εργαστήριο"}),
        ("state=Running", {"web-1", "Εργαστήριο"}),
        ("state=Running&state=Stopped&q=web", {"web-1", "web-2", "web-3"}),
        ("state=Running,Error", {"web-1", "Εργαστήριο"}),
        (f"account={site.other.uuid}", {"web-3"}),
        (f"account={site.other.name.upper()}", {"web-3"}),
        (f"zone={site.zone.uuid}&offering={site.offering.uuid}&template={site.template.uuid}&q=2", {"web-2"}),
    ):
        page = site.operator.get(f"{LIST}?{query}")
        assert page.status_code == 200, query
        assert set(names(page)) == expected, query
    page = site.operator.get(f"{LIST}?q=web&state=Stopped&order=name")
    assert 'href="?q=web&amp;state=Stopped&amp;order=-name"' in page.text


def test_a_reader_finds_what_it_made_itself(site: Site) -> None:
    site.machines("mine", created_by=User.objects.get(accounts=site.account))
    site.machines("a-colleagues")
    assert names(site.member.get(f"{LIST}?mine=true")) == ["mine"]
    assert names(site.operator.get(f"{LIST}?mine=true")) == []
    assert site.member.get(f"{LIST}?mine=perhaps").status_code == 422


def test_a_member_sees_what_its_accounts_own_and_a_stranger_nothing(site: Site) -> None:
    site.machines("mine")
    site.machines("theirs", account=site.other)
    assert names(site.member.get(LIST)) == ["mine"]
    assert names(site.operator.get(LIST)) == ["theirs", "mine"]
    assert names(site.stranger.get(LIST)) == []
    assert "No virtual machines here yet" in site.stranger.get(LIST).text
    assert names(site.member.get(f"{LIST}?account={site.other.uuid}")) == []
    assert site.other.name not in site.member.get(LIST).text
    assert Client().get(LIST).status_code == 302


def test_the_hosts_are_the_operators_to_see(site: Site) -> None:
    host = site.zone.hosts.get()
    vm = factories.make_vm(site.zone, account=site.account)
    factories.placed(vm)
    vm.save()
    assert host.name in site.operator.get(LIST).text
    assert host.name not in site.member.get(LIST).text
    assert names(site.operator.get(f"{LIST}?host={host.uuid}")) == [vm.name]
    page = site.member.get(f"{LIST}?host={host.uuid}")
    assert "host" in page.text
    assert names(page) == [vm.name]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("state=Odd", "This is none of"),
        ("zone=nowhere", "There is nothing of this name"),
        ("zone=00000000-0000-0000-0000-000000000000", "There is nothing of this name"),
        ("q=" + "x" * 300, "at most 100 characters"),
        ("q=a%00b", "text that can be read"),
        ("order=password", "This is none of"),
        ("columns=secrets", "This is none of"),
        ("cursor=forged", "not one that this list gave out"),
    ],
)
def test_a_bad_address_is_told_with_what_to_do(site: Site, query: str, said: str) -> None:
    site.machines("web")
    page = site.member.get(f"{LIST}?{query}")
    assert page.status_code == 422
    assert said in unescape(page.text)


def test_what_an_address_asks_that_is_not_known_is_told_and_left_out(site: Site) -> None:
    site.machines("web")
    page = site.member.get(f"{LIST}?stat=Running")
    assert page.status_code == 200
    assert "stat. Known" in page.text
    assert names(page) == ["web"]


def test_a_cursor_of_another_filter_leads_to_the_first_page_and_says_so(site: Site) -> None:
    site.machines(*(f"vm-{number:03}" for number in range(60)))
    following = str(link(site.member.get(f"{LIST}?order=name"), "Next"))
    page = site.member.get(LIST + following.replace("order=name", "order=-name"))
    assert page.status_code == 422
    assert names(page)[0] == "vm-059"


def test_nothing_yet_and_nothing_matches_are_told_apart(site: Site) -> None:
    page = site.member.get(LIST)
    assert "No virtual machines here yet" in page.text
    assert 'id="list-filters"' not in page.text
    site.machines("web")
    page = site.member.get(f"{LIST}?q=nothing-such")
    assert "Nothing matches" in page.text
    assert "Clear filters" in page.text


def test_totals_are_capped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "TOTAL_CAP", 3)
    site.machines("a", "b", "c")
    assert "3 found" in site.member.get(LIST).text
    site.machines("d")
    assert "More than 3 found" in site.member.get(LIST).text


def test_htmx_gets_the_table_alone_and_an_address_without_blanks(site: Site) -> None:
    site.machines("web")
    asked = {"HX-Request": "true"}
    part = site.member.get(f"{LIST}?q=web&state=&zone=&order=-created", headers=asked)
    assert part.text.lstrip().startswith('<section id="list-table"')
    assert part["HX-Push-Url"] == f"{LIST}?q=web"
    assert "HX-Request" in part["Vary"]
    back = {"HX-History-Restore-Request": "true", **asked}
    assert "<!doctype html>" in site.member.get(f"{LIST}?q=web", headers=back).text
    bad = site.member.get(f"{LIST}?state=Odd", headers=asked)
    assert bad.status_code == 200
    assert "This is none of" in bad.text


def test_a_table_that_follows_what_happens_leaves_the_address_as_it_is(site: Site) -> None:
    site.machines("web")
    page = site.member.get(f"{LIST}?q=web&order=name").text
    assert f'data-live="list:machines" data-live-every="2000" hx-get="{LIST}?q=web&amp;order=name"' in page
    part = site.member.get(f"{LIST}?q=web", headers={"HX-Request": "true", "X-Live": "1"})
    assert "HX-Push-Url" not in part
    assert 'data-live="list:machines"' in part.text


def rows_of(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_csv_holds_every_row_of_the_filtered_list(site: Site) -> None:
    site.machines(*(f"web-{number}" for number in range(1203)))
    site.machines("db", '=HYPERLINK("http://x")')
    answer = site.member.get(f"{LIST}?q=web&order=name&format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    head, *rows = rows_of(answer)
    assert head[:2] == ["Name", "State"]
    assert "Host" not in head
    assert [row[0] for row in rows] == [f"web-{number}" for number in range(1203)]
    rows = rows_of(site.member.get(f"{LIST}?q=hyper&format=csv"))
    assert rows[1][0] == '\'=HYPERLINK("http://x")'


def test_no_cell_of_csv_is_a_formula() -> None:
    for text in ("=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1"):
        assert safe(text).startswith("'")
    assert safe("web-1") == "web-1"
    assert safe(None) == ""
    assert safe(-3) == "-3"


@pytest.mark.django_db(transaction=True)
def test_csv_is_streamed_under_asgi(site: Site) -> None:
    site.machines(*(f"web-{number}" for number in range(1100)))
    user = User.objects.get(accounts=site.account)

    async def parts() -> list[bytes]:
        client = AsyncClient()
        await client.aforce_login(user)
        answer = await client.get(f"{LIST}?format=csv")
        return [part async for part in answer.streaming_content]  # type: ignore[attr-defined]

    found = async_to_sync(parts)()
    assert len(found) >= 3
    assert b"".join(found).count(b"web-") == 1100


def test_a_reader_chooses_the_columns(site: Site) -> None:
    site.machines("web")
    page = site.member.get(f"{LIST}?columns=name,template")
    assert re.findall(r'<td data-label="(\w+)">', page.text) == ["Image"]
    assert "columns=name%2Ctemplate" in page.text


def cost(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize("role", ["member", "operator"])
def test_a_list_takes_as_many_queries_for_one_row_as_for_many(site: Site, role: str) -> None:
    client = getattr(site, role)
    query = f"{LIST}?q=web&state=Stopped&zone={site.zone.uuid}&account={site.account.uuid}&order=name"
    site.machines("web")
    few = [cost(client, LIST), cost(client, query)]
    for _ in range(3):
        factories.make_vm(site.zone, account=site.account, template=site.template)
    site.machines(*(f"web-{number}" for number in range(200)))
    assert [cost(client, LIST), cost(client, query)] == few
    assert max(few) <= BUDGET


def test_an_order_that_is_walked_shows_the_same_rows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.machines(*(f"vm-{number}" for number in range(40)))
    site.machines(*(f"up-{number}" for number in range(40)), state=State.RUNNING)
    site.machines("other", offering=factories.make_offering())
    query = f"?offering={site.offering.uuid}&zone={site.zone.uuid}&order=-state"
    sorted_rows = list(pages(site.operator, query, "Next"))
    monkeypatch.setattr(keyset, "TOTAL_CAP", 10)
    assert list(pages(site.operator, query, "Next")) == sorted_rows
    assert sum(map(len, sorted_rows)) == 80


@pytest.mark.parametrize("order", ["name", "-created", "state"])
def test_few_rows_are_found_as_many_are(site: Site, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site.machines(*(f"vm-{number}" for number in range(80)))
    site.machines("other", offering=factories.make_offering())
    site.machines("strange", account=site.other)
    client = client_of(factories.make_user(site.account, factories.make_account()))
    query = f"?offering={site.offering.uuid}&zone={site.zone.uuid}&order={order}"
    assert cost(client, LIST + query) <= BUDGET
    looked_at = list(pages(client, query, "Next"))
    monkeypatch.setattr(keyset, "FEW", 10)
    assert list(pages(client, query, "Next")) == looked_at
    assert {name for page in looked_at for name in page} == {f"vm-{number}" for number in range(80)}


def test_lists_follow_topics_that_there_are() -> None:
    declared = [
        found
        for module in LISTS_DECLARED_IN
        for found in vars(import_module(module)).values()
        if isinstance(found, ListPage) and found.live
    ]
    assert len(declared) >= 7
    assert {found.live for found in declared} <= LISTS


def test_filters_are_folded_with_their_number_and_the_search_is_not(site: Site) -> None:
    site.machines("one")
    page = site.member.get(f"{LIST}?q=one&mine=true&state=Running").content.decode()
    fold = page[page.index('<details class="list-fold">') :]
    assert "Filters: 2 on" in fold[: fold.index("</summary>")]
    assert 'id="filter-q"' not in fold
    assert 'name="mine"' in fold
    part = site.member.get(f"{LIST}?mine=true", headers={"HX-Request": "true"}).content.decode()
    assert '<span id="list-filters-on" hx-swap-oob="true">Filters: 1 on</span>' in part


def test_a_filter_that_is_wrong_is_not_hidden_in_the_fold(site: Site) -> None:
    site.machines("one")
    assert '<details class="list-fold" open>' in site.member.get(f"{LIST}?state=Nonsense").content.decode()
