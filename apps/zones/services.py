"""Building the hierarchy of the cloud, switching parts of it on and off, taking them away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from django.db import transaction

from apps.accounts import policy, secrets
from apps.accounts.actor import Actor
from apps.core.checks import (
    clean_choice,
    clean_host_address,
    clean_ipv4,
    clean_path,
    clean_settings,
    clean_whole,
)
from apps.core.constraints import delete, insert
from apps.core.errors import InvalidInput, ResourceBusy
from apps.core.names import clean_name
from apps.jobs import events
from apps.jobs.events import target_type
from apps.jobs.models import Job, JobLock
from apps.jobs.services import submit
from apps.zones.keys import clean_host_key, clean_private_key
from apps.zones.models import Cluster, Host, HostState, Pod, Region, Zone

_URI = re.compile(
    r"qemu(\+unix|\+tls)?://([A-Za-z0-9][A-Za-z0-9.-]*)?(:[0-9]{1,5})?/(system|session)"
    r"(\?socket=(/[A-Za-z0-9._@+=-]+)+)?"
)
_USERNAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_ARCH = re.compile(r"[a-z0-9_]{1,16}")
_DRIVERS = {Cluster.Hypervisor.KVM: Host.Driver.LIBVIRT, Cluster.Hypervisor.SIMULATOR: Host.Driver.SIMULATOR}
MAX_DNS = 3


def lock_of(host: Host) -> str:
    return f"host:{host.uuid}"


@transaction.atomic
def create_region(actor: Actor, *, name: str) -> Region:
    policy.require(actor, "region.create")
    region = insert(Region(name=clean_name(name)))
    events.record(actor, "region.create", region)
    return region


@transaction.atomic
def create_zone(
    actor: Actor,
    *,
    region: Region,
    name: str,
    network_type: str = Zone.NetworkType.BASIC,
    dns: Sequence[str] = (),
) -> Zone:
    """`dns` are the IPv4 addresses of the name servers that guests of the zone ask."""
    policy.require(actor, "zone.create")
    if not isinstance(dns, list | tuple) or len(dns) > MAX_DNS:
        raise InvalidInput("out_of_range", place="dns", low=0, high=MAX_DNS)
    servers = [str(clean_ipv4(server, place="dns")) for server in dns]
    kind = clean_choice(network_type, Zone.NetworkType, place="network_type")
    zone = insert(Zone(region=region, name=clean_name(name), network_type=kind, dns=servers))
    events.record(actor, "zone.create", zone)
    return zone


@transaction.atomic
def create_cluster(
    actor: Actor,
    *,
    pod: Pod,
    name: str,
    hypervisor: str = Cluster.Hypervisor.KVM,
    arch: str = "x86_64",
    cpu_overcommit_percent: int = 200,
    memory_overcommit_percent: int = 100,
) -> Cluster:
    policy.require(actor, "cluster.create")
    if not isinstance(arch, str) or not _ARCH.fullmatch(arch):
        raise InvalidInput("not_an_architecture", place="arch")
    cluster = insert(
        Cluster(
            pod=pod,
            name=clean_name(name),
            hypervisor=clean_choice(hypervisor, Cluster.Hypervisor, place="hypervisor"),
            arch=arch,
            cpu_overcommit_percent=clean_whole(
                cpu_overcommit_percent, place="cpu_overcommit_percent", low=100, high=5000
            ),
            memory_overcommit_percent=clean_whole(
                memory_overcommit_percent, place="memory_overcommit_percent", low=100, high=1000
            ),
        )
    )
    events.record(actor, "cluster.create", cluster)
    return cluster


@transaction.atomic
def add_host(
    actor: Actor,
    *,
    cluster: Cluster,
    name: str,
    address: str = "",
    port: int = 22,
    username: str = "root",
    private_key: str = "",
    host_key: str = "",
    driver: str = Host.Driver.LIBVIRT,
    uri: str = "qemu:///system",
    extra: Mapping[str, str] | None = None,
) -> tuple[Host, Job]:
    """A host, Connecting, and the job that reaches it. One at another address is reached only with
    the key that it is known to show: nothing is trusted on first use without an operator's eye."""
    policy.require(actor, "host.add")
    host = Host(
        zone_id=cluster.pod.zone_id,
        pod=cluster.pod,
        cluster=cluster,
        name=clean_name(name),
        driver=clean_choice(driver, Host.Driver, place="driver"),
        address=clean_host_address(address),
        port=clean_whole(port, place="port", low=1, high=65535),
        username=_clean_username(username),
        host_key=clean_host_key(host_key) if host_key else "",
        uri=_clean_uri(uri),
        extra=_clean_extra(extra or {}),
    )
    if _DRIVERS[Cluster.Hypervisor(cluster.hypervisor)] != host.driver:
        raise InvalidInput(
            "driver_not_of_cluster", place="driver", driver=host.driver, hypervisor=cluster.hypervisor
        )
    if host.address and host.driver == Host.Driver.LIBVIRT:
        if not host.host_key:
            raise InvalidInput("host_key_needed", place="host_key")
        if not private_key:
            raise InvalidInput("private_key_needed", place="private_key")
    if private_key:
        key = clean_private_key(private_key)
        host.private_key = secrets.seal(Host, host.uuid, "private_key", key)
    insert(host)
    events.record(actor, "host.add", host, address=host.address)
    return host, _connect(actor, host)


def _clean_username(text: object) -> str:
    if not isinstance(text, str) or not _USERNAME.fullmatch(text):
        raise InvalidInput("not_a_login", place="username")
    return text


def _clean_uri(text: object) -> str:
    if not isinstance(text, str) or len(text) > 255 or not _URI.fullmatch(text) or "/../" in text:
        raise InvalidInput("not_a_uri", place="uri")
    return text


def _clean_extra(value: object) -> dict[str, str]:
    extra = clean_settings(value, place="extra")
    if "work_dir" in extra:
        clean_path(extra["work_dir"], place="extra work_dir")
    return extra


def _connect(actor: Actor, host: Host) -> Job:
    return submit(actor, "host.connect", host, lock_keys=[lock_of(host)])


@transaction.atomic
def reconnect_host(actor: Actor, host: Host) -> Job:
    """Reach the host anew and read again what it is made of. Its machines run on meanwhile."""
    policy.require(actor, "host.reconnect", host)
    Host.objects.filter(pk=host.pk, state__in=[HostState.DISCONNECTED, HostState.ALERT]).update(
        state=HostState.CONNECTING, state_reason=""
    )
    return _connect(actor, host)


@transaction.atomic
def remove_host(actor: Actor, host: Host) -> None:
    """Forget a host that holds nothing. Nothing is done on the host itself."""
    _refuse_busy(lock_of(host))
    _remove(actor, "host.remove", host)


def _refuse_busy(key: str) -> None:
    lock = JobLock.objects.filter(key=key).select_related("job").first()
    if lock is not None:
        raise ResourceBusy(job=str(lock.job.uuid), kind=lock.job.kind)


@transaction.atomic
def remove_region(actor: Actor, region: Region) -> None:
    _remove(actor, "region.remove", region)


@transaction.atomic
def remove_zone(actor: Actor, zone: Zone) -> None:
    _remove(actor, "zone.remove", zone)


@transaction.atomic
def remove_cluster(actor: Actor, cluster: Cluster) -> None:
    _remove(actor, "cluster.remove", cluster)


def _remove(actor: Actor, kind: str, row: Region | Zone | Cluster | Host) -> None:
    policy.require(actor, kind, row)
    events.record(actor, kind, row)
    delete(row)


Switchable = Zone | Pod | Cluster | Host


@transaction.atomic
def enable(actor: Actor, row: Switchable) -> Switchable:
    """Let new machines be placed in it again."""
    return _switch(actor, row, enabled=True)


@transaction.atomic
def disable(actor: Actor, row: Switchable) -> Switchable:
    """No new machine is placed in it from now on. What runs there runs on."""
    return _switch(actor, row, enabled=False)


def _switch(actor: Actor, row: Switchable, *, enabled: bool) -> Switchable:
    kind = f"{target_type(row)}.{'enable' if enabled else 'disable'}"
    policy.require(actor, kind, row)
    if type(row).objects.filter(pk=row.pk, enabled=not enabled).update(enabled=enabled):
        events.record(actor, kind, row)
    row.enabled = enabled
    return row
