"""Sizes as pages: listed with how many machines have them, made, renamed, withdrawn, removed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.compute.models import ServiceOffering
from apps.jobs.models import Event
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
AT = "/offerings/"


@pytest.fixture
def operator() -> Client:
    return client_of(factories.make_user(super_admin=True))


@pytest.fixture
def row() -> ServiceOffering:
    return factories.make_offering(vcpus=2)


def test_the_pages_are_the_operators(row: ServiceOffering, operator: Client) -> None:
    one = f"{AT}{row.uuid}/"
    paths = [AT, f"{AT}new/", one, f"{one}change/", f"{one}remove/"]
    member = client_of(factories.make_user(factories.make_account()))
    answers = [[client.get(path).status_code for client in (operator, member, Client())] for path in paths]
    assert answers == [[200, 404, 302]] * len(paths)
    acts: list[tuple[str, dict[str, Any]]] = [(f"{one}switch/", {"act": "disable"}), (f"{one}remove/", {})]
    assert [member.post(path, body).status_code for path, body in acts] == [404, 404]
    assert not Event.objects.exists()


def test_the_list_says_how_many_machines_have_each(row: ServiceOffering, operator: Client) -> None:
    zone = factories.make_zone()
    for _ in range(3):
        factories.make_vm(zone, offering=row)
    assert "<div>3</div>" in operator.get(AT).text


def test_a_size_is_made_and_opened(operator: Client) -> None:
    body = {"name": "Large", "vcpus": "8", "memory_mib": "16384", "root_disk_gib": "0"}
    answer = operator.post(f"{AT}new/", body)
    row = ServiceOffering.objects.get()
    assert answer["Location"] == f"{AT}{row.uuid}/"
    page = operator.get(answer["Location"]).text
    assert "16 GiB" in page
    assert "as the image" in page


@pytest.mark.parametrize(
    "changes", [{"name": ""}, {"vcpus": "0"}, {"memory_mib": "1"}, {"root_disk_gib": "x"}]
)
def test_what_is_refused_is_told_beside_its_field(operator: Client, changes: dict[str, str]) -> None:
    body = {"name": "Large", "vcpus": "8", "memory_mib": "16384", "root_disk_gib": "0"} | changes
    answer = operator.post(f"{AT}new/", body)
    assert answer.status_code == 422
    assert f'id="id_{next(iter(changes))}_error"' in answer.text
    assert not ServiceOffering.objects.exists()


def test_a_size_is_renamed_but_keeps_its_numbers(row: ServiceOffering, operator: Client) -> None:
    operator.post(f"{AT}{row.uuid}/change/", {"name": "Medium", "vcpus": "64"})
    row.refresh_from_db()
    assert (row.name, row.vcpus) == ("Medium", 2)
    other = factories.make_offering()
    answer = operator.post(f"{AT}{row.uuid}/change/", {"name": other.name})
    assert (answer.status_code, 'id="id_name_error"' in answer.text) == (422, True)


def test_a_size_is_withdrawn_and_offered_again(row: ServiceOffering, operator: Client) -> None:
    for act, enabled in (("disable", False), ("enable", True)):
        operator.post(f"{AT}{row.uuid}/switch/", {"act": act})
        assert ServiceOffering.objects.get().enabled is enabled
    assert operator.post(f"{AT}{row.uuid}/switch/", {"act": "x"}).status_code == 404


def test_a_size_that_machines_have_stays(row: ServiceOffering, operator: Client) -> None:
    vm = factories.make_vm(factories.make_zone(), offering=row)
    page = operator.get(f"{AT}{row.uuid}/remove/").text
    assert f"/virtual-machines/?offering={row.uuid}" in page
    assert 'role="alert"' in operator.post(f"{AT}{row.uuid}/remove/", follow=True).text
    spare = factories.make_offering()
    assert operator.post(f"{AT}{spare.uuid}/remove/")["Location"] == AT
    assert list(ServiceOffering.objects.all()) == [vm.offering]


@pytest.mark.parametrize("count", [1, 60])
def test_the_list_costs_the_same_whatever_it_holds(
    operator: Client, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        factories.make_offering()
    with django_assert_max_num_queries(12):
        assert operator.get(AT).status_code == 200
