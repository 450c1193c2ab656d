"""Many processes ask for the last unit: one gets it, at whichever level it is the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.quotas import quota_races
from tests.race import shared_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases, pytest.mark.servers]


def test_the_last_unit_is_given_once(tmp_path: Path) -> None:
    with shared_database(tmp_path):
        figures, samples = quota_races(processes=8)
    assert figures == {"quota_races": 0.0}
    assert len(samples["quota_race_ms"]) == 4 * 8
