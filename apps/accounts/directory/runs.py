"""Runs of the sync: previewed, applied, held, released, rejected; and what the job does in each.

Rules that were changed give nothing before somebody has seen, in a preview, what they would do. Until then
the rules that were applied last are in force.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts import audit, background, policy
from apps.accounts.actor import Actor
from apps.accounts.directory.rules import as_data, digest, spec_of
from apps.accounts.directory.services import lock_of
from apps.accounts.locks import lock_tree
from apps.accounts.models import Directory, DirectorySync, MappingRule, SyncRun
from apps.core.checks import clean_whole
from apps.core.constraints import insert
from apps.core.errors import InvalidInput, StateConflict

KEPT_RUNS = 500
_DECIDED = (SyncRun.Outcome.RELEASED, SyncRun.Outcome.REJECTED)
_SETTINGS = {
    "period_minutes": (0, 7 * 24 * 60),
    "brake_percent": (1, 100),
    "brake_least": (1, 10_000),
    "leaver_grace_days": (0, 365),
}


def sync_of(directory: Directory) -> DirectorySync:
    row, _new = DirectorySync.objects.get_or_create(directory=directory)
    return row


def current_rules(directory: Directory) -> list[dict[str, Any]]:
    """The rules as they are written now, as data."""
    rows = MappingRule.objects.filter(directory=directory, enabled=True).order_by("position", "pk")
    return as_data(spec_of(row) for row in rows)


def rules_wait(directory: Directory) -> bool:
    """Whether rules were changed since they were last applied."""
    return digest(current_rules(directory)) != digest(sync_of(directory).rules)


@transaction.atomic
def change_sync(actor: Actor, directory: Directory, **given: Any) -> DirectorySync:
    """How often it is followed, when the brake holds, how long leavers' machines run."""
    policy.require(actor, "mapping.change", directory)
    row = sync_of(directory)
    changed = []
    for name, value in given.items():
        if name not in _SETTINGS:
            raise InvalidInput("unknown_field", place=name[:100], known=", ".join(_SETTINGS))
        low, high = _SETTINGS[name]
        if clean_whole(value, place=name, low=low, high=high) != getattr(row, name):
            setattr(row, name, value)
            changed.append(name)
    if changed:
        row.next_at = _next(row) if "period_minutes" in changed else row.next_at
        row.save(update_fields=[*changed, "next_at"])
        audit.record(actor, "mapping.change_sync", directory, changed=sorted(changed))
    return row


def _next(row: DirectorySync) -> Any:
    return timezone.now() + timedelta(minutes=row.period_minutes) if row.period_minutes else None


@transaction.atomic
def preview(actor: Actor, directory: Directory) -> SyncRun:
    """Look at the directory, and keep what the rules as they are now would change. Nothing is done."""
    policy.require(actor, "mapping.preview", directory)
    return _start(actor, directory, SyncRun.Kind.PREVIEW, current_rules(directory))


@transaction.atomic
def apply(actor: Actor, run: SyncRun, *, seen: str) -> SyncRun:
    """Put previewed rules in force. `seen` is the digest of what was previewed: StateConflict if there is a
    newer preview, or the rules were changed since. If the directory changed meanwhile, so that anything
    else would be done, the new run does nothing."""
    policy.require(actor, "mapping.apply", run)
    newest = SyncRun.objects.filter(directory=run.directory, kind=SyncRun.Kind.PREVIEW).order_by("-pk")
    if run.outcome != SyncRun.Outcome.PREVIEWED or newest.first() != run:
        raise StateConflict(reason="preview_again")
    if digest(current_rules(run.directory)) != digest(run.rules):
        raise StateConflict(reason="preview_again")
    if seen != run.digest:
        raise InvalidInput("other_preview", place="digest")
    lock_tree()
    _refuse_unanswered(run)
    _supersede(run.directory)
    return _start(actor, run.directory, SyncRun.Kind.SYNC, run.rules, basis=run)


def _refuse_unanswered(run: SyncRun) -> None:
    """What is not in force yet, and whose writer holds it no longer, waits until somebody answers for it."""
    in_force = sync_of(run.directory).rules
    new = [spec["rule"] for spec in run.rules if spec not in in_force]
    row = MappingRule.objects.filter(uuid__in=new, unanswered_at__isnull=False).order_by("position").first()
    if row is not None:
        raise StateConflict(reason="rule_unanswered", name=row.name)


@transaction.atomic
def sync_now(actor: Actor, directory: Directory) -> SyncRun:
    """Bring everything to what the directory and the rules in force say. A run that is held is overtaken:
    the new one looks afresh, and is held again if it must be."""
    policy.require(actor, "mapping.sync", directory)
    _supersede(directory)
    return _start(actor, directory, SyncRun.Kind.SYNC, sync_of(directory).rules)


def _supersede(directory: Directory) -> None:
    held = SyncRun.objects.filter(directory=directory, outcome=SyncRun.Outcome.HELD)
    held.update(outcome=SyncRun.Outcome.OUTDATED)


@transaction.atomic
def release(actor: Actor, run: SyncRun) -> SyncRun:
    """Let a held run go on. It looks again: what it would take beyond what was shown holds it anew."""
    policy.require(actor, "mapping.release", run)
    _decide(run, SyncRun.Outcome.RELEASED)
    audit.record(actor, "mapping.release", run.directory, run=str(run.uuid))
    return _start(actor, run.directory, SyncRun.Kind.SYNC, run.rules, basis=run)


@transaction.atomic
def reject(actor: Actor, run: SyncRun) -> SyncRun:
    """Do nothing of what a held run would do. The next one looks afresh."""
    policy.require(actor, "mapping.release", run)
    _decide(run, SyncRun.Outcome.REJECTED)
    audit.record(actor, "mapping.reject", run.directory, run=str(run.uuid))
    run.refresh_from_db()
    return run


def _decide(run: SyncRun, outcome: SyncRun.Outcome) -> None:
    """Compare-and-set: of two who decide at once one does."""
    if not SyncRun.objects.filter(pk=run.pk, outcome=SyncRun.Outcome.HELD).update(outcome=outcome):
        raise StateConflict(reason="run_not_held")


def _start(
    actor: Actor,
    directory: Directory,
    kind: SyncRun.Kind,
    rules: list[dict[str, Any]],
    *,
    basis: SyncRun | None = None,
) -> SyncRun:
    """Record a run and its job. ResourceBusy names the one that is at it already."""
    if not directory.enabled:
        raise StateConflict(reason="directory_disabled")
    run = SyncRun(directory=directory, kind=kind, basis=basis, asked_by=actor.user, rules=rules)
    job_kind = "directory.preview" if kind == SyncRun.Kind.PREVIEW else "directory.sync"
    background.submit(actor, job_kind, directory, lock_keys=[f"{lock_of(directory)}:sync"], run=str(run.uuid))
    insert(run)
    if kind == SyncRun.Kind.SYNC:
        sync = sync_of(directory)
        DirectorySync.objects.filter(pk=sync.pk).update(next_at=_next(sync))
    return run


def due() -> list[Directory]:
    """Directories whose time has come; one whose last run is held waits for an operator."""
    for directory in Directory.objects.filter(enabled=True, sync=None):
        sync_of(directory)
    fresh = DirectorySync.objects.filter(next_at=None, period_minutes__gt=0, directory__enabled=True)
    for row in fresh:
        DirectorySync.objects.filter(pk=row.pk, next_at=None).update(next_at=_next(row))
    held = SyncRun.objects.filter(outcome=SyncRun.Outcome.HELD).values("directory")
    rows = Directory.objects.filter(enabled=True, sync__next_at__lte=timezone.now())
    return list(rows.exclude(pk__in=held).order_by("sync__next_at"))
