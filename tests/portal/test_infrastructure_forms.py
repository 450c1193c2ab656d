"""The cloud is built, changed and taken down by forms, and what is refused is told where it was typed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.jobs.models import Event, Job
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.zones.models import Cluster, Host, HostState, Pod, Region, Zone
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


def test_a_cloud_is_built_by_forms(operator: Client) -> None:
    def made(noun: str, **body: Any) -> str:
        answer = operator.post(f"{AT}{noun}/new/", body)
        assert answer.status_code == 302, answer.text
        return str(answer["Location"].rstrip("/").rpartition("/")[2])

    region = made("regions", name="Attica")
    zone = made("zones", parent=region, name="Athens", network_type="Basic", dns="192.0.2.1, 192.0.2.2")
    pod = made(
        "pods",
        parent=zone,
        name="Pod",
        cidr="10.1.0.0/24",
        gateway="10.1.0.1",
        guest_start="10.1.0.10",
        guest_end="10.1.0.20",
        bridge="br0",
        mtu="1500",
    )
    percents = {"cpu_overcommit_percent": "300", "memory_overcommit_percent": "100"}
    cluster = made("clusters", parent=pod, name="Cluster", hypervisor="kvm", arch="x86_64", **percents)
    host = made(
        "hosts",
        parent=cluster,
        name="node-1",
        address="192.0.2.7",
        port="22",
        username="root",
        uri="qemu:///system",
        host_key=PUBLIC_KEY,
    )
    pool = made(
        "primary-storages",
        owner=f"cluster:{cluster}",
        driver="nfs",
        server="nas.example.org",
        name="Pool",
        path="/srv/p",
        overprovision_percent="200",
    )
    near = made(
        "primary-storages",
        owner=f"host:{host}",
        driver="directory",
        name="Near",
        path="/srv/h",
        overprovision_percent="200",
    )
    made("secondary-storages", parent=zone, driver="directory", name="Images", path="/srv/s")
    assert Zone.objects.get(uuid=zone).dns == ["192.0.2.1", "192.0.2.2"]
    assert Cluster.objects.get(uuid=cluster).cpu_overcommit_percent == 300
    assert Job.objects.filter(target_uuid=host).get().kind == "host.connect"
    mounted = PrimaryStorage.objects.get(uuid=pool)
    assert (mounted.scope, mounted.driver, mounted.server) == ("cluster", "nfs", "nas.example.org")
    assert PrimaryStorage.objects.get(uuid=near).host == Host.objects.get(uuid=host)
    assert "Athens" in operator.get(AT).text


def test_a_form_that_is_given_up_leads_back_to_where_it_was_opened(zone: Zone, operator: Client) -> None:
    def cancel(path: str) -> str:
        found = re.search(r'href="([^"]*)" data-dialog-close', operator.get(path).text)
        assert found
        return found[1]

    assert cancel(f"{AT}pods/new/?in={zone.uuid}") == f"{AT}zones/{zone.uuid}/"
    assert cancel(f"{AT}pods/new/?in=nonsense") == cancel(f"{AT}pods/new/") == AT
    assert cancel(f"{AT}zones/{zone.uuid}/change/") == f"{AT}zones/{zone.uuid}/"
    assert cancel(f"{AT}primary-storages/new/") == f"{AT}primary-storages/"


def test_a_simulated_host_has_the_processor_of_its_cluster(operator: Client) -> None:
    factories.make_zone(hosts=0, pool=None)
    Cluster.objects.update(hypervisor="simulator", arch="aarch64")
    cluster, way = Cluster.objects.get(), {"port": "22", "username": "root", "uri": "qemu:///system"}
    host = {"parent": cluster.uuid, "name": "toy", **way}
    assert operator.post(f"{AT}hosts/new/", host).status_code == 302
    assert (Host.objects.get().driver, Host.objects.get().extra) == ("simulator", {"arch": "aarch64"})


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("regions", {"name": "a\u202eb"}, "name"),
        ("zones", {"name": "x", "network_type": "Basic", "dns": "nonsense"}, "dns"),
        ("pods", {"cidr": "10.1.0.0/33"}, "cidr"),
        ("pods", {"gateway": "10.2.0.1"}, "gateway"),
        ("pods", {"bridge": "br 0"}, "bridge"),
        ("pods", {"mtu": "²"}, "mtu"),
        ("pods", {"mtu": "1" * 5000}, "mtu"),
        ("clusters", {"cpu_overcommit_percent": "5"}, "cpu_overcommit_percent"),
        ("hosts", {"address": "not an address"}, "address"),
        ("hosts", {"private_key": "x"}, "private_key"),
        ("secondary-storages", {"path": "relative"}, "path"),
        ("secondary-storages", {"driver": "nfs"}, "server"),
        ("primary-storages", {"mount_options": "no blanks"}, "mount_options"),
    ],
)
def test_what_a_service_refuses_is_told_beside_its_field(
    zone: Zone, operator: Client, path: str, body: dict[str, str], field: str
) -> None:
    pod = Pod.objects.get()
    parents: dict[str, Any] = {
        "zones": zone.region,
        "pods": zone,
        "clusters": pod,
        "secondary-storages": zone,
    }
    good: dict[str, dict[str, Any]] = {
        "pods": {
            "cidr": "10.1.0.0/24",
            "gateway": "10.1.0.1",
            "guest_start": "10.1.0.10",
            "guest_end": "10.1.0.20",
            "bridge": "br0",
            "mtu": "1500",
        },
        "clusters": {
            "hypervisor": "kvm",
            "arch": "x86_64",
            "cpu_overcommit_percent": "200",
            "memory_overcommit_percent": "100",
        },
        "secondary-storages": {"driver": "directory", "path": "/srv/x"},
        "primary-storages": {
            "owner": f"zone:{zone.uuid}",
            "driver": "directory",
            "path": "/srv/x",
            "overprovision_percent": "200",
        },
        "hosts": {"address": "192.0.2.1", "port": "22", "username": "root", "uri": "qemu:///system"},
    }
    parent = parents.get(path, Cluster.objects.order_by("pk")[0])
    before = Event.objects.count()
    answer = operator.post(
        f"{AT}{path}/new/", {"name": "new", "parent": parent.uuid, **good.get(path, {}), **body}
    )
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.text
    assert Event.objects.count() == before


def test_a_form_begins_with_what_is_there_and_changes_it(zone: Zone, operator: Client) -> None:
    pod, cluster = Pod.objects.get(), Cluster.objects.order_by("pk")[0]
    assert f'value="{pod.gateway}"' in operator.get(f"{AT}pods/{pod.uuid}/change/").text
    body = {"name": "Wide", "cpu_overcommit_percent": "400", "memory_overcommit_percent": "100"}
    answer = operator.post(f"{AT}clusters/{cluster.uuid}/change/", body)
    assert answer["Location"] == f"{AT}clusters/{cluster.uuid}/"
    assert Host.objects.get(cluster=cluster).capacity_vcpus == 64
    operator.post(f"{AT}regions/{zone.region.uuid}/change/", {"name": "Crete"})
    assert Region.objects.get().name == "Crete"


def test_a_pools_settings_that_have_no_field_stay(zone: Zone, operator: Client) -> None:
    pool = PrimaryStorage.objects.order_by("pk")[0]
    PrimaryStorage.objects.filter(pk=pool.pk).update(
        settings={"bricks": "3", "mount_options": "ro"}, driver="directory"
    )
    body = {"name": "Renamed", "path": pool.path, "mount_options": "rw", "overprovision_percent": "300"}
    answer = operator.post(f"{AT}primary-storages/{pool.uuid}/change/", body)
    assert answer["Location"] == f"{AT}primary-storages/{pool.uuid}/"
    pool.refresh_from_db()
    assert (pool.name, pool.settings) == ("Renamed", {"bricks": "3", "mount_options": "rw"})
    assert pool.promised_bytes == pool.capacity_bytes * 3


def test_a_pool_in_use_is_not_moved(zone: Zone, operator: Client) -> None:
    factories.placed(factories.make_vm(zone))
    PrimaryStorage.objects.update(driver="directory")
    pool = PrimaryStorage.objects.exclude(allocated_bytes=0)[0]
    body = {"name": pool.name, "path": "/srv/elsewhere", "overprovision_percent": "100"}
    answer = operator.post(f"{AT}primary-storages/{pool.uuid}/change/", body)
    assert answer.status_code == 422
    assert "1 volume" in answer.text
    assert PrimaryStorage.objects.get(pk=pool.pk).path == pool.path


def test_a_hosts_page_leads_to_a_pool_of_its_own(zone: Zone, operator: Client) -> None:
    host = Host.objects.order_by("pk")[0]
    path = f"{AT}primary-storages/new/?in={host.uuid}"
    assert f'href="{path}"' in operator.get(f"{AT}hosts/{host.uuid}/").text
    assert f'value="host:{host.uuid}" selected' in operator.get(path).text


def test_storages_are_looked_at_again(zone: Zone, operator: Client) -> None:
    secondary = SecondaryStorage.objects.create(zone=zone, name="spare", path="/srv/spare")
    pool = PrimaryStorage.objects.order_by("pk")[0]
    operator.post(f"{AT}primary-storages/{pool.uuid}/reconnect/")
    operator.post(f"{AT}secondary-storages/{secondary.uuid}/reconnect/")
    assert list(Job.objects.order_by("id").values_list("target_uuid", flat=True)) == [
        pool.uuid,
        secondary.uuid,
    ]
    Host.objects.update(state=HostState.DISCONNECTED)
    Job.objects.all().delete()
    answer = operator.post(f"{AT}primary-storages/{pool.uuid}/reconnect/", follow=True)
    assert "No host that reaches it is up" in answer.text


def test_a_hosts_private_key_stays_unless_another_comes_or_the_portals_is_chosen(
    zone: Zone, operator: Client
) -> None:
    host = Host.objects.order_by("pk")[0]
    Host.objects.filter(pk=host.pk).update(private_key="sealed")
    way = {"name": "n", "address": "192.0.2.9", "port": "22", "username": "root", "uri": "qemu:///system"}
    operator.post(f"{AT}hosts/{host.uuid}/change/", way)
    assert Host.objects.get(pk=host.pk).private_key == "sealed"
    Job.objects.all().delete()
    operator.post(f"{AT}hosts/{host.uuid}/change/", {**way, "own_key": "on"})
    assert Host.objects.get(pk=host.pk).private_key == ""
    assert "sealed" not in operator.get(f"{AT}hosts/{host.uuid}/change/").text


def test_a_part_is_disabled_and_enabled(zone: Zone, operator: Client) -> None:
    host = Host.objects.order_by("pk")[0]
    rows = (("zones", zone), ("pods", Pod.objects.get()), ("hosts", host))
    for noun, row in rows:
        operator.post(f"{AT}{noun}/{row.uuid}/switch/", {"act": "disable"})
        row.refresh_from_db()
        assert not row.enabled
        operator.post(f"{AT}{noun}/{row.uuid}/switch/", {"act": "enable"})
    assert operator.post(f"{AT}zones/{zone.uuid}/switch/", {"act": "explode"}).status_code == 404
    assert Event.objects.filter(kind__endswith=".enable").count() == len(rows)


def test_what_is_not_empty_says_what_is_in_the_way(zone: Zone, operator: Client) -> None:
    vm = factories.make_vm(zone)
    host = factories.placed(vm)
    page = operator.get(f"{AT}hosts/{host.uuid}/remove/").text
    assert f'href="/virtual-machines/?host={host.uuid}">1 virtual machine<' in page
    assert 'method="post"' not in page[page.index("It is not empty") : page.index("</main>")]
    cluster = operator.get(f"{AT}clusters/{host.cluster.uuid}/remove/").text
    assert f'href="{AT}hosts/?cluster={host.cluster.uuid}">1 host<' in cluster
    answer = operator.post(f"{AT}hosts/{host.uuid}/remove/", follow=True)
    assert 'role="alert"' in answer.text
    assert Host.objects.filter(pk=host.pk).exists()


def test_what_is_empty_is_removed(operator: Client) -> None:
    region = Region.objects.create(name="Empty")
    answer = operator.post(f"{AT}regions/{region.uuid}/remove/")
    assert answer["Location"] == AT
    assert not Region.objects.exists()
    zone = factories.make_zone(pool=None)
    host = Host.objects.get()
    answer = operator.post(f"{AT}hosts/{host.uuid}/remove/")
    assert answer["Location"] == f"{AT}clusters/{Cluster.objects.get().uuid}/"
    assert not Host.objects.filter(zone=zone).exists()
