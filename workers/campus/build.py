"""Building the campus: infrastructure through the portal's own services and operations, people too;
machines in bulk, their disks and definitions by the very steps that a deploy takes."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from apps.accounts import quota, quota_services
from apps.accounts import services as accounts
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.members import add_member
from apps.accounts.models import Account, Domain
from apps.compute.management.commands.init_cloud import init_cloud
from apps.core.errors import CloudError
from apps.jobs import dispatch
from apps.jobs.models import Job
from apps.network.services import create_pod
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template, TemplateCopy
from apps.storage.services import create_primary_storage, create_secondary_storage
from apps.zones import services as zones
from apps.zones.models import Cluster, Host, Region, Zone
from workers import engine
from workers.campus import names
from workers.campus.machines import add_machines
from workers.drivers.simulator.control import Simulator
from workers.world import World

ACTOR = Actor.system("the demo campus")
MACHINES = 600
HOSTS_A_CLUSTER = 6
MODELS = (("AMD EPYC 7443P", 24, 2850, 131072), ("Intel Xeon Gold 6338", 32, 2000, 262144))
QUOTA = {"machines": 120, "vcpus": 240, "memory_mib": 1024 * 1024, "storage_gib": 4096}


def build_campus(machines: int = MACHINES) -> dict[str, int] | None:
    """Fill the portal; how many of what, or None if the campus is there. Stopped half-way it can
    only be begun anew in an empty portal."""
    if Region.objects.filter(name=names.REGION).exists():
        return None
    with dispatch.held():
        init_cloud()
        owners = _create_people()
        region = zones.create_region(ACTOR, name=names.REGION)
        found = [create_zone(region, *zone) for zone in names.ZONES]
        create_templates(found, owners["IT services"])
        made = add_machines(ACTOR, list(owners.values()), machines)
    Simulator(str(settings.VAR / "simulator.sqlite3")).use_profile("demo")
    return {
        "zones": len(found),
        "hosts": Host.objects.filter(zone__in=found).count(),
        "accounts": len(owners),
        "users": len(names.PEOPLE),
        "machines": made,
    }


def _create_people() -> dict[str, Account]:
    root = Domain.objects.get(parent=None)
    owners: dict[str, Account] = {}
    for domain_name, account_names in names.DOMAINS.items():
        domain = accounts.create_domain(ACTOR, name=domain_name, parent=root)
        for name in account_names:
            owners[name] = accounts.create_account(ACTOR, name=name, domain=domain)
            quota_services.set_quota(ACTOR, owners[name], limits=QUOTA)
    for username, full_name, members in names.PEOPLE:
        user = accounts.create_user(ACTOR, username=username, full_name=full_name, account=owners[members[0]])
        for name in members[1:]:
            add_member(ACTOR, owners[name], user=user)
    return owners


def create_zone(region: Region, name: str, hosts: int, prefix: str) -> Zone:
    zone = zones.create_zone(ACTOR, region=region, name=name, dns=[f"{prefix}.0.53"])
    clusters: list[Cluster] = []
    for number in range(-(-hosts // HOSTS_A_CLUSTER)):
        pod = create_pod(
            ACTOR,
            zone=zone,
            name=f"{name} {number + 1}",
            cidr=f"{prefix}.{number * 4}.0/22",
            gateway=f"{prefix}.{number * 4}.1",
            guest_start=f"{prefix}.{number * 4}.100",
            guest_end=f"{prefix}.{number * 4 + 3}.200",
            bridge="cpbr0",
        )
        clusters.append(
            zones.create_cluster(ACTOR, pod=pod, name=f"sim-{number + 1}", hypervisor="simulator")
        )
    for number in range(hosts):
        cluster = clusters[number % len(clusters)]
        _add_host(cluster, f"{prefix.replace('.', '-')}-h{number + 1:02d}", MODELS[number % len(MODELS)])
    for cluster in clusters:
        _pool, job = create_primary_storage(
            ACTOR,
            zone=zone,
            scope="cluster",
            cluster=cluster,
            name=f"{cluster.name} disks",
            path="/srv/volumes",
        )
        run_through([job] if job else [])
    folder = settings.VAR / "campus" / str(zone.uuid)
    create_secondary_storage(ACTOR, zone=zone, name="Templates", path=str(folder))
    return zone


def _add_host(cluster: Cluster, name: str, model: tuple[str, int, int, int]) -> None:
    facts = dict(zip(("cpu_model", "cpu_cores", "cpu_mhz", "memory_mib"), map(str, model), strict=True))
    _host, job = zones.add_host(ACTOR, cluster=cluster, name=name, driver="simulator", extra=facts)
    run_through([job])


def create_templates(found: list[Zone], owner: Account) -> None:
    """Templates of every zone, in each pool: as if they had been registered and used before."""
    for zone in found:
        storage = SecondaryStorage.objects.get(zone=zone)
        for name, gib, memory_mib in names.TEMPLATES:
            template = Template.objects.create(
                account=owner,
                secondary_storage=storage,
                name=f"{name} ({zone.name})",
                is_public=True,
                state=Template.State.READY,
                size_bytes=gib * 2**28,
                virtual_size_bytes=gib * 2**30,
                min_memory_mib=memory_mib,
            )
            quota.reserve(owner, Amount(templates=1))
            for pool in PrimaryStorage.objects.filter(zone=zone):
                _copy(template, pool)


def _copy(template: Template, pool: PrimaryStorage) -> None:
    host = Host.objects.filter(cluster=pool.cluster_id).order_by("pk").first()
    assert host is not None  # noqa: S101 - every cluster got hosts
    source = f"{template.secondary_storage.folder}/{template.image}.qcow2"
    storage = World(lambda: None, 1.0).storage(host, pool)
    storage.import_image(f"campus-{template.uuid}", source, template.image, template.virtual_size_bytes)
    TemplateCopy.objects.create(template=template, pool=pool, state=TemplateCopy.State.READY)


def run_through(jobs: Iterable[Job]) -> None:
    """Run jobs here and now that need no waiting; CloudError if one does not end well."""
    for job in jobs:
        engine.run(job.pk)
        job.refresh_from_db()
        if job.state != "done":
            raise CloudError(f"{job.kind} ended {job.state}: {job.error}")
