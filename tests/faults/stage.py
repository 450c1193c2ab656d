"""Where faults strike: every driver call, every checkpoint and every message, numbered in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from django.db import connection

from apps.jobs import dispatch
from apps.jobs.models import Job
from workers import leases, world

T = TypeVar("T")
When = Literal["before", "after"]
Kind = Literal["call", "save", "send"]


class WorkerKilled(BaseException):
    """The worker's process is gone. Nothing in the product may catch this."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The nth thing that happened in a run. `atomic`: inside a transaction, where nobody else can
    get at the same rows."""

    index: int
    kind: Kind
    name: str
    job_kind: str
    atomic: bool
    cancellable: bool  # whether the job at work could still be undone

    def __str__(self) -> str:
        return f"{self.index} {self.kind} {self.name} ({self.job_kind})"


Strike = Callable[["Stage"], None]


@dataclass
class Stage:
    """Counts moments and lets what was ordered strike at its own."""

    orders: dict[tuple[int, When], Strike] = field(default_factory=dict)
    trace: list[Moment] = field(default_factory=list)
    everywhere: Callable[[Kind, str], None] | None = None  # raises for as long as it stands
    running: Job | None = None
    lost_message: bool = False
    observing: bool = False  # note for each moment whether the job could still be undone

    def lift(self) -> None:
        """End all faults that last."""
        self.orders, self.everywhere = {}, None

    def pass_through(self, kind: Kind, name: str, act: Callable[[], T]) -> T:
        index = len(self.trace)
        job_kind, cancellable = self._at_work()
        self.trace.append(Moment(index, kind, name, job_kind, connection.in_atomic_block, cancellable))
        self._strike(index, "before")
        if self.everywhere:
            self.everywhere(kind, name)
        result = act()
        self._strike(index, "after")
        return result

    def _strike(self, index: int, when: When) -> None:
        order = self.orders.get((index, when))
        if order is not None:
            order(self)

    def _at_work(self) -> tuple[str, bool]:
        if self.running is None:
            return "", True
        if not self.observing:
            return self.running.kind, True
        return self.running.kind, Job.objects.values_list("cancellable", flat=True).get(pk=self.running.pk)

    def call(self, name: str, work: Callable[[], Any]) -> Any:
        return self.pass_through("call", name, work)

    def send(
        self,
        task: str,
        args: list[object],
        *,
        queue: str,
        countdown: float | None = None,
        expires: float | None = None,
    ) -> bool:
        """Messages go nowhere: who drives the cell looks for jobs itself."""
        self.lost_message = False
        self.pass_through("send", f"{task} on {queue}", lambda: (args, countdown, expires))
        return not self.lost_message

    @contextmanager
    def installed(self) -> Iterator[Stage]:
        """Stand in for the three ways out of the engine."""
        real_save, real_send = leases.save, dispatch.send

        def save(job: Job, **changes: Any) -> None:
            label = f"{job.state}:{job.trail[-1] if job.trail else '-'}>{changes.get('state', '')}"
            self.pass_through("save", label, lambda: real_save(job, **changes))

        leases.save, dispatch.send = save, self.send
        world.interceptor = self.call
        try:
            yield self
        finally:
            leases.save, dispatch.send = real_save, real_send
            world.interceptor = None
