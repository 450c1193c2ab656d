"""The step that fills a demo with a campus on simulated hosts."""

from __future__ import annotations

from bootstrap.context import Context
from bootstrap.steps import Step


class SimulatedCampus(Step):
    """Seeded once: what people do with the demo afterwards stays."""

    key = "campus"
    title = "Simulated campus"

    def __init__(self, context: Context) -> None:
        self._portal = context.portal
        self._done = context.installation.var / "campus.seeded"

    def needed(self) -> str | None:
        return None if self._done.exists() else "seed zones, hosts, accounts and machines"

    def do(self) -> None:
        self._portal.run_module("workers.campus", what="seeding the campus")
        self._done.touch()

    def prove(self) -> str:
        return "seeded"
