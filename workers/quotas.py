"""What only time brings about in quotas: hours are written down, and counts are looked over."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts import metering
from apps.accounts.actor import Actor
from apps.accounts.recount import Drift, recount
from apps.jobs import events
from apps.jobs.models import Event

TOLD = 10
AGAIN = timedelta(days=1)


def meter_usage() -> None:
    metering.close_all()
    metering.forget_old_hours()


@transaction.atomic
def check_quotas() -> list[Drift]:
    """Tell of quotas that do not say what there is, the same ones once a day. An operator decides: what
    drifted shows a fault that mending would hide."""
    drifts = recount()
    if drifts:
        told = [f"{drift.member} {drift.name} {drift.resource}".strip() for drift in drifts[:TOLD]]
        since = Event.objects.filter(kind="quota.drift", at__gt=timezone.now() - AGAIN)
        last = since.order_by("-pk").first()
        if last is None or last.data.get("of") != told:
            actor = Actor.system("quotas are looked over")
            events.record(actor, "quota.drift", None, drifted=len(drifts), of=told)
    return drifts
