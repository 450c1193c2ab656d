"""Every registered operation, every scenario, every fault at every moment. On PostgreSQL, where a cell takes
three times as long, one cell in five; the benchmark tries all of them on both databases."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.faults import scenarios
from tests.faults.cell import Image
from tests.faults.matrix import run_scenario
from tests.faults.scenario import SCENARIOS, Scenario
from tests.faults.site import Site

assert scenarios
pytestmark = [pytest.mark.faults, pytest.mark.databases]


def by_kind_and_name(scenario: Scenario) -> str:
    return f"{scenario.kind}: {scenario}"


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=by_kind_and_name)
def test_the_operation_keeps_its_declaration(scenario: Scenario, site_image: tuple[Site, Image]) -> None:
    every = 1 if connection.vendor == "sqlite" else 5
    report = run_scenario(scenario, *site_image, every=every)
    assert report.leaks == []
    assert report.cells > 10 / every
