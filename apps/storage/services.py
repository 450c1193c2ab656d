"""Primary and secondary storage: where volumes and templates are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django.db import transaction
from django.db.models import F

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.core.checks import clean_choice, clean_whole
from apps.core.constraints import delete, insert, update
from apps.core.errors import InvalidInput, ObjectInUse
from apps.core.names import clean_name
from apps.jobs import events
from apps.jobs.events import target_type
from apps.jobs.locks import refuse_held
from apps.jobs.models import Job
from apps.jobs.services import submit
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.storage.mounts import clean_place, clean_storage_settings
from apps.storage.reach import host_at_hand
from apps.zones.models import Cluster, Host, Zone
from apps.zones.services.switches import switch

Storage = PrimaryStorage | SecondaryStorage
R = TypeVar("R", PrimaryStorage, SecondaryStorage)
_PLACE = ("server", "path", "settings")
"""What says where files lie: it changes only while there are none."""


def lock_of(storage: Storage) -> str:
    return f"{'pool' if isinstance(storage, PrimaryStorage) else 'secondary'}:{storage.uuid}"


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
    server: str = "",
    settings: Mapping[str, str] | None = None,
    overprovision_percent: int = 200,
) -> tuple[PrimaryStorage, Job | None]:
    """A pool, and the job that reads its size from a host that reaches it. While no such host is up
    there is no job: the first host to connect reads the size then. With the drivers "nfs" and "gluster"
    `path` is what `server` exports, and each host mounts it."""
    policy.require(actor, "primary_storage.create", host or cluster or zone)
    _check_scope(zone, scope, cluster, host)
    driver, server, path = clean_place(driver, server, path)
    pool = PrimaryStorage(
        zone=zone,
        scope=scope,
        cluster=cluster,
        host=host,
        name=clean_name(name),
        driver=driver,
        server=server,
        path=path,
        settings=clean_storage_settings(settings or {}),
        overprovision_percent=_clean_overprovision(overprovision_percent),
    )
    insert(pool)
    events.record(actor, "primary_storage.create", pool)
    return pool, _connect_pool(actor, pool)


def _check_scope(zone: Zone, scope: str, cluster: Cluster | None, host: Host | None) -> None:
    clean_choice(scope, PrimaryStorage.Scope, place="scope")
    if (cluster is not None) != (scope == "cluster") or (host is not None) != (scope == "host"):
        raise InvalidInput("scope_needs", place="scope", scope=scope)
    if cluster is not None and cluster.pod.zone_id != zone.pk:
        raise InvalidInput("in_other_zone", place="cluster")
    if host is not None and host.zone_id != zone.pk:
        raise InvalidInput("in_other_zone", place="host")


def _clean_overprovision(percent: object) -> int:
    return clean_whole(percent, place="overprovision_percent", low=100, high=1000)


def _connect_pool(actor: Actor, pool: PrimaryStorage) -> Job | None:
    host = host_at_hand(pool)
    if host is None:
        return None
    return submit(actor, "primary_storage.connect", pool, lock_keys=[lock_of(pool)], host=str(host.uuid))


@transaction.atomic
def change_primary_storage(
    actor: Actor,
    pool: PrimaryStorage,
    *,
    name: str | None = None,
    server: str | None = None,
    path: str | None = None,
    settings: Mapping[str, str] | None = None,
    overprovision_percent: int | None = None,
) -> tuple[PrimaryStorage, Job | None]:
    """Change what is given. Where its files lie changes only while it holds none, and is looked at anew.
    What is promised already stays promised: a pool beyond its promise takes nothing new."""
    policy.require(actor, "primary_storage.change", pool)
    pool.refresh_from_db()
    if overprovision_percent is not None:
        pool.overprovision_percent = _clean_overprovision(overprovision_percent)
    moved = _change(actor, pool, name=name, server=server, path=path, settings=settings)
    if overprovision_percent is not None:
        promised = F("capacity_bytes") * F("overprovision_percent") / 100
        PrimaryStorage.objects.filter(pk=pool.pk).update(promised_bytes=promised)
        pool.refresh_from_db()
    return pool, _connect_pool(actor, pool) if moved else None


def holdings_of(storage: Storage) -> dict[str, int]:
    """How many of what keep a storage from being moved or removed."""
    if isinstance(storage, PrimaryStorage):
        counts = {"volume": storage.volumes.count(), "template copy": storage.template_copies.count()}
    else:
        counts = {"template": storage.templates.exclude(state="Deleted").count()}
    return {kind: count for kind, count in counts.items() if count}


def _change(
    actor: Actor,
    row: R,
    *,
    name: str | None,
    server: str | None,
    path: str | None,
    settings: Mapping[str, str] | None = None,
) -> bool:
    """Set what is given and differs, and record what it was and is; whether its place changed."""
    before = type(row).objects.get(pk=row.pk)
    if name is not None:
        row.name = clean_name(name)
    if server is not None or path is not None:
        _driver, row.server, row.path = clean_place(
            row.driver, row.server if server is None else server, row.path if path is None else path
        )
    if settings is not None and isinstance(row, PrimaryStorage):
        row.settings = clean_storage_settings(settings)
    fields = [field for field in ("name", *_PLACE, "overprovision_percent") if hasattr(row, field)]
    was, now = ({field: getattr(one, field) for field in fields} for one in (before, row))
    changed = [field for field in fields if was[field] != now[field]]
    moved = bool(set(changed) & set(_PLACE))
    if not changed:
        return False
    if moved:
        refuse_held(lock_of(row))
        if counts := holdings_of(row):
            raise ObjectInUse(counts=counts)
    update(row, *changed, *(("name_key", "name_sort") if "name" in changed else ()))
    kind = f"{target_type(row).replace('-', '_')}.change"
    events.record(actor, kind, row, changes=audit.compared(was, now))
    return moved


@transaction.atomic
def reconnect_primary_storage(actor: Actor, pool: PrimaryStorage) -> Job | None:
    """Read a pool's size again; no job while no host that reaches it is up."""
    policy.require(actor, "primary_storage.reconnect", pool)
    return _connect_pool(actor, pool)


@transaction.atomic
def remove_primary_storage(actor: Actor, pool: PrimaryStorage) -> None:
    """Forget a pool that holds nothing of ours. Its folder is left alone."""
    policy.require(actor, "primary_storage.remove", pool)
    refuse_held(lock_of(pool))
    events.record(actor, "primary_storage.remove", pool)
    delete(pool)


@transaction.atomic
def create_secondary_storage(
    actor: Actor, *, zone: Zone, name: str, path: str, driver: str = "directory", server: str = ""
) -> tuple[SecondaryStorage, Job]:
    """Where a zone keeps its templates, and the job that sees whether the portal can write there. It is a
    folder that workers and hosts reach under one path, or what `server` exports: then each mounts it."""
    policy.require(actor, "secondary_storage.create", zone)
    driver, server, path = clean_place(driver, server, path)
    storage = SecondaryStorage(zone=zone, name=clean_name(name), driver=driver, server=server, path=path)
    insert(storage)
    events.record(actor, "secondary_storage.create", storage)
    return storage, _connect_secondary(actor, storage)


def _connect_secondary(actor: Actor, storage: SecondaryStorage) -> Job:
    return submit(actor, "secondary_storage.connect", storage, lock_keys=[lock_of(storage)])


@transaction.atomic
def change_secondary_storage(
    actor: Actor,
    storage: SecondaryStorage,
    *,
    name: str | None = None,
    server: str | None = None,
    path: str | None = None,
) -> tuple[SecondaryStorage, Job | None]:
    """Change what is given. Where its files lie changes only while it holds no template."""
    policy.require(actor, "secondary_storage.change", storage)
    storage.refresh_from_db()
    moved = _change(actor, storage, name=name, server=server, path=path)
    return storage, _connect_secondary(actor, storage) if moved else None


@transaction.atomic
def reconnect_secondary_storage(actor: Actor, storage: SecondaryStorage) -> Job:
    """See again whether the portal can write there."""
    policy.require(actor, "secondary_storage.reconnect", storage)
    return _connect_secondary(actor, storage)


@transaction.atomic
def remove_secondary_storage(actor: Actor, storage: SecondaryStorage) -> None:
    """Forget a secondary storage without templates. Its folder is left alone."""
    policy.require(actor, "secondary_storage.remove", storage)
    refuse_held(lock_of(storage))
    events.record(actor, "secondary_storage.remove", storage)
    storage.templates.filter(state="Deleted", virtual_machines=None, volumes=None).delete()
    delete(storage)


@transaction.atomic
def enable_storage(actor: Actor, row: Storage) -> Storage:
    return switch(actor, row, enabled=True)


@transaction.atomic
def disable_storage(actor: Actor, row: Storage) -> Storage:
    """Nothing new is put there from now on. What is there stays in use."""
    return switch(actor, row, enabled=False)
