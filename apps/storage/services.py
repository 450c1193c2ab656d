"""Primary and secondary storage: where volumes and templates are kept."""

from __future__ import annotations

from django.db import transaction

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.checks import clean_choice, clean_path, clean_whole
from apps.core.constraints import delete, insert
from apps.core.errors import InvalidInput, ResourceBusy
from apps.core.names import clean_name
from apps.jobs import events
from apps.jobs.models import Job, JobLock
from apps.jobs.services import submit
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.storage.reach import host_at_hand
from apps.zones.models import Cluster, Host, Zone

DRIVERS = ("directory",)


def lock_of(pool: PrimaryStorage) -> str:
    return f"pool:{pool.uuid}"


@transaction.atomic
def create_primary_storage(
    actor: Actor,
    *,
    zone: Zone,
    scope: str,
    name: str,
    path: str,
    cluster: Cluster | None = None,
    host: Host | None = None,
    driver: str = "directory",
    overprovision_percent: int = 200,
) -> tuple[PrimaryStorage, Job | None]:
    """A pool, and the job that reads its size from a host that reaches it. While no such host is up
    there is no job: the first host to connect reads the size then."""
    policy.require(actor, "primary_storage.create")
    _check_scope(zone, scope, cluster, host)
    if driver not in DRIVERS:
        raise InvalidInput("not_a_choice", place="driver", known=", ".join(DRIVERS))
    pool = PrimaryStorage(
        zone=zone,
        scope=scope,
        cluster=cluster,
        host=host,
        name=clean_name(name),
        path=clean_path(path),
        driver=driver,
        overprovision_percent=clean_whole(
            overprovision_percent, place="overprovision_percent", low=100, high=1000
        ),
    )
    insert(pool)
    events.record(actor, "primary_storage.create", pool)
    return pool, _connect(actor, pool)


def _check_scope(zone: Zone, scope: str, cluster: Cluster | None, host: Host | None) -> None:
    clean_choice(scope, PrimaryStorage.Scope, place="scope")
    if (cluster is not None) != (scope == "cluster") or (host is not None) != (scope == "host"):
        raise InvalidInput("scope_needs", place="scope", scope=scope)
    if cluster is not None and cluster.pod.zone_id != zone.pk:
        raise InvalidInput("in_other_zone", place="cluster")
    if host is not None and host.zone_id != zone.pk:
        raise InvalidInput("in_other_zone", place="host")


def _connect(actor: Actor, pool: PrimaryStorage) -> Job | None:
    host = host_at_hand(pool)
    if host is None:
        return None
    return submit(actor, "primary_storage.connect", pool, lock_keys=[lock_of(pool)], host=str(host.uuid))


@transaction.atomic
def reconnect_primary_storage(actor: Actor, pool: PrimaryStorage) -> Job | None:
    """Read a pool's size again; no job while no host that reaches it is up."""
    policy.require(actor, "primary_storage.reconnect", pool)
    return _connect(actor, pool)


@transaction.atomic
def remove_primary_storage(actor: Actor, pool: PrimaryStorage) -> None:
    """Forget a pool that holds nothing of ours. Its folder is left alone."""
    policy.require(actor, "primary_storage.remove", pool)
    lock = JobLock.objects.filter(key=lock_of(pool)).select_related("job").first()
    if lock is not None:
        raise ResourceBusy(job=str(lock.job.uuid), kind=lock.job.kind)
    events.record(actor, "primary_storage.remove", pool)
    delete(pool)


@transaction.atomic
def create_secondary_storage(actor: Actor, *, zone: Zone, name: str, path: str) -> SecondaryStorage:
    """A folder that workers and hosts reach under one path. The first template makes it."""
    policy.require(actor, "secondary_storage.create")
    storage = insert(SecondaryStorage(zone=zone, name=clean_name(name), path=clean_path(path)))
    events.record(actor, "secondary_storage.create", storage)
    return storage


@transaction.atomic
def remove_secondary_storage(actor: Actor, storage: SecondaryStorage) -> None:
    """Forget a secondary storage without templates. Its folder is left alone."""
    policy.require(actor, "secondary_storage.remove", storage)
    events.record(actor, "secondary_storage.remove", storage)
    storage.templates.filter(state="Deleted", virtual_machines=None, volumes=None).delete()
    delete(storage)


Switchable = PrimaryStorage | SecondaryStorage


@transaction.atomic
def enable_storage(actor: Actor, row: Switchable) -> Switchable:
    return _switch(actor, row, enabled=True)


@transaction.atomic
def disable_storage(actor: Actor, row: Switchable) -> Switchable:
    """Nothing new is put there from now on. What is there stays in use."""
    return _switch(actor, row, enabled=False)


def _switch(actor: Actor, row: Switchable, *, enabled: bool) -> Switchable:
    noun = "primary_storage" if isinstance(row, PrimaryStorage) else "secondary_storage"
    kind = f"{noun}.{'enable' if enabled else 'disable'}"
    policy.require(actor, kind, row)
    if type(row).objects.filter(pk=row.pk, enabled=not enabled).update(enabled=enabled):
        events.record(actor, kind, row)
    row.enabled = enabled
    return row
