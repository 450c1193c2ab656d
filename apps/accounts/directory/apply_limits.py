"""Limits that rules set of members: the quota rows of those within their accounts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apps.accounts import audit, counters, recount
from apps.accounts.models import Account, Membership, Quota

COLUMNS = [f"max_{name}" for name in Quota.RESOURCES]
Limited = tuple[Membership, dict[str, int]]


def set_limits(wanted: Iterable[Limited]) -> list[tuple[Membership, dict[str, list[Any]]]]:
    """The limits of these members become these; where there are none, those set by hand stay. Whose changed,
    and from what to what.
    A few statements however many there are; who has something there already is counted besides."""
    limits = {(row.user_id, row.account_id): (row, found) for row, found in wanted if found}
    if not limits:
        return []
    before = _rows(limits)
    fresh = [Quota(user_id=user, within_id=account) for user, account in limits.keys() - before.keys()]
    Quota.objects.bulk_create(fresh, ignore_conflicts=True)
    rows, changed = _rows(limits), []
    for place, (member, found) in limits.items():
        row = rows.get(place)
        if row is not None and limits_of(row) != found:
            limits_now = {f"max_{name}": found.get(name) for name in Quota.RESOURCES}
            changed.append((row, member, audit.changed(row, **limits_now)))
            for column, limit in limits_now.items():
                setattr(row, column, limit)
    Quota.objects.bulk_update([row for row, _member, _told in changed], COLUMNS)
    _count(rows[place] for place in rows.keys() - before.keys())
    return [(member, told) for _row, member, told in changed]


def limits_of(row: Quota) -> dict[str, int]:
    """Those that there are, by resource."""
    return {name: limit for name in Quota.RESOURCES if (limit := row.limit(name)) is not None}


def _rows(places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Quota]:
    users, accounts = {user for user, _account in places}, {account for _user, account in places}
    found = Quota.objects.filter(user__in=users, within__in=accounts)
    wanted = set(places)
    rows = {(row.user_id or 0, row.within_id or 0): row for row in found}
    return {place: row for place, row in rows.items() if place in wanted}


def _count(fresh: Iterable[Quota]) -> None:
    rows = list(fresh)
    accounts = Account.objects.filter(pk__in={row.within_id for row in rows})
    used = counters.tally(accounts) if rows else {}
    for row in rows:
        if used.get((row.within_id or 0, row.user_id)):
            recount.recount_row(row)
