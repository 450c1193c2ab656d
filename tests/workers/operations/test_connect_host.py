"""A host is logged in to only after somebody looked at the key that it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.jobs import dispatch
from apps.jobs.models import Job, JobLock
from apps.portal.launch.forms import HostForm
from apps.zones import services
from apps.zones.models import Cluster, Host, HostState
from tests import factories
from tests.lab import Lab
from workers import engine, hosts, operations, sync, world
from workers.drivers import connect

assert operations
OPERATOR = Actor.system("a test")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@pytest.fixture
def cluster(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(dispatch, "send", lambda *_args, **_options: True)
    zone = factories.make_zone(hosts=0, pool=None)
    return Cluster.objects.get(pod__zone=zone)


def ran(job: Job) -> Job:
    engine.run(job.pk)
    job.refresh_from_db()
    return job


def test_an_unknown_key_is_shown_and_the_host_left_alone(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "shown_host_key", lambda _address: HOST_KEY)
    host, job = services.add_host(OPERATOR, cluster=cluster, name="h", address="10.1.2.3")
    assert ran(job).state == "done"
    host.refresh_from_db()
    assert (host.state, host.state_reason) == (HostState.ALERT, "host_key_untrusted")
    assert (host.shown_key, host.host_key, host.cpu_cores) == (HOST_KEY, "", 0)
    report_at = timezone.now()
    sync.apply_report(host, report_at, [])
    host.refresh_from_db()
    assert host.state == HostState.ALERT


def test_a_simulated_host_has_what_the_wizard_says(cluster: Cluster) -> None:
    Cluster.objects.update(hypervisor="simulator")
    cluster.refresh_from_db()
    host, job = services.add_host(OPERATOR, cluster=cluster, name="h", driver="simulator")
    assert ran(job).state == "done", job.error
    host.refresh_from_db()
    said = str(HostForm.base_fields["count"].help_text)
    assert f"{host.cpu_cores} cores and {host.memory_mib // 1024} GiB" in said


def test_an_overcommit_that_changes_while_a_host_is_asked_counts(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "send", lambda *_args, **_options: True)
    factories.make_zone(hosts=1, pool=None)
    host, cluster = Host.objects.get(), Cluster.objects.get()

    def asked(name: str, work: Callable[[], Any]) -> Any:
        services.change_cluster(OPERATOR, cluster, cpu_overcommit_percent=300)
        return work()

    monkeypatch.setattr(world, "interceptor", asked)
    assert ran(services.reconnect_host(OPERATOR, host)).state == "done"
    host.refresh_from_db()
    assert host.cpu_cores > 0
    assert host.capacity_vcpus == 3 * host.cpu_cores
    hosts.drop_all()


@pytest.mark.lab
def test_a_host_is_used_once_its_key_is_trusted(cluster: Cluster, lab: Lab) -> None:
    there = lab.address(0)
    private_key = Path(there.private_key_path).read_text()
    host, job = services.add_host(
        OPERATOR, cluster=cluster, name="h", address=there.address, port=there.port, private_key=private_key
    )
    ran(job)
    host.refresh_from_db()
    assert host.shown_key == there.host_key
    assert not JobLock.objects.exists()
    _host, job = services.trust_host_key(OPERATOR, host, key=host.shown_key)
    assert ran(job).state == "done", job.error
    stored = Host.objects.get()
    assert (stored.state, stored.shown_key) == (HostState.UP, "")
    assert stored.cpu_cores > 0
    hosts.drop_all()
