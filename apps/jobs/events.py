"""The audit trail: one row for everything that was done, asked for, or seen."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.functional import Promise

from apps.accounts.actor import Actor
from apps.core.middleware import request_id
from apps.core.words.events import EVENTS
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
    """Insert an event about `target`, a row with a uuid, or None for the cloud as a whole. Call it in the
    transaction of the change."""
    about = "cloud" if target is None else target_type(target)
    return Event.objects.create(
        kind=kind,
        phase=phase,
        account_id=target.pk if about == "account" else getattr(target, "account_id", None),
        user=actor.user,
        actor_label=actor.label,
        target_type=about,
        target_uuid=getattr(target, "uuid", None),
        target_name=str(getattr(target, "name", ""))[:200],
        job=job,
        request_id=request_id.get(),
        data=data,
    )


def event_label(kind: str) -> str:
    """What an event of this kind says was done, in the reader's language."""
    declared = all_kinds().get(kind)
    verb = VERBS_AT_ONCE.get(kind) if declared is None else declared.label
    return str(verb or EVENTS.get(kind, kind))


def event_kinds() -> set[str]:
    """Every kind of event that this version records."""
    return {*EVENTS, *VERBS_AT_ONCE, *all_kinds()}


VERBS_AT_ONCE: dict[str, str | Promise] = {}
"""Labels of acts without a job that an app declares elsewhere, such as a machine's verbs."""


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
