"""A part of the matrix for every test run: each operation, each fault, some moments."""

from __future__ import annotations

import pytest

from tests.faults import scenarios
from tests.faults.cell import Image
from tests.faults.matrix import run_scenario
from tests.faults.scenario import SCENARIOS
from tests.faults.site import Site
from workers import operations
from workers.operation import Operation

assert scenarios
assert operations
EVERY = 17
"""Prime, so that over the scenarios all faults and all kinds of moments have their turn."""


def test_every_registered_operation_has_a_scenario() -> None:
    assert set(Operation.registry) - {scenario.kind for scenario in SCENARIOS.values()} == set()


@pytest.mark.parametrize("kind", sorted({scenario.kind for scenario in SCENARIOS.values()}))
def test_the_operation_keeps_its_declaration_here_and_there(
    kind: str, site_image: tuple[Site, Image]
) -> None:
    scenario = next(scenario for scenario in SCENARIOS.values() if scenario.kind == kind)
    report = run_scenario(scenario, *site_image, every=EVERY)
    assert report.leaks == []
    assert report.cells > 2
