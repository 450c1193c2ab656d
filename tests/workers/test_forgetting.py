"""What the sweep forgets: requests that nobody repeats, and jobs that only looked."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.accounts.models import IdempotencyKey, Session
from apps.jobs import kinds
from apps.jobs.models import Job
from tests.factories import make_account, make_user
from workers.sweep import forget_old_rows

pytestmark = pytest.mark.django_db


def ended(kind: str, state: str, *, hours: int) -> Job:
    return Job.objects.create(
        kind=kind,
        actor_label="someone",
        target_type="virtual-machine",
        target_uuid=uuid4(),
        state=state,
        finished_at=timezone.now() - timedelta(hours=hours),
    )


def test_only_old_jobs_of_quiet_kinds_are_forgotten() -> None:
    assert kinds.quiet_kinds() == ["vm.read_console"]
    for state in ("done", "failed", "cancelled"):
        ended("vm.read_console", state, hours=2)
    kept = [ended("vm.read_console", "done", hours=0), ended("vm.start", "done", hours=999)]
    under_way = ended("vm.read_console", "stuck", hours=2)
    forget_old_rows()
    assert set(Job.objects.values_list("pk", flat=True)) == {job.pk for job in [*kept, under_way]}


def test_keys_are_kept_for_a_day() -> None:
    user = make_user(make_account())
    for key, hours in (("old", 25), ("new", 23)):
        created = timezone.now() - timedelta(hours=hours)
        IdempotencyKey.objects.create(user=user, key=key, fingerprint="x", created_at=created)
    forget_old_rows()
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]


def test_sessions_that_ran_out_are_forgotten() -> None:
    user, now = make_user(make_account()), timezone.now()
    for key, days in (("old", -1), ("new", 1)):
        Session.objects.create(
            session_key=key, session_data="", user=user, expire_date=now + timedelta(days=days)
        )
    forget_old_rows()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
