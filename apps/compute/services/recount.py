"""Counting anew, when an operator asks for it."""

from __future__ import annotations

from django.db import transaction

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.placement import Drift, recount
from apps.jobs import events
from apps.zones.models import Zone


def recount_counters(actor: Actor, *, zone: Zone | None = None, fix: bool = False) -> list[Drift]:
    """Where counts are not what the rows add up to, in a zone or everywhere with the quotas. `fix` writes
    what the rows say; what is told is then what there was. Each row is locked for itself alone, so the
    cloud goes on meanwhile."""
    policy.require(actor, "capacity.recount", zone)
    drifts = recount(zone, fix=fix)
    with transaction.atomic():
        events.record(actor, "capacity.recount", zone, drifted=len(drifts), fixed=fix and bool(drifts))
    return drifts
