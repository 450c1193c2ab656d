"""The sweep: wakes due jobs whose message was lost, and does what only time brings about."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.closing import halt_lock_of, lock_of, noun
from apps.accounts.directory import leaving, runs
from apps.accounts.models import Account, Domain, IdempotencyKey
from apps.accounts.sessions import SessionStore
from apps.compute.models import VirtualMachine
from apps.compute.services.lifecycle import expunge_vm
from apps.core.errors import CloudError
from apps.jobs.dispatch import send
from apps.jobs.kinds import quiet_kinds
from apps.jobs.models import Job
from apps.jobs.services import submit


def wake_due_jobs() -> int:
    """Send a message for each due job that was not sent one in the last JOB_RESEND_SECONDS, at most
    JOB_SWEEP_LIMIT a round, taking turns between accounts. Returns how many were sent."""
    now = timezone.now()
    stale = now - timedelta(seconds=settings.JOB_RESEND_SECONDS)
    turn = Window(RowNumber(), partition_by=F("account"), order_by=F("due").asc())
    due = (
        Job.objects.filter(finished_at=None, state__in=Job.ACTIVE, due__lte=now)
        .filter(Q(woken_at=None) | Q(woken_at__lt=stale))
        .annotate(turn=turn)
        .order_by("turn", "due")
        .values_list("pk", "queue")
    )
    sent = 0
    for pk, queue in due[: settings.JOB_SWEEP_LIMIT]:
        if not send("workers.run_job", [pk], queue=queue):
            break
        Job.objects.filter(pk=pk, due__lte=now).update(woken_at=now)
        sent += 1
    return sent


def empty_trash() -> int:
    """Expunge the machines whose days in the trash are over. Returns how many were submitted."""
    actor = Actor.system("the time in the trash is over")
    submitted = 0
    due = VirtualMachine.objects.in_trash().filter(expunge_after__lte=timezone.now(), delete_protection=False)
    for vm in due[:100]:
        try:
            expunge_vm(actor, vm)
        except CloudError:
            continue
        submitted += 1
    return submitted


def close_due() -> int:
    """Remove the accounts and domains whose time of grace is over. Returns how many jobs were submitted:
    one that works on it, or is stuck with it, holds its lock."""
    actor = Actor.system("the time of grace is over")
    submitted = 0
    for model in (Account, Domain):
        due = model._default_manager.filter(closes_at__lte=timezone.now()).order_by("closes_at")
        for owner in due[:100]:
            account = owner if isinstance(owner, Account) else None
            try:
                submit(actor, f"{noun(owner)}.remove", owner, account=account, lock_keys=[lock_of(owner)])
            except CloudError:
                continue
            submitted += 1
    return submitted


def follow_directories() -> int:
    """Begin the sync of each directory whose time has come. Returns how many."""
    actor = Actor.system("the directory is followed")
    begun = 0
    for directory in runs.due():
        try:
            runs.sync_now(actor, directory)
        except CloudError:  # a run of it is at work
            continue
        begun += 1
    return begun


def rest_what_was_left() -> int:
    """Stop the machines of accounts that nobody is left in, once their time is over. Returns how many
    jobs were submitted."""
    actor = Actor.system("nobody is left")
    submitted = 0
    for left in leaving.due()[:100]:
        keys = [halt_lock_of(left.account)]
        try:
            submit(actor, "account.rest", left.account, account=left.account, lock_keys=keys)
        except CloudError:
            continue
        submitted += 1
    return submitted


def forget_old_rows() -> None:
    """Drop Idempotency-Keys that no client repeats any more, sessions that ran out, and jobs of quiet kinds
    that only looked."""
    now = timezone.now()
    oldest = now - timedelta(hours=settings.IDEMPOTENCY_KEY_HOURS)
    IdempotencyKey.objects.filter(created_at__lt=oldest).delete()
    SessionStore.clear_expired()
    looked = Job.objects.filter(kind__in=quiet_kinds(), state__in=Job.ENDED)
    looked.filter(finished_at__lt=now - timedelta(hours=1)).delete()
