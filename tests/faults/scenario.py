"""One scenario: an operation asked for in one situation, and what must be true at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.jobs.models import Job
from tests.faults.image import Rows
from tests.faults.site import Site

Prepare = Callable[[Site], None]
Submit = Callable[[Site], Job]
Expect = Callable[[Site], None]
Forgive = Callable[[Site, Rows, Rows], Rows]


def nothing_forgiven(_site: Site, _before: Rows, after: Rows) -> Rows:
    return after


@dataclass(frozen=True)
class Scenario:
    """`prepare` makes rows and world as they are before, `submit` asks through the real service,
    `expect` looks by hand at what an undisturbed run left.

    `forgive` takes out of the rows after a run that was undone what its declaration leaves behind
    (a deploy that failed leaves an Error row). `leaves_world` names the parts of the world that may
    differ then. `partial`: items succeed or fail on their own, and only consistency is asked for.
    `only_faults` spares moments that another scenario tries. `adopts`: what it finds was made by
    nobody of ours and has no port.
    """

    name: str
    kind: str
    prepare: Prepare
    submit: Submit
    expect: Expect
    forgive: Forgive = nothing_forgiven
    leaves_world: frozenset[str] = frozenset()
    leaves_files: bool = False
    ignored_tables: frozenset[str] = frozenset()
    partial: bool = False
    only_faults: frozenset[str] | None = None  # at the moments of other jobs than its own
    adopts: bool = False

    def __str__(self) -> str:
        return self.name


SCENARIOS: dict[str, Scenario] = {}


def add(scenario: Scenario) -> Scenario:
    assert scenario.name not in SCENARIOS, scenario.name
    SCENARIOS[scenario.name] = scenario
    return scenario
