"""Dropping what is older than the site keeps: whole sealed segments, from the first on. Their heads stay."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.errors import InvalidInput, StateConflict
from apps.jobs import events
from apps.jobs.audit import chain, heads
from apps.jobs.audit.checking import rows_amiss
from apps.jobs.audit.sealer import leased, renew
from apps.jobs.models import Event, Segment
from apps.jobs.people import forget_unused

AT_ONCE = 200  # segments that one call drops


def prune(actor: Actor, *, days: int) -> int:
    """Drop the rows of segments that are older than so many days as a whole; how many rows that were.
    StateConflict at a segment that is not as it was sealed: nothing is dropped that somebody should look at
    first. The file of heads is told before the rows go."""
    policy.require(actor, "audit.prune")
    if days < 1:
        raise InvalidInput("out_of_range", place="days", low=1, high=36_500)
    oldest, dropped, segment = timezone.now() - timedelta(days=days), 0, None
    with leased() as token:
        heads.append_missing()
        for segment in Segment.objects.filter(pruned_at=None).order_by("number")[:AT_ONCE]:
            if segment.last_at >= oldest:
                break
            if next(rows_amiss(_before(segment), segment), None) is not None:
                raise StateConflict(reason="seal_broken", segment=segment.number)
            heads.append_pruned(segment.number)
            with transaction.atomic():
                renew(token)
                Event.objects.filter(pk__gte=segment.first, pk__lte=segment.last).delete()
                Segment.objects.filter(pk=segment.pk).update(pruned_at=timezone.now(), manifest=b"")
            dropped += segment.rows
    if dropped:
        with transaction.atomic():
            events.record(actor, "audit.prune", None, days=days, rows=dropped)
            forget_unused()
    return dropped


def _before(segment: Segment) -> int:
    """The last key of the segment before."""
    before = Segment.objects.filter(number=segment.number - 1).values_list("last", flat=True).first()
    return chain.BEFORE if before is None else before
