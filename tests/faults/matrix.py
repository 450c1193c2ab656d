"""The fault matrix: each operation held against its own declaration, fault by fault.

Before the point of no return a run ends done, or undone with everything as before; after it, done or
stuck: holding its locks, naming the error, and led to a consistent rest by retry and by resolve.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from apps.accounts.actor import Actor
from apps.jobs.models import Job, JobState
from apps.jobs.services import resolve_job, retry_job
from tests.faults.audit import full_audit, quick_audit
from tests.faults.cell import Cell, Image, Order, State, to_rest
from tests.faults.faults import BY_NAME, FAULTS, IN_UNDO, Fault
from tests.faults.image import difference
from tests.faults.scenario import Scenario
from tests.faults.site import NoRestError, Site, standing_in
from tests.faults.stage import Moment

OPERATOR = Actor.system("an operator")


@dataclass
class Report:
    cells: int = 0
    leaks: list[str] = field(default_factory=list)

    def __add__(self, other: Report) -> Report:
        return Report(self.cells + other.cells, self.leaks + other.leaks)


class Matrix:
    """All cells of one scenario, from an image taken right after its request."""

    def __init__(self, scenario: Scenario, site: Site) -> None:
        self.scenario, self.site = scenario, site
        scenario.prepare(site)
        self.before = State.of(site)
        self.main = scenario.submit(site)
        self.image = Image(site)
        self.first_save = 0

    def close(self) -> None:
        self.image.forget()

    def run(self, *, stop_at_first: bool = False, every: int = 1) -> Report:
        """Every cell, or one in so many, the undisturbed run first."""
        report = Report(1, self._undisturbed())
        if report.leaks:
            return report
        for orders in islice(self.cells(), 0, None, every):
            report.cells += 1
            report.leaks += self.try_cell(orders)
            if report.leaks and stop_at_first:
                break
        return report

    def _undisturbed(self) -> list[str]:
        self.image.restore()
        cell = Cell(self.site, self._main(), ())
        try:
            self.trace = list(cell.run(observing=True))
        except NoRestError as error:
            return [f"{self.scenario}: undisturbed: {error}"]
        self.done = State.of(self.site)
        if cell.main.state != JobState.DONE:
            return [f"{self.scenario}: undisturbed: {cell.main.state}, {cell.main.error}"]
        self.scenario.expect(self.site)
        return [f"{self.scenario}: undisturbed: {one}" for one in self._full_audit()]

    def _main(self) -> Job:
        return Job.objects.get(pk=self.main.pk)

    def _full_audit(self) -> list[str]:
        return full_audit(self.site, ports=not self.scenario.adopts)

    def cells(self) -> Iterator[tuple[Order, ...]]:
        """Each fault at each moment; then, after what makes the run undo all it did, each fault at
        each moment of the undoing."""
        yield from ((order,) for order in _orders(self.trace, FAULTS) if not self._spared(order))
        for base in self._turns():
            self.image.restore()
            cell = Cell(self.site, self._main(), (base,))
            trace = list(cell.run(observing=True))[base.index + 1 :]
            # who dies before the failure is on record has never heard of it
            self.first_save = next(moment.index for moment in trace if moment.kind == "save")
            yield from ((base, order) for order in _orders(trace, IN_UNDO))

    def _spared(self, order: Order) -> bool:
        only = self.scenario.only_faults
        own = self.trace[order.index].job_kind == self.main.kind
        return only is not None and not own and order.fault.name not in only

    def _turns(self) -> list[Order]:
        """What makes the run turn back as late as it can: a refusal, or a cancel where nothing is
        called that may refuse."""
        undoable = [m for m in self.trace if m.cancellable and m.job_kind == self.main.kind]
        calls = [m.index for m in undoable if m.kind == "call"]
        saves = [m.index for m in undoable if m.kind == "save" and not m.atomic]
        if calls:
            return [Order(calls[-1], "after", BY_NAME["refusal"])]
        return [Order(saves[-1], "before", BY_NAME["cancel"])] if saves else []

    def try_cell(self, orders: tuple[Order, ...]) -> list[str]:
        """Run one cell; what is wrong at its end."""
        self.image.restore()
        cell = Cell(self.site, self._main(), orders)
        try:
            cell.run()
            findings = self._judge(cell)
        except NoRestError as error:
            findings = [str(error)]
        where = " and ".join(f"{order.fault} {order.when} {self._moment(order, cell)}" for order in orders)
        return [f"{self.scenario}: {where}: {finding}" for finding in findings]

    @staticmethod
    def _moment(order: Order, cell: Cell) -> Moment | int:
        trace = cell.stage.trace
        return trace[order.index] if order.index < len(trace) else order.index

    def _judge(self, cell: Cell) -> list[str]:
        findings = quick_audit(self.site)
        state = cell.main.state
        allowed = self._allowed(cell)
        if state not in allowed:
            findings.append(f"ended {state} ({cell.main.error}), not {' or '.join(sorted(allowed))}")
        if Job.objects.filter(state=JobState.STUCK).exists():
            return findings + self._follow_up(cell)
        return findings + self._compare(cell.main)

    def _allowed(self, cell: Cell) -> set[str]:
        fault = cell.orders[-1].fault
        turned = cell.orders[0].fault if len(cell.orders) > 1 else None
        stuck = {JobState.STUCK.value} if fault.effect == "lasting" else set[str]()
        if self.scenario.partial:
            unsettled = {"stuck", "pending", "undoing"} if stuck or fault.effect == "fatal" else set[str]()
            return {"done", "failed", "cancelled"} | unsettled
        if turned is not None:
            unheard = {"done"} if cell.orders[1].index == self.first_save else set[str]()
            return {"cancelled" if cell.cancelled else "failed"} | stuck | unheard
        if fault.effect == "harmless":
            return {"done"}
        if fault.effect == "cancel":
            return {"cancelled"} if cell.cancelled else {"done"}
        if not cell.struck_main:
            return {"done", "failed"} | ({"stuck", "waiting"} if stuck else set())
        return {"failed"} | stuck if cell.could_undo else {"stuck"}

    def _compare(self, main: Job) -> list[str]:
        """Rows and world against an undisturbed run, or against the time before the request."""
        if self.scenario.partial:
            return self._full_audit()
        now = State.of(self.site)
        if main.state == JobState.DONE:
            return self._difference(self.done, now, undone=False)
        return self._difference(self.before, now, undone=True)

    def _difference(self, wanted: State, now: State, *, undone: bool) -> list[str]:
        scenario, rows = self.scenario, now.rows
        if undone:
            rows = scenario.forgive(self.site, wanted.rows, rows)
        findings = [
            line
            for line in difference(wanted.rows, rows)
            if line.split(" ")[1] not in scenario.ignored_tables
        ]
        left = scenario.leaves_world if undone else frozenset()
        findings += [line for line in wanted.world.difference(now.world) if line.split(" ")[1] not in left]
        if not (undone and scenario.leaves_files):
            findings += [f"file {name}" for name in sorted(wanted.files ^ now.files)]
        elif now.files - wanted.files:
            findings += [f"file {name} is left" for name in sorted(now.files - wanted.files)]
        return findings

    def _follow_up(self, cell: Cell) -> list[str]:
        """The remedies of what is stuck: both retry and resolve lead to a consistent rest."""
        cell.stage.lift()
        image = Image(self.site)
        try:
            findings = [f"then retried: {one}" for one in self._remedy(cell, "retry")]
            image.restore()
            findings += [f"then resolved: {one}" for one in self._remedy(cell, "resolve")]
        finally:
            image.forget()
        return findings

    def _remedy(self, cell: Cell, how: str) -> list[str]:
        act = retry_job if how == "retry" else resolve_job
        with cell.stage.installed():
            for job in Job.objects.filter(state=JobState.STUCK).order_by("pk"):
                act(OPERATOR, job)
            try:
                to_rest(self.site, cell.stage)
            except NoRestError as error:
                return [str(error)]
        cell.main.refresh_from_db()
        if left := list(Job.objects.exclude(state__in=Job.ENDED)):
            return [f"{job.kind} is still {job.state}: {job.error}" for job in left]
        if how == "retry":
            return quick_audit(self.site) + self._compare(cell.main)
        return self._full_audit()


def _orders(trace: list[Moment], faults: tuple[Fault, ...]) -> Iterator[Order]:
    for moment in trace:
        for fault in faults:
            if moment.kind in fault.at and not (fault.outside and moment.atomic):
                for when in fault.when:
                    yield Order(moment.index, when, fault)


@contextmanager
def quiet() -> Iterator[None]:
    """Planted faults are no news."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def run_scenario(
    scenario: Scenario,
    site: Site,
    base: Image,
    *,
    every: int = 1,
    planted: Callable[[], None] | None = None,
) -> Report:
    """The matrix of one scenario, or one in so many of its cells. With something `planted` (done once
    the scenario stands) it stops at the first finding."""
    base.restore()
    site.refresh()
    with quiet(), standing_in(site):
        matrix = Matrix(scenario, site)
        try:
            if planted:
                planted()
            return matrix.run(every=every, stop_at_first=planted is not None)
        finally:
            matrix.close()
