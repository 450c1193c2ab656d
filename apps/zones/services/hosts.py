"""Hosts: added, changed, reached anew, forgotten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from django.db import transaction

from apps.accounts import audit, policy, secrets
from apps.accounts.actor import Actor
from apps.accounts.recheck import forget_place
from apps.core.checks import clean_choice, clean_host_address, clean_path, clean_settings, clean_whole
from apps.core.constraints import delete, insert, update
from apps.core.errors import InvalidInput, ResourceBusy, StateConflict
from apps.core.names import clean_name
from apps.jobs import events
from apps.jobs.models import Job, JobLock
from apps.jobs.services import cancel_job, submit
from apps.zones.keys import clean_host_key, clean_private_key, fingerprint
from apps.zones.models import Cluster, Host, HostState

_URI = re.compile(
    r"qemu(\+unix|\+tls)?://([A-Za-z0-9][A-Za-z0-9.-]*)?(:[0-9]{1,5})?/(system|session)"
    r"(\?socket=(/[A-Za-z0-9._@+=-]+)+)?"
)
_USERNAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_DRIVERS = {Cluster.Hypervisor.KVM: Host.Driver.LIBVIRT, Cluster.Hypervisor.SIMULATOR: Host.Driver.SIMULATOR}
_WAY = ("address", "port", "username", "private_key", "host_key", "uri")
"""What says how a host is reached."""


def lock_of(host: Host) -> str:
    return f"host:{host.uuid}"


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
    """A host, Connecting, and the job that reaches it. One at another address is logged in to only once
    the key that it shows is known: without `host_key` the job reads that key and waits for an operator's
    eye (`trust_host_key`). Without `private_key` the portal's own key is used."""
    policy.require(actor, "host.add", cluster)
    host = Host(
        zone_id=cluster.pod.zone_id,
        pod=cluster.pod,
        cluster=cluster,
        name=clean_name(name),
        driver=clean_choice(driver, Host.Driver, place="driver"),
        address=clean_host_address(address),
        port=clean_whole(port, place="port", low=1, high=65535),
        username=clean_username(username),
        host_key=clean_host_key(host_key) if host_key else "",
        uri=clean_uri(uri),
        extra=clean_extra(extra or {}),
    )
    if _DRIVERS[Cluster.Hypervisor(cluster.hypervisor)] != host.driver:
        raise InvalidInput(
            "driver_not_of_cluster", place="driver", driver=host.driver, hypervisor=cluster.hypervisor
        )
    if private_key:
        host.private_key = _sealed(host, private_key)
    insert(host)
    events.record(actor, "host.add", host, address=host.address)
    return host, _connect(actor, host)


@transaction.atomic
def change_host(
    actor: Actor,
    host: Host,
    *,
    name: str | None = None,
    address: str | None = None,
    port: int | None = None,
    username: str | None = None,
    private_key: str | None = None,
    host_key: str | None = None,
    uri: str | None = None,
) -> tuple[Host, Job | None]:
    """Change what is given. A host that is reached in another way from now on is connected anew. An
    empty `private_key` means the portal's own."""
    policy.require(actor, "host.change", host)
    host.refresh_from_db()
    before = {field: getattr(host, field) for field in ("name", *_WAY)}
    host.name = host.name if name is None else clean_name(name)
    host.address = host.address if address is None else clean_host_address(address)
    host.port = host.port if port is None else clean_whole(port, place="port", low=1, high=65535)
    host.username = host.username if username is None else clean_username(username)
    host.uri = host.uri if uri is None else clean_uri(uri)
    if host_key is not None:
        host.host_key = clean_host_key(host_key) if host_key else ""
    if private_key is not None:
        host.private_key = _sealed(host, private_key) if private_key else ""
    if host.host_key or (host.address, host.port) != (before["address"], before["port"]):
        host.shown_key = ""  # nobody is to trust what another machine showed
    changed = [field for field in ("name", *_WAY) if getattr(host, field) != before[field]]
    if not changed:
        return host, None
    update(host, "name", "name_key", "name_sort", "shown_key", *_WAY)
    changes = audit.compared(before, {field: getattr(host, field) for field in before})
    events.record(actor, "host.change", host, changes=changes)
    return host, _reach_another_way(actor, host) if changed != ["name"] else None


@transaction.atomic
def trust_host_key(actor: Actor, host: Host, *, key: str) -> tuple[Host, Job]:
    """Take the key that the host showed as its own, and connect. `key` is the one that the operator
    looked at: StateConflict if the host showed another one since."""
    policy.require(actor, "host.trust_key", host)
    shown = clean_host_key(key, place="key")
    if not Host.objects.filter(pk=host.pk, shown_key=shown).update(host_key=shown, shown_key=""):
        raise StateConflict(reason="other_key_shown")
    events.record(actor, "host.trust_key", host, fingerprint=fingerprint(shown))
    host.host_key, host.shown_key = shown, ""
    return host, _reach_another_way(actor, host)


def _sealed(host: Host, private_key: str) -> str:
    return secrets.seal(Host, host.uuid, "private_key", clean_private_key(private_key))


def clean_username(text: object, *, place: str = "username") -> str:
    if not isinstance(text, str) or not _USERNAME.fullmatch(text):
        raise InvalidInput("not_a_login", place=place)
    return text


def clean_uri(text: object, *, place: str = "uri") -> str:
    if not isinstance(text, str) or len(text) > 255 or not _URI.fullmatch(text) or "/../" in text:
        raise InvalidInput("not_a_uri", place=place)
    return text


def clean_extra(value: object, *, place: str = "extra") -> dict[str, str]:
    extra = clean_settings(value, place=place)
    if "work_dir" in extra:
        clean_path(extra["work_dir"], place=f"{place} work_dir")
    return extra


def _connect(actor: Actor, host: Host) -> Job:
    return submit(actor, "host.connect", host, lock_keys=[lock_of(host)])


@transaction.atomic
def reconnect_host(actor: Actor, host: Host) -> Job:
    """Reach the host anew and read again what it is made of. Its machines run on meanwhile."""
    policy.require(actor, "host.reconnect", host)
    return _reach_anew(actor, host)


def _reach_anew(actor: Actor, host: Host) -> Job:
    _mark_connecting(host)
    return _connect(actor, host)


def _mark_connecting(host: Host) -> None:
    Host.objects.filter(pk=host.pk, state__in=[HostState.DISCONNECTED, HostState.ALERT]).update(
        state=HostState.CONNECTING, state_reason=""
    )


def _reach_another_way(actor: Actor, host: Host) -> Job:
    """Whoever still tries the old way is told to end, and the new one follows at once."""
    lock = JobLock.objects.filter(key=lock_of(host)).select_related("job").first()
    if lock is not None and lock.job.kind == "host.connect":
        with suppress(StateConflict):  # it has just ended
            cancel_job(actor, lock.job)
    _mark_connecting(host)
    return submit(actor, "host.connect", host, lock_keys=[lock_of(host)], on_busy="wait")


@transaction.atomic
def remove_host(actor: Actor, host: Host) -> None:
    """Forget a host that holds nothing. Nothing is done on the host itself."""
    policy.require(actor, "host.remove", host)
    # not only the job that has its lock: another one may be about to take that
    job = Job.objects.filter(target_uuid=host.uuid, finished_at=None).order_by("id").first()
    if job is not None:
        raise ResourceBusy(job=str(job.uuid), kind=job.kind)
    forget_place("host", host.pk)
    events.record(actor, "host.remove", host)
    delete(host)
