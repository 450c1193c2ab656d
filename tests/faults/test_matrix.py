"""Every registered operation, every scenario, every fault."""

from __future__ import annotations

import pytest

from tests.faults import scenarios
from tests.faults.cell import Image
from tests.faults.matrix import run_scenario
from tests.faults.scenario import SCENARIOS, Scenario
from tests.faults.site import Site
from workers import operations
from workers.operation import Operation

assert scenarios
assert operations


def test_every_registered_operation_has_a_scenario() -> None:
    assert set(Operation.registry) - {scenario.kind for scenario in SCENARIOS.values()} == set()


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=str)
def test_the_operation_keeps_its_declaration(scenario: Scenario, site_image: tuple[Site, Image]) -> None:
    site, base = site_image
    report = run_scenario(scenario, site, base)
    assert report.leaks == []
    assert report.cells > 10
