"""The audit trail: one row for everything that was done, asked for, or seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.functional import Promise

from apps.accounts.actor import Actor
from apps.accounts.audit import Personal, Told
from apps.accounts.models import User
from apps.core.middleware import client_address, request_id, token_name
from apps.core.words.events import EVENTS
from apps.jobs import people
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
    changes: Mapping[str, list[Any]] | None = None,
    **data: Any,
) -> Event:
    """Insert an event about `target`, a row with a uuid, or None for the cloud as a whole. Call it in the
    transaction of the change. `changes` is what `apps.accounts.audit.changed` found. A user in `data` is
    kept by a reference, and what goes by a secret's name not at all."""
    event = _event(kind, target, phase=phase, job=job)
    columns = {**_origin(event, actor), "target_person": people.named_each([target])[0]}
    return _insert([_Draft(event, data, changes or {}, columns)])[0]


def record_each(actor: Actor, kind: str, told: Sequence[Told]) -> list[Event]:
    """The same of many at once, in as many queries as for one; each has its own data and changes."""
    named = people.named_each([target for target, _data in told])
    drafts = []
    for (target, given), name in zip(told, named, strict=True):
        data = dict(given)
        event, changes = _event(kind, target), data.pop("changes", {})
        drafts.append(_Draft(event, data, changes, {**_origin(event, actor), "target_person": name}))
    return _insert(drafts)


def _event(kind: str, target: Any, *, phase: str = Event.Phase.DONE, job: Job | None = None) -> Event:
    about = "cloud" if target is None else target_type(target)
    account = target if about == "account" else getattr(target, "account", None)
    return Event(
        kind=kind,
        phase=phase,
        account=account,
        account_uuid=account.uuid if account else None,
        target_type=about,
        target_uuid=getattr(target, "uuid", None),
        target_name=str(getattr(target, "name", ""))[:200],
        job=job,
        request_id=request_id.get(),
    )


def _origin(event: Event, actor: Actor) -> dict[str, Personal | None]:
    """Who does it and where from, as the present request says."""
    user, behalf, address = actor.user, actor.behalf, client_address.get()
    event.user, event.actor_label = user, "" if user else actor.label
    event.token_name = token_name.get()[:100]
    return {
        "actor": Personal(user, user.username) if user else None,
        "behalf": Personal(behalf, behalf.username) if behalf else None,
        "address": Personal(user, address) if address else None,
    }


@dataclass(frozen=True, slots=True)
class _Draft:
    """An event before the people in it are references; `columns` are those that refer to people."""

    event: Event
    data: Mapping[str, Any]
    changes: Mapping[str, Any]
    columns: Mapping[str, Personal | None]

    @property
    def mentioned(self) -> list[Personal]:
        return [*people.sought(self.data), *people.sought(self.changes)]


def _insert(drafts: Sequence[_Draft]) -> list[Event]:
    mentioned = [draft.mentioned for draft in drafts]
    wanted = [words for some in mentioned for words in some]
    wanted += [words for draft in drafts for words in draft.columns.values() if words]
    rows = people.kept(wanted)
    for draft in drafts:
        event = draft.event
        for column, words in draft.columns.items():
            setattr(event, column, rows[people.key_of(words)] if words else None)
        if event.target_person_id:
            event.target_name = ""
        event.data, event.changes = people.written(draft.data, rows), people.written(draft.changes, rows)
        event.job_uuid = event.job.uuid if event.job else None
    events = Event.objects.bulk_create([draft.event for draft in drafts])
    link = Event.mentions.through
    pairs = [
        (event.pk, key)
        for event, some in zip(events, mentioned, strict=True)
        for key in sorted({rows[people.key_of(words)].pk for words in some})
    ]
    if pairs:
        link._default_manager.bulk_create([link(event_id=event, person_id=key) for event, key in pairs])
    return events


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


def record_of_job(
    job: Job,
    phase: str,
    *,
    actor: Actor | None = None,
    changes: Mapping[str, list[Any]] | None = None,
    **data: Any,
) -> Event | None:
    """Insert an event about what became of a job, or what `actor` asks of it. A quiet kind has none of what
    went as it should."""
    declared = all_kinds().get(job.kind)
    if declared is not None and declared.quiet and phase in {Event.Phase.SUBMITTED, Event.Phase.DONE}:
        return None
    event = Event(
        kind=job.kind,
        phase=phase,
        account_id=job.account_id,
        user_id=job.user_id,
        target_type=job.target_type,
        target_uuid=job.target_uuid,
        target_name=job.target_name,
        job=job,
        request_id=job.request_id,
    )
    first = None if actor else Event.objects.filter(job=job).order_by("id").values(*_OF_FIRST).first()
    if first is not None:
        for column, value in first.items():
            setattr(event, column, value)
        return _insert([_Draft(event, data, changes or {}, {})])[0]
    return _insert([_Draft(event, data, changes or {}, _columns_of(event, job, actor))])[0]


_OF_FIRST = ("actor_id", "actor_label", "behalf_id", "token_name", "target_person_id", "account_uuid")
"""What a job's later events have from its first one, which was recorded in the request."""


def _columns_of(event: Event, job: Job, actor: Actor | None) -> dict[str, Personal | None]:
    event.account_uuid = job.account.uuid if job.account else None
    target = User.objects.filter(uuid=job.target_uuid).first() if job.target_type == "user" else None
    about = {"target_person": people.named_each([target])[0]}
    if actor is not None:
        event.request_id = request_id.get() or job.request_id
        return {**_origin(event, actor), **about}
    if job.user is None:
        event.actor_label = job.actor_label
        return about
    return {"actor": Personal(job.user, job.user.username), **about}
