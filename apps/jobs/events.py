"""The audit trail: one row for everything that was done, asked for, or seen."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.accounts.actor import Actor
from apps.core.middleware import request_id
from apps.jobs.kinds import all_kinds
from apps.jobs.models import Event, Job


def target_type(row: models.Model) -> str:
    """How events and jobs name a row's kind: "virtual-machine"."""
    return (row._meta.verbose_name or "").replace(" ", "-")


def record(
    actor: Actor,
    kind: str,
    target: Any,
    *,
    phase: str = Event.Phase.DONE,
    job: Job | None = None,
    **data: Any,
) -> Event:
    """Insert an event about `target`, a row with a uuid. Call it in the transaction of the change."""
    return Event.objects.create(
        kind=kind,
        phase=phase,
        account_id=target.pk if target_type(target) == "account" else getattr(target, "account_id", None),
        user=actor.user,
        actor_label=actor.label,
        target_type=target_type(target),
        target_uuid=target.uuid,
        target_name=str(getattr(target, "name", ""))[:200],
        job=job,
        request_id=request_id.get(),
        data=data,
    )


def record_of_job(job: Job, phase: str, **data: Any) -> Event | None:
    """Insert an event about what became of a job. A quiet kind has none of what went as it should."""
    declared = all_kinds().get(job.kind)
    if declared is not None and declared.quiet and phase in {Event.Phase.SUBMITTED, Event.Phase.DONE}:
        return None
    return Event.objects.create(
        kind=job.kind,
        phase=phase,
        account_id=job.account_id,
        user_id=job.user_id,
        actor_label=job.actor_label,
        target_type=job.target_type,
        target_uuid=job.target_uuid,
        target_name=job.target_name,
        job=job,
        request_id=job.request_id,
        data=data,
    )
