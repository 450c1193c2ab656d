"""One cell of the matrix: a scenario from its image, with faults at their moments, driven to rest."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from apps.jobs.models import Job
from tests.faults.faults import Fault
from tests.faults.image import DatabaseImage, Rows, SimulatorImage, read_rows
from tests.faults.site import PATH, ROUNDS, NoRestError, Site, make_due
from tests.faults.stage import Moment, Stage, When, WorkerKilled
from workers import engine


class Image:
    """The whole site at one moment."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._database = DatabaseImage()
        self._simulator = SimulatorImage(PATH)
        self._files = site.files.save()
        self._now, self._notes = site.clock.now, dict(site.notes)

    def restore(self) -> None:
        self._database.restore()
        self._simulator.restore()
        self._site.files.load(self._files)
        self._site.clock.now, self._site.notes = self._now, dict(self._notes)

    def forget(self) -> None:
        self._database.forget()


@dataclass(frozen=True, slots=True)
class Order:
    index: int
    when: When
    fault: Fault

    def __str__(self) -> str:
        return f"{self.fault} {self.when} moment {self.index}"


@dataclass(frozen=True, slots=True)
class State:
    """Rows, world and files as two runs are compared by them."""

    rows: Rows
    world: Any
    files: frozenset[str]

    @classmethod
    def of(cls, site: Site) -> State:
        return cls(read_rows(), *site.world())


@dataclass
class Cell:
    site: Site
    main: Job
    orders: tuple[Order, ...]
    stage: Stage = field(default_factory=Stage)
    cancelled: bool = False  # someone asked to cancel, in time
    could_undo: bool = True  # when the last fault struck, for the job it struck
    struck_main: bool = True

    def run(self, *, observing: bool = False) -> list[Moment]:
        """From the image to rest; returns all that happened."""
        self.stage.observing = observing
        for order in self.orders:
            self.stage.orders[order.index, order.when] = partial(self._strike, order.fault)
        with self.stage.installed():
            to_rest(self.site, self.stage)
        self.main.refresh_from_db()
        self.cancelled = self.main.cancel_requested
        return self.stage.trace

    def _strike(self, fault: Fault, stage: Stage) -> None:
        if fault.effect in {"fatal", "lasting"} and stage.running is not None:
            job = Job.objects.only("cancellable").get(pk=stage.running.pk)
            self.could_undo, self.struck_main = job.cancellable, job.pk == self.main.pk
        fault.strike(self, stage)


def to_rest(site: Site, stage: Stage) -> None:
    """Claim every active job in turn, each message doubled, until none is active, or all that are
    wait for one that is stuck and go on waiting when they look."""
    looked: list[tuple[Any, ...]] = []
    for _ in range(ROUNDS):
        active = list(Job.objects.filter(state__in=Job.ACTIVE).order_by("pk"))
        awake = [job for job in active if not job.waiting_for]
        waiting = [(job.pk, job.state, job.trail, job.waiting_for) for job in active]
        if not active or (not awake and waiting == looked):
            return
        looked = [] if awake else waiting
        for job in awake or active:
            make_due(job)
            stage.running = job
            with suppress(WorkerKilled):
                engine.run(job.pk)
            with suppress(WorkerKilled):
                engine.run(job.pk)
            stage.running = None
        site.tick()
    stories = [f"{job.kind} {job.state} at {job.trail[-1:]}: {job.error}" for job in active]
    raise NoRestError(f"no rest after {ROUNDS} rounds: {stories}")
