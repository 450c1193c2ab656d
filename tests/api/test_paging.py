"""Lists page by key: every row once, whatever comes or goes, at a cost that does not grow."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts import reach
from apps.accounts.models import Account, Domain, Grant
from apps.accounts.roles.ready import DOMAIN_ADMIN, ready
from apps.compute.models import Nic, ServiceOffering, SshKeyPair, VirtualMachine
from apps.jobs.models import Event, Job
from apps.network.models import IpAddress
from apps.zones.models import Region
from tests import factories
from tests.api.client import Api, code, reason
from tests.api.conftest import PUBLIC_KEY, Cast

BUDGET = 8
"""Queries a list may take, the token's among them."""


def pages(api: Api, path: str) -> Iterator[dict[str, Any]]:
    following: str | None = f"/api/v1/{path}"
    while following:
        page = api.get(following).json()
        yield page
        following = page["next"] and page["next"].removeprefix("http://testserver")


def names(api: Api, path: str) -> list[str]:
    return [row["name"] for page in pages(api, path) for row in page["results"]]


@pytest.fixture
def regions(cast: Cast) -> list[str]:
    """Names of which some are equal in their sort key's beginning, and some are Greek."""
    Region.objects.exclude(zones__isnull=False).delete()
    made = ["b", "Άλφα", "άλφα 2", "a10", "a9", "A", "ζ", "c", "ΑΛΦΑ 10", "z"]
    for name in made:
        Region.objects.create(name=name)
    return [*made, cast.zone.region.name]


@pytest.mark.parametrize("order", ["name", "-name", "created_at", "-created_at"])
@pytest.mark.parametrize("limit", [1, 3, 200])
def test_every_row_comes_once_in_order(cast: Cast, regions: list[str], order: str, limit: int) -> None:
    column = order.replace("name", "name_sort").replace("created_at", "id")
    expected = list(Region.objects.order_by(column).values_list("name", flat=True))
    assert names(cast.member, f"regions/?order={order}&limit={limit}") == expected


def test_numbers_sort_by_value_and_accents_do_not_count(cast: Cast, regions: list[str]) -> None:
    found = names(cast.member, "regions/?order=name")
    assert found.index("a9") < found.index("a10")
    assert found.index("Άλφα") < found.index("άλφα 2") < found.index("ΑΛΦΑ 10") < found.index("ζ")


def test_equal_keys_are_told_apart_by_the_row(cast: Cast) -> None:
    """Two thousand machines of one state, in pages of 150, forwards and backwards."""
    rows = [
        VirtualMachine(
            account=cast.account,
            zone=cast.zone,
            name="same",
            name_key="same",
            name_sort="same",
            hostname="same",
            offering=cast.offering,
            template=cast.template,
            state="Stopped",
        )
        for _ in range(400)
    ]
    VirtualMachine.objects.bulk_create(rows)
    for order in ("name", "-name", "state", "-state"):
        found = [
            row["id"]
            for page in pages(cast.member, f"virtual-machines/?order={order}&limit=150")
            for row in page["results"]
        ]
        assert len(found) == len(set(found)) == 401


def test_rows_that_come_and_go_between_pages_hide_none(cast: Cast, regions: list[str]) -> None:
    first = cast.member.get("regions/?order=name&limit=4").json()
    seen = [row["name"] for row in first["results"]]
    Region.objects.filter(name=seen[0]).delete()
    Region.objects.create(name="aaa before the page")
    rest = names(cast.member, first["next"].removeprefix("http://testserver/api/v1/"))
    stayed = set(regions) - set(seen)
    assert stayed <= set(rest)
    assert not set(seen) & set(rest)


def test_a_cursor_of_another_list_order_or_filter_is_refused(cast: Cast, regions: list[str]) -> None:
    cursor = cast.member.get("regions/?limit=2").json()["next_cursor"]
    assert cast.member.get(f"regions/?limit=5&cursor={cursor}").status_code == 200
    for path in (
        f"zones/?cursor={cursor}",
        f"regions/?order=-name&cursor={cursor}",
        f"regions/?q=a&cursor={cursor}",
        f"regions/?cursor={cursor[:-2]}",
        "regions/?cursor=forged",
        f"regions/?cursor={'x' * 5000}",
    ):
        answer = cast.member.get(path)
        assert code(answer) == (400, "malformed_request", "cursor")
        assert reason(answer)[1] == "bad_cursor"


def test_a_cursor_tells_no_key(cast: Cast, regions: list[str]) -> None:
    """Integer keys never leave: not in a cursor either."""
    Region.objects.create(name="0000-unmistakable")
    path = "regions/?limit=1&order=name"
    first, again = (cast.member.get(path).json()["next_cursor"] for _ in range(2))
    assert b"unmistakable" not in base64.urlsafe_b64decode(first + "==")
    assert first != again
    assert cast.member.get(f"{path}&cursor={first}").json() != cast.member.get(path).json()


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "1.5", "٣", "9" * 30])
def test_a_limit_out_of_range_is_refused(cast: Cast, limit: str) -> None:
    assert code(cast.member.get(f"regions/?limit={limit}")) == (422, "invalid_input", "limit")


def test_only_declared_orders_are_taken(cast: Cast) -> None:
    answer = cast.member.get("virtual-machines/?order=user_data")
    assert code(answer) == (422, "invalid_input", "order")


def test_totals_are_capped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.keyset.TOTAL_CAP", 3)
    for number in range(3):
        Region.objects.create(name=f"r{number}")
    page = cast.member.get("regions/").json()
    assert (page["total"], page["total_is_capped"]) == (3, True)
    page = cast.member.get("regions/?q=r1").json()
    assert (page["total"], page["total_is_capped"]) == (1, False)


def test_search_minds_neither_accents_nor_capitals(cast: Cast) -> None:
    Region.objects.create(name="Εργαστήριο Φυσικής")
    for text in ("εργαστηριο", "ΦΥΣΙΚΗΣ", "φυσική", "ΗΡΙΟ ΦΥΣ"):
        assert names(cast.member, f"regions/?q={text}") == ["Εργαστήριο Φυσικής"]
    assert names(cast.member, "regions/?q=%25") == []
    assert names(cast.member, "regions/?q=_") == []


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("state=Odd", "state"),
        ("zone=x", "zone"),
        ("delete_protection=yes", "delete_protection"),
        ("q=" + "x" * 101, "q"),
        ("q=a%00b", "q"),
        ("colour=red", "colour"),
    ],
)
def test_a_filter_with_a_bad_value_is_refused(cast: Cast, query: str, place: str) -> None:
    assert code(cast.member.get(f"virtual-machines/?{query}")) == (422, "invalid_input", place)


def test_filters_narrow(cast: Cast) -> None:
    other = factories.make_vm(cast.zone, account=cast.other_account)
    for query, expected in (
        ("state=Stopped", [cast.vm.name]),
        ("state=Stopped,Starting", [cast.vm.name, other.name]),
        (f"account={cast.other_account.uuid}", [other.name]),
        (f"zone={cast.zone.uuid}", [cast.vm.name, other.name]),
        ("q=" + other.name, [other.name]),
    ):
        assert names(cast.operator, f"virtual-machines/?order=created_at&{query}") == expected


def add_rows(cast: Cast, count: int, domain: Domain | None = None) -> None:
    """More of everything that lists show, with all that hangs on it; each in an account of its own if they
    are to be in a domain."""
    for number in range(count):
        account = factories.make_account(domain) if domain else cast.account
        vm = factories.make_vm(
            cast.zone, account=account, offering=cast.offering, template=cast.template, disks_gib=(1, 1)
        )
        vm.ssh_keys.add(
            SshKeyPair.objects.create(
                account=account, name=f"k{vm.pk}", public_key=PUBLIC_KEY, fingerprint="x"
            )
        )
        address = IpAddress.objects.filter(holder=None).first()
        Nic.objects.filter(vm=vm).update(ip=address)
        IpAddress.objects.filter(pk=address.pk if address else 0).update(holder=vm.uuid)
        job = Job.objects.create(
            kind="vm.deploy",
            account=account,
            actor_label="x",
            target_type="virtual-machine",
            target_uuid=vm.uuid,
        )
        Event.objects.create(kind="x", phase="done", account=account, actor_label="x", job=job)
        ServiceOffering.objects.create(name=f"o{vm.pk}", vcpus=1, memory_mib=64)
        factories.make_template(cast.zone, account)
        factories.make_user(Account.objects.create(name=f"a{vm.pk}-{number}", domain=domain or cast.root))
    factories.make_zone(hosts=count, clusters=min(count, 2))


LISTS = (
    *("virtual-machines", "volumes", "jobs", "events", "templates", "ssh-keys", "service-offerings"),
    *("regions", "zones", "pods", "clusters", "hosts", "primary-storages", "secondary-storages"),
    *("networks", "accounts", "quotas", "users", "domains", "stray-machines"),
)


@pytest.mark.parametrize("noun", LISTS)
def test_a_list_takes_few_queries_however_long_it_is(cast: Cast, noun: str) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = cast.operator.get(f"{noun}/?limit=200")
        assert page.status_code == 200
        return len(queries)

    cast.operator.get("me/")
    add_rows(cast, 1)
    few = cost()
    add_rows(cast, 4)
    assert cost() == few <= BUDGET


OF_TENANTS = ("virtual-machines", "volumes", "jobs", "events", "ssh-keys", "accounts", "quotas", "users")


@pytest.mark.parametrize("none_are", ["", "FEW_ACCOUNTS", "NAMED_ACCOUNTS"])
@pytest.mark.parametrize("noun", OF_TENANTS)
def test_a_domain_admins_list_takes_few_queries_however_many_accounts_it_shows(
    cast: Cast, noun: str, none_are: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if none_are:
        monkeypatch.setattr(reach, none_are, 0)
    domain = factories.make_domain(cast.root)
    admin = factories.make_user()
    Grant.objects.create(user=admin, role=ready(DOMAIN_ADMIN), scope="domain", domain=domain)
    api = Api(admin)

    def shown() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            page = api.get(f"{noun}/?limit=200").json()
        assert page["total"] == len(page["results"])
        return page["total"], len(queries)

    api.get("me/")
    add_rows(cast, 1, domain)
    total, cost = shown()
    add_rows(cast, 4, domain)
    more, cost_of_more = shown()
    assert (more > total, cost_of_more) == (True, cost)
    assert cost <= BUDGET + 4  # what an admin holds, and which accounts that reaches


def test_a_members_list_is_no_dearer_than_an_operators(cast: Cast) -> None:
    add_rows(cast, 3)
    cast.member.get("me/")
    with CaptureQueriesContext(connection) as queries:
        cast.member.get("virtual-machines/")
    assert len(queries) <= BUDGET + 2  # what a member holds: memberships, and grants
