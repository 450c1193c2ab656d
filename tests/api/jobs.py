"""Doing the work that requests submit, here and now."""

from __future__ import annotations

from django.utils import timezone

import workers.operations  # noqa: F401 - registers the operations
from apps.jobs.models import Job
from workers import engine

ROUNDS = 50


def settle() -> None:
    """Run every live job until none is left but stuck ones. Waiting takes no time here."""
    for _round in range(ROUNDS):
        due = Job.objects.filter(state__in=[state.value for state in Job.ACTIVE])
        if not due.exists():
            return
        due.update(due=timezone.now())
        for pk in due.order_by("id").values_list("pk", flat=True):
            engine.run(pk)
    raise AssertionError(f"still at work: {list(Job.objects.filter(finished_at=None))}")
