"""How much was used, hour by hour: the integral of what an account's quota counts.

Each change of a count adds, in its own UPDATE, what was used since the last one; the first after the
hour's end, or the hourly task, writes the hour down. Nothing is sampled, so a task that was late or
never ran loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, F, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from apps.accounts.models import Account, Quota, UsageHour

HOUR = 3600
BATCH = 200


def now() -> int:
    return int(time.time())


def begin_of_hour(at: int) -> int:
    return at - at % HOUR


def changes(at: int) -> dict[str, Any]:
    """What an UPDATE of an account's quota row sets so that the time until `at` is counted with what
    was used in it. The hours before that of `at` are closed by then."""
    moment = Value(at, output_field=BigIntegerField())
    elapsed = Greatest(moment - F("metered_at"), Value(0, output_field=BigIntegerField()))
    metered = {
        f"metered_{name}": F(f"metered_{name}") + F(f"used_{name}") * elapsed for name in Quota.RESOURCES
    }
    return {**metered, "metered_at": Greatest(F("metered_at"), moment)}


def has_hours(row: Quota, at: int) -> bool:
    """Whether hours of the row are over at `at` and not yet written down."""
    return row.metered_at < begin_of_hour(at)


@transaction.atomic
def close_hours(pk: int, at: int) -> None:
    """Write down the hours of this quota row, an account's, that are over at `at`."""
    row = Quota.objects.select_for_update().get(pk=pk)
    hour = begin_of_hour(at)
    if not has_hours(row, at) or row.account_id is None:
        return
    UsageHour.objects.bulk_create(list(_hours(row, hour)), ignore_conflicts=True, batch_size=500)
    columns: dict[str, Any] = {f"metered_{name}": 0 for name in Quota.RESOURCES}
    Quota.objects.filter(pk=pk).update(metered_at=hour, **columns)


def _hours(row: Quota, until: int) -> Iterator[UsageHour]:
    """The hours from that of `metered_at` up to `until`; of a long time the latest that are kept."""
    first = begin_of_hour(row.metered_at)
    oldest = until - settings.USAGE_KEEP_DAYS * 24 * HOUR
    for begin in range(max(first, oldest), until, HOUR):
        seconds = first + HOUR - row.metered_at if begin == first else HOUR
        used = {}
        for name in Quota.RESOURCES:
            before = getattr(row, f"metered_{name}") if begin == first else 0
            used[name] = before + row.used(name) * seconds
        if any(used.values()):
            assert row.account_id is not None  # noqa: S101 - the caller looked
            yield UsageHour(account_id=row.account_id, hour=datetime.fromtimestamp(begin, UTC), **used)


def close_all(at: int | None = None) -> int:
    """Write down the hours that are over of every account; returns how many accounts had any to write.
    Each account is a transaction of its own."""
    at = now() if at is None else at
    due = Quota.objects.filter(account__isnull=False, metered_at__lt=begin_of_hour(at))
    _skip_idle(due, at)
    closed, last = 0, 0
    while keys := list(due.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        for pk in keys:
            close_hours(pk, at)
        closed, last = closed + len(keys), keys[-1]
    return closed


def _skip_idle(due: Any, at: int) -> None:
    """An account that used nothing has no hours: one statement for all of them."""
    nothing = Q()
    for name in Quota.RESOURCES:
        nothing &= Q(**{f"used_{name}": 0, f"metered_{name}": 0})
    due.filter(nothing).update(metered_at=begin_of_hour(at))


def forget_old_hours() -> int:
    """Hours older than USAGE_KEEP_DAYS go."""
    oldest = timezone.now() - timedelta(days=settings.USAGE_KEEP_DAYS)
    deleted, _by_model = UsageHour.objects.filter(hour__lt=oldest).delete()
    return deleted


def hours_of(account: Account, since: datetime, until: datetime) -> list[UsageHour]:
    """The account's hours that begin between these, the oldest first, with the present one so far."""
    close_hours_of(account)
    rows = list(UsageHour.objects.filter(account=account, hour__gte=since, hour__lt=until).order_by("hour"))
    present = hour_so_far(account)
    return [*rows, present] if present is not None and since <= present.hour < until else rows


def close_hours_of(account: Account) -> None:
    """Write down what is over of one account, for who looks before the hourly task did."""
    row = Quota.objects.filter(account=account).first()
    if row is not None and has_hours(row, now()):
        close_hours(row.pk, now())


def hour_so_far(account: Account, at: int | None = None) -> UsageHour | None:
    """The hour that is not over, as far as it is known; None if nothing was used in it."""
    at = now() if at is None else at
    row = Quota.objects.filter(account=account).first()
    if row is None:
        return None
    since = max(row.metered_at, begin_of_hour(at))
    used = {
        name: (getattr(row, f"metered_{name}") if row.metered_at >= begin_of_hour(at) else 0)
        + row.used(name) * max(at - since, 0)
        for name in Quota.RESOURCES
    }
    if not any(used.values()):
        return None
    return UsageHour(account=account, hour=datetime.fromtimestamp(begin_of_hour(at), UTC), **used)
