"""Building the hierarchy: what is refused, what is recorded, what is submitted."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from apps.accounts import secrets
from apps.accounts.actor import Actor
from apps.core.errors import (
    Conflict,
    InvalidInput,
    NameTaken,
    ObjectInUse,
    PermissionDenied,
    ResourceBusy,
    StateConflict,
)
from apps.core.messages import explain
from apps.jobs.models import Event, Job, JobLock, JobState
from apps.zones import services
from apps.zones.capacity import set_capacity
from apps.zones.models import Cluster, Host, HostState, Region, Zone
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system("a test")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def private_key(password: bytes = b"") -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption).decode()


@pytest.fixture
def cluster() -> Cluster:
    zone = factories.make_zone(hosts=0)
    return Cluster.objects.get(pod__zone=zone)


@pytest.fixture
def simulated(cluster: Cluster) -> Cluster:
    return Cluster.objects.create(pod=cluster.pod, name="simulated", hypervisor="simulator")


def test_the_hierarchy_is_recorded_event_by_event() -> None:
    region = services.create_region(OPERATOR, name="Αττική")
    zone = services.create_zone(OPERATOR, region=region, name="Ζωγράφου", dns=["10.0.0.53"])
    pod = factories.make_pod(zone)
    cluster = services.create_cluster(OPERATOR, pod=pod, name="c1")
    assert cluster.pod.zone.region == region
    kinds = list(Event.objects.order_by("id").values_list("kind", "target_name"))
    assert kinds == [("region.create", "Αττική"), ("zone.create", "Ζωγράφου"), ("cluster.create", "c1")]


def test_a_host_waits_for_its_job(cluster: Cluster) -> None:
    key = private_key()
    host, job = services.add_host(
        OPERATOR,
        cluster=cluster,
        name="h1",
        address="10.1.2.3",
        private_key=key,
        host_key=f"{HOST_KEY} root@h1",
    )
    assert (host.state, host.zone, host.pod) == (HostState.CONNECTING, cluster.pod.zone, cluster.pod)
    assert host.host_key == HOST_KEY
    assert (job.kind, job.target_uuid) == ("host.connect", host.uuid)
    assert JobLock.objects.get().key == f"host:{host.uuid}"


def test_a_private_key_is_sealed_for_its_row(cluster: Cluster) -> None:
    key = private_key()
    host, _job = services.add_host(
        OPERATOR, cluster=cluster, name="h1", address="10.1.2.3", private_key=key, host_key=HOST_KEY
    )
    stored = Host.objects.filter(pk=host.pk).values().get()
    assert key.splitlines()[1] not in str(stored)
    assert secrets.unseal(Host, host.uuid, "private_key", host.private_key) == key.strip() + "\n"
    with pytest.raises(secrets.SecretUnreadable):
        secrets.unseal(Host, cluster.uuid, "private_key", host.private_key)


def test_regions_zones_and_clusters_change_and_say_what_changed() -> None:
    region = services.create_region(OPERATOR, name="Attica")
    zone = services.create_zone(OPERATOR, region=region, name="Zone", internal_dns=["10.0.0.1"])
    cluster = services.create_cluster(OPERATOR, pod=factories.make_pod(zone), name="c1")
    Event.objects.all().delete()
    services.change_region(OPERATOR, region, name="Αττική")
    services.change_zone(OPERATOR, zone, name="Ζώνη", dns=["10.0.0.53"], internal_dns=[])
    services.change_cluster(OPERATOR, cluster, name="c2")
    services.change_cluster(OPERATOR, cluster, name="c2")
    assert Region.objects.get().name_key == "αττικη"
    changed = Zone.objects.get()
    assert (changed.name, changed.dns, changed.internal_dns) == ("Ζώνη", ["10.0.0.53"], [])
    kinds = list(Event.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["region.change", "zone.change", "cluster.change"]
    with pytest.raises(InvalidInput):
        services.change_zone(OPERATOR, zone, dns=["10.0.0"])
    services.create_region(OPERATOR, name="other")
    with pytest.raises(NameTaken):
        services.change_region(OPERATOR, region, name="OTHER")


def test_a_changed_overcommit_counts_at_once_and_takes_nothing_away() -> None:
    zone = factories.make_zone(hosts=2, cpu_cores=10, memory_mib=11024, allocated_vcpus=15)
    services.change_cluster(
        OPERATOR,
        Cluster.objects.get(pod__zone=zone),
        cpu_overcommit_percent=100,
        memory_overcommit_percent=150,
    )
    counted = Host.objects.values_list("capacity_vcpus", "capacity_memory_mib", "allocated_vcpus")
    assert set(counted) == {(10, 15000, 15)}
    host = Host.objects.select_related("cluster")[0]
    set_capacity(host)
    assert (host.capacity_vcpus, host.capacity_memory_mib) == (10, 15000)


@pytest.mark.databases
def test_a_host_of_many_tebibytes_may_be_overcommitted_as_far_as_any() -> None:
    zone = factories.make_zone(hosts=1, cpu_cores=1024, memory_mib=12 * 1024 * 1024 + 1024)
    cluster = Cluster.objects.get(pod__zone=zone)
    services.change_cluster(OPERATOR, cluster, cpu_overcommit_percent=5000, memory_overcommit_percent=1000)
    host = Host.objects.get()
    assert (host.capacity_vcpus, host.capacity_memory_mib) == (51200, 120 * 1024 * 1024)


def test_a_host_that_is_reached_in_another_way_is_connected_anew(cluster: Cluster) -> None:
    host, first = services.add_host(OPERATOR, cluster=cluster, name="h1", address="10.1.2.3")
    JobLock.objects.all().delete()
    renamed, job = services.change_host(OPERATOR, host, name="h2")
    assert (renamed.name, job) == ("h2", None)
    assert services.change_host(OPERATOR, host, name="h2", port=22) == (host, None)
    assert Event.objects.get(kind="host.change").changes == {"name": ["h1", "h2"]}
    Host.objects.update(state=HostState.ALERT, state_reason="host_key_untrusted")
    moved, job = services.change_host(
        OPERATOR, host, address="10.1.2.4", port=2222, private_key=private_key(), host_key=HOST_KEY
    )
    assert job is not None
    assert job != first
    moved.refresh_from_db()
    assert (moved.address, moved.port, moved.state) == ("10.1.2.4", 2222, HostState.CONNECTING)
    event = Event.objects.filter(kind="host.change").order_by("id").last()
    assert event is not None
    assert event.changes["private_key"] == ["***", "***"]
    assert event.changes["port"] == [22, 2222]
    assert set(event.changes) == {"address", "port", "private_key", "host_key"}
    assert private_key().splitlines()[1] not in str(event.changes)


def test_only_the_key_that_was_looked_at_is_trusted(cluster: Cluster) -> None:
    host, _job = services.add_host(OPERATOR, cluster=cluster, name="h1", address="10.1.2.3")
    Host.objects.update(state=HostState.ALERT, state_reason="host_key_untrusted", shown_key=HOST_KEY)
    JobLock.objects.all().delete()
    other = Ed25519PrivateKey.generate().public_key()
    line = other.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    with pytest.raises(StateConflict) as caught:
        services.trust_host_key(OPERATOR, host, key=line)
    assert caught.value.params["reason"] == "other_key_shown"
    trusted, job = services.trust_host_key(OPERATOR, host, key=HOST_KEY)
    assert (trusted.host_key, job.kind) == (HOST_KEY, "host.connect")
    stored = Host.objects.get()
    assert (stored.host_key, stored.shown_key, stored.state) == (HOST_KEY, "", HostState.CONNECTING)


def bad(**given: Any) -> dict[str, Any]:
    return {"name": "h1", "address": "10.1.2.3", "host_key": HOST_KEY, **given}


@pytest.mark.parametrize(
    ("given", "place", "reason"),
    [
        (bad(private_key="-----BEGIN NOTHING-----"), "private_key", "not_a_private_key"),
        (bad(private_key=private_key(b"secret")), "private_key", "not_a_private_key"),
        (bad(private_key=HOST_KEY), "private_key", "not_a_private_key"),
        (bad(host_key="ssh-ed25519 AAAA"), "host_key", "not_a_public_key"),
        (bad(address="10.1.2"), "address", "not_an_ipv4_address"),
        (bad(address="10.1.2.256"), "address", "not_an_ipv4_address"),
        (bad(address="-h"), "address", "not_an_address"),
        (bad(address="h;id"), "address", "not_an_address"),
        (bad(address="::1"), "address", "not_an_address"),
        (bad(port=0), "port", "out_of_range"),
        (bad(port=65536), "port", "out_of_range"),
        (bad(username="root; id"), "username", "not_a_login"),
        (bad(driver="simulator"), "driver", "driver_not_of_cluster"),
        (bad(uri="qemu+ssh://elsewhere/system"), "uri", "not_a_uri"),
        (bad(uri="qemu:///system?socket=/run/../etc"), "uri", "not_a_uri"),
        (bad(extra={"work_dir": "relative"}), "extra work_dir", "not_a_path"),
        (bad(extra={"A": "b"}), "extra", "not_settings"),
        (bad(extra={"a": "b\n"}), "extra", "not_settings"),
    ],
)
def test_a_host_that_could_not_be_reached_safely_is_refused(
    cluster: Cluster, given: dict[str, Any], place: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.add_host(OPERATOR, cluster=cluster, **given)
    assert (caught.value.place, caught.value.params["reason"]) == (place, reason)
    assert not Host.objects.exists()
    assert not Job.objects.exists()


def test_the_machine_of_the_workers_needs_no_key(cluster: Cluster, simulated: Cluster) -> None:
    services.add_host(OPERATOR, cluster=cluster, name="here")
    services.add_host(OPERATOR, cluster=simulated, name="s1", driver="simulator")
    services.add_host(OPERATOR, cluster=simulated, name="s2", driver="simulator")
    socket = "qemu:///system?socket=/run/lab1/libvirt/libvirt-sock"
    assert services.add_host(OPERATOR, cluster=cluster, name="lab", uri=socket)[0].uri == socket
    with pytest.raises(NameTaken):
        services.add_host(OPERATOR, cluster=cluster, name="LAB", uri=f"{socket}-2")


def test_the_machine_of_the_workers_is_a_host_once(cluster: Cluster) -> None:
    services.add_host(OPERATOR, cluster=cluster, name="here")
    with pytest.raises(Conflict) as caught:
        services.add_host(OPERATOR, cluster=cluster, name="there")
    assert explain("conflict", caught.value.params).detail == "This machine is a host already."
    assert Host.objects.count() == 1


def test_reconnecting_takes_the_hosts_lock(simulated: Cluster) -> None:
    host, first = services.add_host(OPERATOR, cluster=simulated, name="s1", driver="simulator")
    with pytest.raises(ResourceBusy) as caught:
        services.reconnect_host(OPERATOR, host)
    assert caught.value.params["job"] == str(first.uuid)
    first.locks.all().delete()
    Host.objects.update(state=HostState.DISCONNECTED, state_reason="host_unreachable")
    services.reconnect_host(OPERATOR, host)
    host.refresh_from_db()
    assert (host.state, host.state_reason) == (HostState.CONNECTING, "")


def test_a_host_that_is_reached_another_way_does_not_wait_for_the_old_one(simulated: Cluster) -> None:
    host, first = services.add_host(OPERATOR, cluster=simulated, name="s1", driver="simulator")
    _host, second = services.change_host(OPERATOR, host, address="10.9.9.9")
    assert second is not None
    first.refresh_from_db()
    assert first.cancel_requested
    assert (second.state, second.waiting_for) == (JobState.WAITING, f"lock:host:{host.uuid}")


def test_a_host_that_is_up_stays_up_while_it_reconnects() -> None:
    zone = factories.make_zone(hosts=1)
    host = Host.objects.get(zone=zone)
    services.reconnect_host(OPERATOR, host)
    host.refresh_from_db()
    assert host.state == HostState.UP


def test_only_what_is_empty_is_removed() -> None:
    zone = factories.make_zone(hosts=1)
    host = Host.objects.get(zone=zone)
    vm = factories.make_vm(zone)
    type(vm).objects.filter(pk=vm.pk).update(host=host, pod=host.pod)
    removals: list[tuple[Any, Any, str]] = [
        (services.remove_region, zone.region, "zone"),
        (services.remove_zone, zone, "pod"),
        (services.remove_cluster, host.cluster, "host"),
        (services.remove_host, host, "virtual machine"),
    ]
    for remove, row, kind in removals:
        with pytest.raises(ObjectInUse) as caught:
            remove(OPERATOR, row)
        assert caught.value.params["counts"][kind] == 1
    type(vm).objects.filter(pk=vm.pk).update(host=None)
    services.remove_host(OPERATOR, host)
    assert not Host.objects.exists()
    assert Event.objects.get(kind="host.remove").target_uuid == host.uuid


def test_a_host_with_a_job_under_way_is_not_removed(simulated: Cluster) -> None:
    host, job = services.add_host(OPERATOR, cluster=simulated, name="s1", driver="simulator")
    with pytest.raises(ResourceBusy) as caught:
        services.remove_host(OPERATOR, host)
    assert caught.value.params["job"] == str(job.uuid)
    _host, waiting = services.change_host(OPERATOR, host, address="10.9.9.9")
    assert waiting is not None
    JobLock.objects.all().delete()
    Job.objects.filter(pk=job.pk).update(state=JobState.CANCELLED, finished_at=job.created_at)
    with pytest.raises(ResourceBusy) as caught:  # it has no lock yet, and is about to take it
        services.remove_host(OPERATOR, host)
    assert caught.value.params["job"] == str(waiting.uuid)


def test_disabling_is_recorded_once() -> None:
    zone = factories.make_zone(hosts=1)
    host = Host.objects.get(zone=zone)
    for row in (zone, host.pod, host.cluster, host):
        services.disable(OPERATOR, row)
        services.disable(OPERATOR, row)
        row.refresh_from_db()
        assert row.enabled is False
        services.enable(OPERATOR, row)
    kinds = list(Event.objects.values_list("kind", flat=True))
    assert sorted(kinds) == sorted(
        f"{noun}.{verb}" for noun in ("zone", "pod", "cluster", "host") for verb in ("enable", "disable")
    )


def test_members_do_none_of_this() -> None:
    zone = factories.make_zone(hosts=1)
    actor = Actor(factories.make_user(factories.make_account()))
    before = Event.objects.count()
    for act in (
        lambda: services.create_region(actor, name="r"),
        lambda: services.create_zone(actor, region=zone.region, name="z"),
        lambda: services.disable(actor, zone),
        lambda: services.remove_zone(actor, zone),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert (Region.objects.count(), Zone.objects.count(), Event.objects.count()) == (1, 1, before)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"arch": "x86 64"}, "arch"),
        ({"hypervisor": "xen"}, "hypervisor"),
        ({"cpu_overcommit_percent": 99}, "cpu_overcommit_percent"),
        ({"memory_overcommit_percent": True}, "memory_overcommit_percent"),
    ],
)
def test_a_cluster_that_makes_no_sense_is_refused(
    cluster: Cluster, given: dict[str, Any], place: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.create_cluster(OPERATOR, pod=cluster.pod, name="new", **given)
    assert caught.value.place == place
