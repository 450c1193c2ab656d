"""How far a launch is: read from its rows and their jobs, by a constant number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Max

from apps.jobs.live import jobs_of
from apps.jobs.models import Job, JobState
from apps.launch.models import Launch
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template
from apps.zones.keys import fingerprint
from apps.zones.models import Host, HostState

KEY_UNTRUSTED = "host_key_untrusted"


class Phase(StrEnum):
    DONE = "done"
    NOW = "now"
    NEXT = "next"
    ASKS = "asks"  # waits for a person
    BAD = "bad"


_GRAVITY = (Phase.BAD, Phase.ASKS, Phase.NOW, Phase.NEXT, Phase.DONE)


@dataclass(frozen=True)
class Part:
    """One row of the launch. `error` is a job's, as it keeps it; `fingerprint` that of the key which the
    host shows while nobody trusts one."""

    row: Any
    phase: Phase
    job: Job | None = None
    error: dict[str, Any] | None = None
    fingerprint: str = ""

    @property
    def uuid(self) -> UUID:
        found: UUID = self.row.uuid
        return found


@dataclass(frozen=True)
class Stage:
    """`kind` is one of "hosts", "primary_storages", "secondary_storages", "templates"."""

    kind: str
    parts: list[Part] = field(default_factory=list)
    empty: Phase = Phase.DONE

    @property
    def phase(self) -> Phase:
        """The gravest of its parts'."""
        return next((one for one in _GRAVITY if any(part.phase is one for part in self.parts)), self.empty)

    @property
    def done(self) -> int:
        return sum(part.phase is Phase.DONE for part in self.parts)


@dataclass(frozen=True)
class Progress:
    stages: list[Stage]

    @property
    def is_ready(self) -> bool:
        """Whether machines can be made: a host is up, a pool has room, an image is there."""
        by_kind = {stage.kind: stage for stage in self.stages}
        return all(by_kind[kind].done for kind in ("hosts", "primary_storages", "templates"))

    @property
    def needs(self) -> bool:
        """Whether it waits for somebody, or something has failed. An image is asked for in the end."""
        asks = [stage for stage in self.stages if stage.phase in {Phase.BAD, Phase.ASKS}]
        moving = any(stage.phase in {Phase.NOW, Phase.NEXT} for stage in self.stages)
        return any(stage.kind != "templates" or not moving for stage in asks) or any(
            part.error and part.phase is Phase.NOW for stage in self.stages for part in stage.parts
        )


def progress_of(launch: Launch) -> Progress:
    parts = launch.parts
    hosts = list(Host.objects.filter(uuid__in=parts.get("hosts", [])).order_by("name_sort", "id"))
    pools = list(PrimaryStorage.objects.filter(uuid__in=parts.get("primary_storages", [])).order_by("id"))
    stores = list(
        SecondaryStorage.objects.filter(uuid__in=parts.get("secondary_storages", [])).order_by("id")
    )
    jobs = _latest([row.uuid for row in (*hosts, *pools, *stores)])
    templates = Template.objects.filter(secondary_storage__zone=launch.zone).exclude(state="Deleted")
    connected = any(host.state == HostState.UP for host in hosts)
    return Progress(
        [
            Stage("hosts", [_host(host, jobs.get(host.uuid)) for host in hosts]),
            Stage("primary_storages", [_pool(pool, jobs.get(pool.uuid), connected) for pool in pools]),
            Stage("secondary_storages", [_store(store, jobs.get(store.uuid)) for store in stores]),
            Stage("templates", [_template(row) for row in templates.order_by("id")[:5]], Phase.ASKS),
        ]
    )


def _latest(uuids: Sequence[UUID]) -> dict[UUID, Job]:
    """The last job about each: of all that a host had in its years only that one is read."""
    rows = jobs_of(uuids)
    last = rows.order_by().values("target_uuid").annotate(last=Max("pk")).values("last")
    return {job.target_uuid: job for job in rows.filter(pk__in=last)}


def _is_live(job: Job | None) -> bool:
    return job is not None and job.finished_at is None and job.state != JobState.STUCK


def _host(host: Host, job: Job | None) -> Part:
    shown = fingerprint(host.shown_key) if host.shown_key else ""
    if _is_live(job):
        return Part(host, Phase.NOW, job, job.error if job else None)
    if host.state == HostState.UP:
        return Part(host, Phase.DONE, job)
    if host.state_reason == KEY_UNTRUSTED and shown:
        return Part(host, Phase.ASKS, job, fingerprint=shown)
    error = (job.error if job else None) or {"code": host.state_reason or "host_unreachable"}
    return Part(host, Phase.BAD if host.state != HostState.CONNECTING else Phase.NOW, job, error)


def _pool(pool: PrimaryStorage, job: Job | None, connected: bool) -> Part:
    if pool.capacity_bytes:
        return Part(pool, Phase.DONE, job)
    if _is_live(job):
        return Part(pool, Phase.NOW, job)
    if job is not None and job.error:
        return Part(pool, Phase.BAD, job, job.error)
    return Part(pool, Phase.ASKS if connected else Phase.NEXT, job)


def _store(store: SecondaryStorage, job: Job | None) -> Part:
    if job is None or job.state == JobState.DONE:
        return Part(store, Phase.DONE, job)
    if _is_live(job):
        return Part(store, Phase.NOW, job, job.error)
    return Part(store, Phase.BAD, job, job.error or {"code": "command_failed"})


def _template(template: Template) -> Part:
    match template.state:
        case Template.State.READY:
            return Part(template, Phase.DONE)
        case Template.State.ERROR:
            return Part(template, Phase.BAD, error=template.error or {"code": "internal"})
    return Part(template, Phase.NOW)
