"""What was used is the integral of what was counted, whenever somebody looked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import override_settings
from django.utils import timezone

from apps.accounts import metering, quota
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Quota, UsageHour
from tests.factories import make_account

pytestmark = pytest.mark.django_db
BEGIN = 1_800_000_000 - 1_800_000_000 % 3600


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = BEGIN
        monkeypatch.setattr(metering, "now", lambda: self.at)
        monkeypatch.setattr(timezone, "now", lambda: datetime.fromtimestamp(self.at, UTC))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def account(clock: Clock) -> Account:
    account = make_account()
    Quota.objects.filter(account=account).update(metered_at=BEGIN)
    return account


def hours(account: Account) -> dict[int, int]:
    rows = UsageHour.objects.filter(account=account).order_by("hour")
    return {(int(row.hour.timestamp()) - BEGIN) // 3600: row.vcpus for row in rows}


def test_each_change_counts_from_its_moment_on(clock: Clock, account: Account) -> None:
    quota.reserve(account, Amount(vcpus=2))
    clock.at += 1800
    quota.reserve(account, Amount(vcpus=3))
    clock.at += 600
    quota.release(account, Amount(vcpus=5))
    clock.at = BEGIN + 3600
    assert metering.close_all(clock.at) == 1
    assert hours(account) == {0: 2 * 1800 + 5 * 600}


def test_hours_in_which_nothing_changed_are_written_whenever_somebody_comes(
    clock: Clock, account: Account
) -> None:
    quota.reserve(account, Amount(vcpus=1))
    clock.at = BEGIN + 3 * 3600 + 60
    quota.reserve(account, Amount(vcpus=1))  # the first who comes closes them
    assert hours(account) == {0: 3600, 1: 3600, 2: 3600}
    clock.at = BEGIN + 4 * 3600
    metering.close_all(clock.at)
    metering.close_all(clock.at)
    assert hours(account)[3] == 60 + 2 * (3600 - 60)


def test_an_hour_without_use_has_no_row(clock: Clock, account: Account) -> None:
    clock.at = BEGIN + 5 * 3600
    metering.close_all(clock.at)
    assert hours(account) == {}
    assert Quota.objects.get(account=account).metered_at == clock.at


def test_the_present_hour_is_told_as_far_as_it_is_known(clock: Clock, account: Account) -> None:
    quota.reserve(account, Amount(vcpus=4))
    clock.at += 900
    now = datetime.fromtimestamp(clock.at, UTC)
    (row,) = metering.hours_of(account, datetime.fromtimestamp(BEGIN, UTC), now)
    assert row.vcpus == 4 * 900
    assert hours(account) == {}


@override_settings(USAGE_KEEP_DAYS=1)
def test_hours_are_kept_so_long_and_no_longer(clock: Clock, account: Account) -> None:
    quota.reserve(account, Amount(vcpus=1))
    clock.at = BEGIN + 30 * 3600
    metering.close_all(clock.at)
    assert sorted(hours(account)) == list(range(6, 30))
