"""The suite proves itself: whatever is planted in the simulator, a contract test notices it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from _pytest.outcomes import Failed

from tests.drivers.conftest import simulated_kit
from tests.drivers.contract import kit as kit_module
from tests.drivers.contract.kit import HostKit
from tests.drivers.contract.planted import CONTRACTS, PLANTED, Real
from workers.drivers.simulator.control import Simulator

FIXTURES = {"path": "/var/tmp/contract", "task_id": "job-1"}


def suite_of(contract: ModuleType) -> Iterator[Callable[[HostKit], None]]:
    """Every test of a module with every set of its parameters."""
    for name, test in inspect.getmembers(contract, inspect.isfunction):
        if name.startswith("test_"):
            wanted = inspect.signature(test).parameters
            fixtures = {word: value for word, value in FIXTURES.items() if word in wanted}
            for values in _parameters(test):
                yield partial(test, **(fixtures | values))


def _parameters(test: Any) -> Iterator[dict[str, object]]:
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        yield {}
        return
    ((names, rows),) = (mark.args for mark in marks)
    for row in rows:
        yield {names: row} if isinstance(names, str) else dict(zip(names, row, strict=True))


def complaints(contract: ModuleType, folder: Path) -> int:
    """How many tests of a contract fail, each on a world of its own."""
    return sum(_fails(test, f"memory:{folder}/{number}") for number, test in enumerate(suite_of(contract)))


def _fails(test: Callable[[HostKit], None], path: str) -> bool:
    try:
        test(simulated_kit(path))
    except (Exception, Failed):
        return True
    finally:
        Simulator(path).forget()
    return False


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the simulator needs to be waited for."""
    monkeypatch.setattr(kit_module, "PATIENCE_SECONDS", 0.02)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_sound_driver_passes_the_whole_suite(contract: ModuleType, tmp_path: Path) -> None:
    assert len(list(suite_of(contract))) >= 5
    assert complaints(contract, tmp_path) == 0


@pytest.mark.parametrize(
    ("contract", "owner", "verb", "plant"), PLANTED, ids=[plant.__name__ for *_, plant in PLANTED]
)
def test_a_planted_fault_is_noticed(
    contract: ModuleType,
    owner: Any,
    verb: str,
    plant: Callable[[Real], Real],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owner, verb, plant(getattr(owner, verb)))
    assert complaints(contract, tmp_path) > 0
