"""The operator's pages of what the cloud is built of: who opens them, what they say, what they do."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.compute.models import StrayMachine, VirtualMachine
from apps.jobs.models import Event, Job
from apps.portal.infrastructure import overview
from apps.portal.infrastructure.heat import MAX_CELLS
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.zones.models import Cluster, Host, HostState, Pod, Zone
from tests import factories
from tests.api.conftest import PUBLIC_KEY
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
AT = "/infrastructure/"


@pytest.fixture
def operator() -> Client:
    return client_of(factories.make_user(super_admin=True))


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone(hosts=2, clusters=2)


def pages_of(zone: Zone) -> list[str]:
    """Every page of the section on a cloud that has one of each."""
    secondary = SecondaryStorage.objects.create(zone=zone, name="spare", path="/srv/spare")
    host = Host.objects.filter(zone=zone).order_by("pk")[0]
    Host.objects.filter(pk=host.pk).update(shown_key=PUBLIC_KEY)
    rows: list[Any] = [zone.region, zone, host.pod, host.cluster, host]
    rows += [PrimaryStorage.objects.filter(zone=zone)[0], secondary]
    plural = ("regions", "zones", "pods", "clusters", "hosts", "primary-storages", "secondary-storages")
    paths = [AT, f"{AT}?view=picture", f"{AT}?view=picture&by=memory", f"{AT}?view=picture&by=state"]
    paths += [f"{AT}?zone={zone.uuid}", f"{AT}recount/", f"{AT}hosts/{host.uuid}/trust/"]
    paths += [f"{AT}{noun}/" for noun in ("hosts", "primary-storages", "secondary-storages")]
    for noun, row in zip(plural, rows, strict=True):
        one = f"{AT}{noun}/{row.uuid}/"
        paths += [f"{AT}{noun}/new/", one, f"{one}change/", f"{one}remove/"]
    return paths


def test_every_page_opens_for_operators_alone(zone: Zone, operator: Client) -> None:
    paths = pages_of(zone)
    account = factories.make_account()
    member, nobody = client_of(factories.make_user(account)), Client()
    answers = {path: [one.get(path).status_code for one in (operator, member, nobody)] for path in paths}
    assert answers == {path: [200, 404, 302] for path in paths}


def test_no_act_is_open_to_members(zone: Zone) -> None:
    member = client_of(factories.make_user(factories.make_account()))
    host = Host.objects.filter(zone=zone)[0]
    acts: tuple[tuple[str, dict[str, Any]], ...] = (
        ("zones/new/", {"name": "x", "parent": zone.region.uuid, "network_type": "Basic"}),
        (f"zones/{zone.uuid}/change/", {"name": "x"}),
        (f"zones/{zone.uuid}/switch/", {"act": "disable"}),
        (f"hosts/{host.uuid}/reconnect/", {}),
        (f"hosts/{host.uuid}/remove/", {}),
        ("recount/", {"act": "fix"}),
    )
    assert [member.post(f"{AT}{path}", body).status_code for path, body in acts] == [404] * len(acts)
    assert not Event.objects.exists()
    assert not Job.objects.exists()


def test_an_empty_cloud_says_how_to_begin(operator: Client) -> None:
    page = operator.get(AT).text
    assert "Nothing is built yet" in page
    assert re.search(r'href="/launch/">[^<]*Begin', page)


def test_the_tree_shows_the_cloud_with_its_numbers(zone: Zone, operator: Client) -> None:
    factories.placed(factories.make_vm(zone, vcpus=3))
    page = operator.get(AT).text
    for row in (zone.region, zone, *Pod.objects.all(), *Cluster.objects.all(), *Host.objects.all()):
        assert row.name in page
    assert "3 of 64 vCPUs" in page
    assert "3 of 32 vCPUs" in page


def test_a_large_tree_leaves_hosts_to_their_clusters(
    zone: Zone, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "HOSTS_IN_TREE", 1)
    monkeypatch.setattr(overview, "CLUSTERS_IN_TREE", 1)
    page = operator.get(AT).text
    assert not any(host.name in page for host in Host.objects.all())
    assert not any(cluster.name in page for cluster in Cluster.objects.all())
    assert "2 clusters are shown on the page of their pod" in page


def test_the_picture_has_a_number_or_sign_and_words_for_each_host(zone: Zone, operator: Client) -> None:
    up, down = Host.objects.order_by("pk")
    Host.objects.filter(pk=up.pk).update(allocated_vcpus=31, allocated_memory_mib=20000)
    Host.objects.filter(pk=down.pk).update(state=HostState.DISCONNECTED)
    by_cpu, by_memory = (operator.get(f"{AT}?view=picture&by={by}").text for by in ("cpu", "memory"))
    assert f'aria-label="{up.name}: 97 % of CPU allocated">97<' in by_cpu
    assert f'aria-label="{up.name}: 31 % of memory allocated">31<' in by_memory
    assert f'aria-label="{down.name}: Disconnected">✕<' in by_cpu
    Host.objects.filter(pk=up.pk).update(enabled=False)
    assert f'aria-label="{up.name}: disabled">–<' in operator.get(f"{AT}?view=picture&by=state").text


def test_a_picture_of_too_many_hosts_shows_clusters(
    zone: Zone, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_CELLS >= 1000
    monkeypatch.setattr(overview, "MAX_CELLS", 1)
    Host.objects.filter(pk=Host.objects.order_by("pk")[0].pk).update(state=HostState.ALERT)
    page = operator.get(f"{AT}?view=picture&by=state").text
    assert "each field is a cluster" in page
    cells = [
        f"{row.name}: {n} of 1 host is not up"
        for row, n in zip(Cluster.objects.order_by("pk"), (1, 0), strict=True)
    ]
    assert all(cell in page for cell in cells)


@pytest.mark.parametrize("hosts", [2, 60])
def test_pages_cost_the_same_whatever_the_number_of_hosts(
    operator: Client, hosts: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    zone = factories.make_zone(hosts=hosts)
    cluster, host = Cluster.objects.get(), Host.objects.order_by("pk")[0]
    for path, limit in (
        (AT, 12),
        (f"{AT}?view=picture", 12),
        (f"{AT}zones/{zone.uuid}/", 18),
        (f"{AT}clusters/{cluster.uuid}/", 18),
        (f"{AT}hosts/{host.uuid}/", 18),
        (f"{AT}hosts/", 12),
        (f"{AT}primary-storages/", 12),
        ("/", 19),
    ):
        with django_assert_max_num_queries(limit):
            assert operator.get(path).status_code == 200


def test_a_hosts_page_works_its_capacity_out(zone: Zone, operator: Client) -> None:
    Cluster.objects.update(memory_overcommit_percent=200)
    host = factories.placed(factories.make_vm(zone))
    Host.objects.filter(pk=host.pk).update(memory_mib=24051, capacity_memory_mib=46054, cpu_cores=16)
    page = operator.get(f"{AT}hosts/{host.uuid}/").text
    assert "(24,051 MiB − 1,024 MiB reserve) × 200 % = 46,054 MiB" in page
    assert "16 cores × 200 % = 32 vCPUs" in page
    assert "1 machine × 64 MiB = 64 MiB" in page


def test_a_hosts_page_says_why_and_what_to_do(zone: Zone, operator: Client) -> None:
    host = Host.objects.order_by("pk")[0]
    Host.objects.filter(pk=host.pk).update(
        state=HostState.ALERT,
        state_reason="host_key_untrusted",
        shown_key=PUBLIC_KEY,
        last_seen_at=timezone.now(),
    )
    StrayMachine.objects.create(
        host=host,
        machine_uuid=uuid4(),
        machine_name="i-lost",
        power_state="running",
        last_seen_at=timezone.now(),
        sightings=2,
    )
    page = operator.get(f"{AT}hosts/{host.uuid}/").text
    assert "trust the key" in page
    assert "SHA256:" in page
    assert "i-lost" in page


def test_a_key_is_trusted_after_a_look_and_a_host_reached_anew(zone: Zone, operator: Client) -> None:
    host, other = Host.objects.order_by("pk")
    Host.objects.filter(pk=host.pk).update(state=HostState.ALERT, shown_key=PUBLIC_KEY)
    assert operator.get(f"{AT}hosts/{other.uuid}/trust/").status_code == 404
    assert "SHA256:" in operator.get(f"{AT}hosts/{host.uuid}/trust/").text
    operator.post(f"{AT}hosts/{host.uuid}/trust/", {"key": PUBLIC_KEY})
    assert Host.objects.get(pk=host.pk).host_key == PUBLIC_KEY
    again = operator.post(f"{AT}hosts/{host.uuid}/reconnect/", follow=True)
    assert "Another job works on it now" in again.text
    operator.post(f"{AT}hosts/{other.uuid}/reconnect/")
    assert Job.objects.filter(kind="host.connect").count() == 2


def test_counting_anew_shows_what_drifted_and_mends_it_when_asked(zone: Zone, operator: Client) -> None:
    assert "Nothing drifted" in operator.post(f"{AT}recount/", {"act": "count"}).text
    host = Host.objects.order_by("pk")[0]
    Host.objects.filter(pk=host.pk).update(allocated_vcpus=5)
    page = operator.post(f"{AT}recount/", {"act": "count", "zone": zone.uuid}).text
    assert "1 count drifted" in page
    assert host.name in page
    assert Host.objects.get(pk=host.pk).allocated_vcpus == 5
    assert "They now say" in operator.post(f"{AT}recount/", {"act": "fix"}).text
    assert Host.objects.get(pk=host.pk).allocated_vcpus == 0


def test_the_list_of_hosts_narrows_to_those_that_need_an_eye(zone: Zone, operator: Client) -> None:
    well, ill = Host.objects.order_by("pk")
    Host.objects.filter(pk=ill.pk).update(state=HostState.DISCONNECTED, state_reason="host_timeout")
    page = operator.get(f"{AT}hosts/?trouble=true").text
    assert ill.name in page
    assert well.name not in page
    assert "The host takes too long" in page


@pytest.mark.parametrize("text", ["abc", "%00", "1" * 300, "00000000-0000-0000-0000-000000000000"])
def test_an_address_that_names_nothing_breaks_nothing(zone: Zone, operator: Client, text: str) -> None:
    assert operator.get(f"{AT}?zone={text}&by={text}&view={text}").status_code == 200
    assert operator.get(f"{AT}pods/new/?in={text}").status_code == 200
    assert operator.get(f"{AT}primary-storages/new/?in={text}").status_code in {200, 404}
    assert operator.post(f"{AT}primary-storages/new/", {"owner": f"host:{text}"}).status_code in {404, 422}
    assert VirtualMachine.objects.count() == 0
