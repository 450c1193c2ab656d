from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from apps.core.words.times import ago, until

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.mark.parametrize(
    ("past", "english", "greek"),
    [
        (timedelta(seconds=-20), "now", "τώρα"),
        (timedelta(0), "now", "τώρα"),
        (timedelta(seconds=1), "1 second ago", "πριν από 1 δευτερόλεπτο"),
        (timedelta(seconds=59), "59 seconds ago", "πριν από 59 δευτερόλεπτα"),
        (timedelta(minutes=1), "1 minute ago", "πριν από 1 λεπτό"),
        (timedelta(minutes=119), "1 hour ago", "πριν από 1 ώρα"),
        (timedelta(hours=23), "23 hours ago", "πριν από 23 ώρες"),
        (timedelta(days=29), "29 days ago", "πριν από 29 ημέρες"),
        (timedelta(days=60), "2 months ago", "πριν από 2 μήνες"),
        (timedelta(days=800), "2 years ago", "πριν από 2 έτη"),
        (timedelta(days=-3), "in 3 days", "σε 3 ημέρες"),
    ],
)
def test_a_time_is_told_by_its_distance_in_the_readers_language(
    past: timedelta, english: str, greek: str
) -> None:
    assert ago(NOW - past) == english
    with translation.override("el"):
        assert ago(NOW - past) == greek


@pytest.mark.parametrize(
    ("rest", "english", "greek"),
    [
        (timedelta(seconds=-1), "any moment now", "όπου να ’ναι"),
        (timedelta(seconds=59), "any moment now", "όπου να ’ναι"),
        (timedelta(minutes=1), "in 1 minute", "σε 1 λεπτό"),
        (timedelta(minutes=119), "in 1 hour", "σε 1 ώρα"),
        (timedelta(days=7, seconds=-1), "in 6 days", "σε 6 ημέρες"),
    ],
)
def test_what_is_left_is_never_told_as_more_than_it_is(rest: timedelta, english: str, greek: str) -> None:
    assert until(NOW + rest) == english
    with translation.override("el"):
        assert until(NOW + rest) == greek
