"""Thirty-two processes ask at once for the last unit of a quota, at each level that may be the full one.

Runs against the database of Django's settings and takes away what it made there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from apps.accounts import quota
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Domain, Quota, UsageHour, User
from apps.core.errors import DomainQuotaExceeded, QuotaExceeded
from apps.jobs.models import Event
from tests.factories import make_account, make_domain, make_user
from tests.race import race

Measured = tuple[dict[str, float], dict[str, list[float]]]
PROCESSES = 32
LEVELS = ("domain", "account", "member", "grace")


def quota_races(*, processes: int = PROCESSES) -> Measured:
    """Units given beyond the last one, or kept back, over all levels; and where counts and answers differ."""
    wrong, samples = 0, []
    for level in LEVELS:
        with _tenancy(level) as (account, user, row, room):
            asked = [[(account.pk, user.pk)] for _ in range(processes)]
            results = race(_ask, asked)
            given = sum(fits for fits, _ms in results)
            row.refresh_from_db()
            ceiling = room + 1
            wrong += abs(given - 1) + max(0, row.used_vcpus - ceiling) + abs(row.used_vcpus - room - given)
            samples += [ms for _fits, ms in results]
    return {"quota_races": float(wrong)}, {"quota_race_ms": samples}


def _ask(keys: tuple[int, int]) -> tuple[bool, float]:
    account = Account.objects.select_related("domain").get(pk=keys[0])
    begun = time.perf_counter()
    try:
        with transaction.atomic():
            quota.reserve(account, Amount(vcpus=1), member_id=keys[1])
    except (QuotaExceeded, DomainQuotaExceeded):
        return False, (time.perf_counter() - begun) * 1000
    return True, (time.perf_counter() - begun) * 1000


@contextmanager
def _tenancy(full: str) -> Iterator[tuple[Account, User, Quota, int]]:
    """An account whose quota, or its domain's or member's, has room for one vCPU; the row that is to become
    full, and what is used in it. As "grace" the room is above the limit, in its days of grace."""
    limits: dict[str, Any] = {"max_vcpus": 10, "grace_days": 0}
    if full == "grace":
        limits = {"max_vcpus": 10, "grace_days": 7, "grace_percent": 20}
    domain = make_domain(**(limits if full == "domain" else {}))
    account = make_account(domain, **(limits if full in {"account", "grace"} else {}))
    user = make_user(account)
    if full == "member":
        Quota.objects.create(within=account, user=user, **limits)
    used = 11 if full == "grace" else 9
    with transaction.atomic():
        quota.reserve(account, Amount(vcpus=used), member_id=user.pk)
    rows: dict[str, dict[str, Any]] = {"domain": {"domain": domain}, "member": {"within": account}}
    row = Quota.objects.get(**rows.get(full, {"account": account}))
    try:
        yield account, user, row, used
    finally:
        _remove(domain, account, user)


@transaction.atomic
def _remove(domain: Domain, account: Account, user: User) -> None:
    counted = Quota.objects.get(account=account).used_vcpus
    quota.release(account, Amount(vcpus=counted))
    UsageHour.objects.filter(account=account).delete()
    Event.objects.filter(target_uuid__in=[account.uuid, domain.uuid]).delete()
    Quota.objects.filter(within=account).delete()
    Quota.objects.filter(account=account).delete()
    user.delete()
    account.delete()
    domain.delete()


def run() -> Measured:
    return quota_races()
