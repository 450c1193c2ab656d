"""Rows for tests: small plain functions, each with a few traits. What is not said is ordinary.

Names are numbered; rows of a zone are made in bulk, so that a zone of ten thousand hosts is cheap.
"""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from apps.accounts import quota
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Domain, Quota, User
from apps.compute import placement
from apps.compute.models import Nic, ServiceOffering, VirtualMachine, VolumeAttachment
from apps.compute.states import State
from apps.network.addresses import create_range
from apps.network.models import Network
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template, Volume
from apps.zones.models import Cluster, Host, HostState, Pod, Region, Zone

GIB = 2**30
_numbers = itertools.count(1)


def numbered(word: str) -> str:
    return f"{word}-{next(_numbers)}"


def random_mac() -> str:
    return "02:" + ":".join(f"{byte:02x}" for byte in uuid.uuid4().bytes[:5])


def root_domain() -> Domain:
    root, new = Domain.objects.get_or_create(parent=None, defaults={"name": "ROOT", "name_key": "root"})
    if new:
        root.path = f"/{root.pk}/"
        root.save()
        Quota.objects.create(domain=root)
    return root


def make_domain(parent: Domain | None = None, **limits: int | None) -> Domain:
    parent = parent or root_domain()
    domain = Domain.objects.create(name=numbered("domain"), parent=parent)
    domain.path = f"{parent.path}{domain.pk}/"
    domain.save()
    Quota.objects.create(domain=domain, **limits)
    return domain


def make_account(domain: Domain | None = None, **limits: Any) -> Account:
    """An account with a quota row; `limits` are its `max_*` and what else it says."""
    account = Account.objects.create(name=numbered("account"), domain=domain or root_domain())
    Quota.objects.create(account=account, **limits)
    return account


def make_user(*accounts: Account, super_admin: bool = False, **columns: Any) -> User:
    user = User.objects.create_user(numbered("user"), is_super_admin=super_admin, **columns)
    user.accounts.set(accounts)
    return user


def make_zone(
    *,
    hosts: int = 1,
    clusters: int = 1,
    pods: int = 1,
    addresses: int = 50,
    pool: str | None = "cluster",
    pool_gib: int = 1000,
    **host: Any,
) -> Zone:
    """A zone with so many pods, clusters and hosts in all, dealt out evenly; each pod has a network
    with `addresses` free, each cluster (or host, or the zone, by `pool`) a pool of `pool_gib`.
    `host` overrides columns of the hosts."""
    region = Region.objects.create(name=numbered("region"))
    zone = Zone.objects.create(name=numbered("zone"), region=region)
    pod_rows = [make_pod(zone, addresses=addresses) for _ in range(pods)]
    cluster_rows = [make_cluster(pod_rows[number % pods]) for number in range(clusters)]
    host_rows: list[Host] = []
    for index, cluster in enumerate(cluster_rows):
        share = hosts // clusters + (index < hosts % clusters)
        host_rows += make_hosts(cluster, share, **host)
    owners: dict[str, list[Any]] = {"zone": [zone], "cluster": cluster_rows, "host": host_rows}
    make_pools(pool, owners[pool], pool_gib) if pool else None
    return zone


def make_pod(zone: Zone, *, addresses: int = 50) -> Pod:
    """A pod whose network (a /16 of its own) has so many addresses, from .0.2 on."""
    number = next(_numbers) % (254 * 256)
    prefix = f"{10 + number // 256 % 90}.{number % 256}"
    last = max(addresses, 1) + 1
    end = f"{prefix}.{last // 256}.{last % 256}"
    pod = Pod(name=numbered("pod"), zone=zone)
    pod.set_subnet(cidr=f"{prefix}.0.0/16", gateway=f"{prefix}.0.1", guest=(f"{prefix}.0.2", end))
    pod.save()
    network = Network.objects.create(
        name=numbered("network"), zone=zone, pod=pod, cidr=pod.cidr, gateway=pod.gateway, bridge="br0"
    )
    if addresses:
        create_range(network, pod.guest_start, pod.guest_end)
    return pod


def make_cluster(pod: Pod, **columns: Any) -> Cluster:
    return Cluster.objects.create(name=numbered("cluster"), pod=pod, **columns)


def make_hosts(cluster: Cluster, count: int, **columns: Any) -> list[Host]:
    """Hosts that are up, with 32 vCPUs and 64 GiB to promise, unless `columns` say otherwise."""
    rows = []
    for _ in range(count):
        row = Host(
            zone=cluster.pod.zone,
            pod=cluster.pod,
            cluster=cluster,
            **{
                "driver": Host.Driver.SIMULATOR,
                "state": HostState.UP,
                "cpu_cores": 16,
                "memory_mib": 65536,
                "capacity_vcpus": 32,
                "capacity_memory_mib": 65536,
            }
            | columns,
        )
        row.set_name(numbered("host"))
        row.address = row.name
        rows.append(row)
    return Host.objects.bulk_create(rows, batch_size=500)


def make_pools(scope: str, owners: list[Any], gib: int = 1000) -> list[PrimaryStorage]:
    """A pool of `gib` for each owner: a zone, clusters, or hosts, as the scope says."""
    rows = []
    for owner in owners:
        zone = {"zone": lambda o: o, "cluster": lambda o: o.pod.zone, "host": lambda o: o.zone}[scope](owner)
        row = PrimaryStorage(
            zone=zone,
            scope=scope,
            cluster=owner if scope == "cluster" else None,
            host=owner if scope == "host" else None,
            driver="simulator",
            path="/pool",
            capacity_bytes=gib * GIB,
            promised_bytes=gib * GIB,
            overprovision_percent=100,
        )
        row.set_name(numbered("pool"))
        rows.append(row)
    return PrimaryStorage.objects.bulk_create(rows, batch_size=500)


def make_offering(vcpus: int = 1, memory_mib: int = 1024, **columns: Any) -> ServiceOffering:
    name = numbered("offering")
    return ServiceOffering.objects.create(name=name, vcpus=vcpus, memory_mib=memory_mib, **columns)


def make_template(zone: Zone, account: Account, *, gib: int = 1, **columns: Any) -> Template:
    secondary, _new = SecondaryStorage.objects.get_or_create(
        zone=zone, defaults={"name": numbered("secondary"), "path": "/secondary"}
    )
    defaults = {"state": Template.State.READY, "virtual_size_bytes": gib * GIB, "is_public": True}
    columns = {"name": numbered("template"), **defaults, **columns}
    template = Template.objects.create(account=account, secondary_storage=secondary, **columns)
    if template.state != Template.State.DELETED:
        quota.reserve(account, Amount(templates=1), member_id=template.created_by_id)
    return template


def make_vm(
    zone: Zone,
    *,
    account: Account | None = None,
    offering: ServiceOffering | None = None,
    template: Template | None = None,
    vcpus: int = 1,
    memory_mib: int = 1024,
    disks_gib: tuple[int, ...] = (10,),
    nics: int = 1,
    state: State = State.STARTING,
    **columns: Any,
) -> VirtualMachine:
    """A machine as the deploy service leaves it: no host, volumes without a pool, NICs without an
    address, its quota reserved."""
    account = account or make_account()
    vm = VirtualMachine.objects.create(
        name=numbered("vm"),
        hostname="vm",
        account=account,
        zone=zone,
        offering=offering or make_offering(vcpus, memory_mib),
        template=template or make_template(zone, account),
        state=state,
        **columns,
    )
    for index, gib in enumerate(disks_gib):
        volume = Volume.objects.create(
            name=numbered("volume"), account=account, zone=zone, template=vm.template, size_bytes=gib * GIB
        )
        VolumeAttachment.objects.create(vm=vm, volume=volume, device_index=index)
    for index in range(nics):
        Nic.objects.create(vm=vm, device_index=index, mac=random_mac())
    quota.follow(account, lambda counting: vm.quota_in(state, counting), member_id=vm.created_by_id)
    return vm


def placed(vm: VirtualMachine) -> Host:
    """The host that placement gives the machine."""
    placement.place(vm)
    assert vm.host is not None
    return vm.host
