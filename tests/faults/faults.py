"""The faults, each with what it may lead to."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from django.db import OperationalError
from django.db.models import F
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.core.errors import StateConflict
from apps.jobs.models import Job
from apps.jobs.services import cancel_job
from tests.faults.site import make_due
from tests.faults.stage import Kind, Stage, When, WorkerKilled
from workers import engine
from workers.drivers.errors import HostUnreachable, HypervisorRefused

if TYPE_CHECKING:
    from tests.faults.cell import Cell

Effect = Literal["harmless", "cancel", "fatal", "lasting"]
"""harmless: the job is done as if nothing had been. cancel: undone, or too late and done.
fatal: undone before the point of no return, stuck after it. lasting: as fatal, and undo itself may
be prevented for as long as the fault stands."""


@dataclass(frozen=True)
class Fault:
    """`outside`: another process acts, so it cannot strike inside a transaction of this one."""

    name: str
    effect: Effect
    at: frozenset[Kind]
    when: tuple[When, ...]
    strike: Callable[[Cell, Stage], None]
    outside: bool = False

    def __str__(self) -> str:
        return self.name


def _raising(error: Callable[[], BaseException]) -> Callable[[Cell, Stage], None]:
    def strike(_cell: Cell, _stage: Stage) -> None:
        raise error()

    return strike


def _from_now_on(error: Callable[[], BaseException], *, everywhere: bool) -> Callable[[Cell, Stage], None]:
    """Every call fails, or every try of what is about to be done; giving up is no try."""

    def strike(_cell: Cell, stage: Stage) -> None:
        struck = stage.trace[-1].kind, stage.trace[-1].name
        if struck[1].endswith(">undoing"):
            return

        def fail(kind: Kind, name: str) -> None:
            if (everywhere and kind == "call") or (kind, name) == struck:
                raise error()

        stage.everywhere = fail

    return strike


def _steal(_cell: Cell, stage: Stage) -> None:
    """Another worker owns the job, and dies later on."""
    _running(stage).update(
        lease=uuid.uuid4(), due=timezone.now() + timedelta(hours=1), claims=F("claims") + 1
    )


def _overtake(_cell: Cell, stage: Stage) -> None:
    """This worker was away for longer than its lease; a late message let another one go on."""
    job = stage.running
    assert job is not None
    make_due(job)
    engine.run(job.pk)
    stage.running = job


def _double(_cell: Cell, stage: Stage) -> None:
    job = stage.running
    assert job is not None
    engine.run(job.pk)


def _cancel(cell: Cell, _stage: Stage) -> None:
    with suppress(StateConflict):
        cancel_job(Actor.system("changed my mind"), Job.objects.get(pk=cell.main.pk))


def _sync(cell: Cell, stage: Stage) -> None:
    """Two reports of this very moment; what they lead to finds a free worker at once."""
    cell.site.sync(2)
    at_work = stage.running
    for job in Job.objects.filter(kind="vm.record_power", state__in=Job.ACTIVE, lease=None):
        if job != at_work:
            stage.running = job
            engine.run(job.pk)
    stage.running = at_work


def _lose_message(_cell: Cell, stage: Stage) -> None:
    stage.lost_message = True


def _running(stage: Stage) -> Any:
    assert stage.running is not None
    return Job.objects.filter(pk=stage.running.pk)


CALL: frozenset[Kind] = frozenset({"call"})
SAVE: frozenset[Kind] = frozenset({"save"})
SEND: frozenset[Kind] = frozenset({"send"})
ANY = CALL | SAVE | SEND
BOTH: tuple[When, ...] = ("before", "after")
BEFORE: tuple[When, ...] = ("before",)


def unreachable() -> HostUnreachable:
    return HostUnreachable("planted")


def database_gone() -> OperationalError:
    return OperationalError("server closed the connection")


def refused() -> HypervisorRefused:
    return HypervisorRefused("planted")


# A fault of the surroundings strikes before each moment only: after one moment is before the next.
FAULTS: tuple[Fault, ...] = (
    Fault("worker killed", "harmless", ANY, BEFORE, _raising(WorkerKilled)),
    Fault("temporary error", "harmless", CALL, BOTH, _raising(unreachable)),
    Fault(
        "database gone",
        "harmless",
        SAVE,
        BOTH,
        _raising(database_gone),
    ),
    Fault("message lost", "harmless", SEND, BEFORE, _lose_message),
    Fault("lease stolen", "harmless", CALL | SAVE, BEFORE, _steal, outside=True),
    Fault("overtaken", "harmless", SAVE, BEFORE, _overtake, outside=True),
    Fault("message doubled", "harmless", CALL, BEFORE, _double, outside=True),
    Fault("host sync", "harmless", CALL | SAVE, BEFORE, _sync, outside=True),
    Fault("cancel", "cancel", CALL | SAVE, BEFORE, _cancel, outside=True),
    Fault("refusal", "fatal", CALL, BOTH, _raising(refused)),
    Fault("bug", "fatal", CALL, BEFORE, _raising(lambda: ValueError("planted"))),
    Fault("host down for good", "lasting", CALL, BEFORE, _from_now_on(unreachable, everywhere=True)),
    Fault("verb fails for good", "lasting", CALL, BEFORE, _from_now_on(unreachable, everywhere=False)),
    Fault(
        "step kills its worker", "lasting", CALL | SAVE, BEFORE, _from_now_on(WorkerKilled, everywhere=False)
    ),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
IN_UNDO = tuple(
    fault
    for fault in FAULTS
    if fault.name not in {"cancel", "bug", "overtaken", "message doubled", "message lost"}
)
