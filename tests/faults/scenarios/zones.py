"""Hosts."""

from __future__ import annotations

from apps.jobs.models import Job
from apps.zones import services
from apps.zones.models import Host, HostState
from tests.faults.image import Rows
from tests.faults.scenario import Scenario, add
from tests.faults.scenarios.compute import running
from tests.faults.site import Site


def unknown_host(site: Site) -> None:
    cluster = site.hosts()[0].cluster
    type(cluster).objects.filter(pk=cluster.pk).update(hypervisor="simulator")


def submit_add(site: Site) -> Job:
    cluster = site.hosts()[0].cluster
    _host, job = services.add_host(
        site.actor, cluster=cluster, name="new", address="10.9.9.9", driver="simulator"
    )
    return job


def known(_site: Site) -> None:
    host = Host.objects.get(name="new")
    assert host.state == HostState.UP
    assert (host.cpu_cores, host.memory_mib, host.accelerator) == (32, 131072, "kvm")
    assert (host.capacity_vcpus, host.capacity_memory_mib) == (64, 131072 - 1024)


def disconnected_left(_site: Site, before: Rows, after: Rows) -> Rows:
    """A host that could not be reached stays, Disconnected, to be tried again."""
    table = "zones_host"
    new = after[table] - before[table]
    left = {row for row in new if dict(row)["state"] == HostState.DISCONNECTED}
    return {**after, table: after[table] - left}


def submit_reconnect(site: Site) -> Job:
    host = site.vm().host
    assert host is not None
    return services.reconnect_host(site.actor, host)


def still_carries_its_machine(site: Site) -> None:
    host = site.vm().host
    assert host is not None
    assert (host.state, host.cpu_cores, host.allocated_vcpus) == (HostState.UP, 32, 1)


add(Scenario("add a host", "host.connect", unknown_host, submit_add, known, forgive=disconnected_left))
add(
    Scenario(
        "connect a host that carries a machine",
        "host.connect",
        running,
        submit_reconnect,
        still_carries_its_machine,
    )
)
