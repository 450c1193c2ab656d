"""Every registered operation, every scenario, every fault at every moment."""

from __future__ import annotations

import pytest

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
    report = run_scenario(scenario, *site_image)
    assert report.leaks == []
    assert report.cells > 10
