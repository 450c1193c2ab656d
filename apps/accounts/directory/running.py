"""What the job of a run does: it looks, keeps what it found as changes, and makes them portion by portion.

Only the job calls this. What is kept of a run is never half of it: a repeated look replaces the first.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts import audit
from apps.accounts.actor import Actor
from apps.accounts.directory import apply_people
from apps.accounts.directory.apply import Apply, change_of
from apps.accounts.directory.brake import Brake, Reason
from apps.accounts.directory.changes import TAKING, Change, counted, digest_of, taken_by
from apps.accounts.directory.config import DirectoryConfig
from apps.accounts.directory.plan import Plan, Snapshot, plan
from apps.accounts.directory.present import ShownGroup, present_of
from apps.accounts.directory.rules import from_data
from apps.accounts.directory.runs import KEPT_RUNS, sync_of
from apps.accounts.models import DirectorySync, SyncChange, SyncRun

ACTOR = Actor.system("directory")
PORTION = 500
KEPT_CHANGES = 100
"""Of a run that is not the newest of its kind so many changes are kept."""
MAX_NOTES = 200


def read(config: DirectoryConfig) -> Snapshot:
    """All that a directory shows; no database is asked meanwhile."""
    from apps.accounts.directory.reader import Reader  # noqa: PLC0415 - the LDAP library is not everywhere

    with Reader(config) as reader:
        groups = reader.groups()
        people = tuple(reader.people(groups))
    return Snapshot(people, {group.key: ShownGroup(group.name, group.dn) for group in groups})


def observe(run: SyncRun) -> None:
    """Called before the directory is read."""
    run.observed_at = timezone.now()
    run.save(update_fields=["observed_at"])


def keep_plan(run: SyncRun, snapshot: Snapshot) -> None:
    """What the directory shows now comes to; whether it may be done is decided here, once."""
    rules = from_data(run.rules)
    present = present_of(run.directory, {rule.domain for rule in rules if rule.domain})
    made = plan(snapshot, rules, present, timezone.now())
    sync = sync_of(run.directory)
    brake = Brake(sync.brake_percent, sync.brake_least)
    reasons = brake.reasons(made, snapshot, rules, present, run.directory.people_bases)
    run.digest = digest_of(run.rules, made.changes)
    run.counts = counted(made.changes)
    run.seen = {"people": len(snapshot.people), "groups": len(snapshot.groups)}
    run.held = [reason.as_data() for reason in reasons]
    notes = [[note.reason, note.name, note.rule, note.about] for note in made.notes]
    run.notes = notes[:MAX_NOTES]
    run.outcome = _outcome(run, made, reasons)
    with transaction.atomic():
        SyncChange.objects.filter(run=run).delete()
        rows = [_stored(run, number, change) for number, change in enumerate(made.changes)]
        SyncChange.objects.bulk_create(rows, batch_size=PORTION)
        if run.outcome == SyncRun.Outcome.HELD:
            said = [reason.code for reason in reasons]
            audit.record(ACTOR, "mapping.hold", run.directory, run=str(run.uuid), reasons=said)
        run.save()


def _stored(run: SyncRun, number: int, change: Change) -> SyncChange:
    return SyncChange(
        run=run,
        number=number,
        kind=change.kind,
        key=change.key[:500],
        name=change.name[:200],
        rule=change.rule,
        data=change.data,
    )


def _outcome(run: SyncRun, made: Plan, reasons: list[Reason]) -> str:
    if run.kind == SyncRun.Kind.PREVIEW:
        return SyncRun.Outcome.PREVIEWED
    basis = run.basis
    if basis is not None and basis.kind == SyncRun.Kind.PREVIEW:
        same = basis.digest == run.digest
        return SyncRun.Outcome.RUNNING if same else SyncRun.Outcome.OUTDATED
    if not reasons or (basis is not None and _was_shown(basis, made)):
        return SyncRun.Outcome.RUNNING
    return SyncRun.Outcome.HELD


def _was_shown(basis: SyncRun, made: Plan) -> bool:
    """Whether all that would be taken was in the held run that was released."""
    rows = basis.changes.filter(kind__in=TAKING).values_list("kind", "key", "data")
    shown = {each for kind, key, data in rows for each in taken_by(kind, key, data)}
    return all(taken_by(each.kind, each.key[:500], each.data) <= shown for each in made.changes)


def make_portion(run: SyncRun) -> tuple[int, int]:
    """Make the next changes, in the caller's transaction; how many are made, and of how many."""
    total = run.changes.count()
    if run.outcome != SyncRun.Outcome.RUNNING:
        return total, total
    rows = list(run.changes.filter(done=False).order_by("number")[:PORTION])
    Apply(run.directory, [change_of(row) for row in rows], run.observed_at).make()
    run.changes.filter(pk__in=[row.pk for row in rows]).update(done=True)
    return total - run.changes.filter(done=False).count(), total


def finish(run: SyncRun) -> None:
    """The last of a run that went as it should."""
    if run.outcome == SyncRun.Outcome.RUNNING:
        run.outcome = SyncRun.Outcome.DONE
        apply_people.seen(Apply(run.directory, [], run.observed_at))
        DirectorySync.objects.filter(directory=run.directory).update(rules=run.rules, removed_at_login=0)
    run.finished_at = timezone.now()
    run.save(update_fields=["outcome", "finished_at"])
    _forget_old(run)


def fail(run: SyncRun, error: dict[str, Any]) -> None:
    run.outcome, run.error, run.finished_at = SyncRun.Outcome.FAILED, error, timezone.now()
    run.save(update_fields=["outcome", "error", "finished_at"])
    _forget_old(run)


def _forget_old(run: SyncRun) -> None:
    runs = SyncRun.objects.filter(directory=run.directory).order_by("-pk")
    last = runs.values_list("pk", flat=True)[KEPT_RUNS : KEPT_RUNS + 1].first()
    if last is not None:
        runs.filter(pk__lte=last).delete()
    needed = {run.pk, run.basis_id}
    needed |= set(runs.filter(outcome__in=_NEEDED).values_list("pk", flat=True)[:10])
    older = SyncChange.objects.filter(run__directory=run.directory, number__gte=KEPT_CHANGES)
    older.exclude(run__in=needed - {None}).delete()


_NEEDED = (SyncRun.Outcome.PREVIEWED, SyncRun.Outcome.HELD)
