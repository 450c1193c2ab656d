"""What an operation is: steps with undo, then at most one point of no return, then steps that are
only repeated until done.

A step acts on the database (`atomic`, one transaction with its checkpoint) or on the world
(idempotent, keyed by our UUID), never both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from apps.jobs.models import Job
from workers.drivers.errors import HostBusy
from workers.world import World


@dataclass(frozen=True, slots=True)
class Later:
    """A step's answer "not yet": it is entered again after so many seconds, by any worker."""

    seconds: float
    percent: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class WaitFor:
    """A step's answer "when this is free or ended": "lock:KEY", "slot:RESOURCE", "job:UUID" or
    "children:UUID"."""

    key: str
    note: str = ""


Outcome = Later | WaitFor | None


class Step(ABC):
    """One act. `do` may run again after a crash; `undo` may find all of it, half of it or nothing."""

    atomic: ClassVar[bool] = False
    no_undo: ClassVar[str] = ""  # for a step before the point of no return without undo: why

    @abstractmethod
    def do(self, op: Any) -> Outcome:
        """Do it, or say when to come again."""

    def undo(self, op: Any) -> Outcome:
        return None


class PointOfNoReturn(Step):
    """Stands in `steps` before the first step that is not undone but repeated until done."""

    atomic = True
    no_undo = "it marks the place"

    def do(self, op: Any) -> Outcome:
        return None


class Operation:
    """A recipe. Subclasses register themselves by `kind`."""

    kind: ClassVar[str] = ""
    steps: ClassVar[tuple[type[Step], ...]] = ()
    registry: ClassVar[dict[str, type[Operation]]] = {}

    def __init_subclass__(cls) -> None:
        if cls.kind:
            Operation.registry[cls.kind] = cls

    def __init__(self, job: Job, world: World) -> None:
        self.job, self.world = job, world
        self.args, self.memo = job.args, job.memo

    def succeeded(self) -> None:
        """Last database change of a run that worked."""

    def failed(self, error: dict[str, Any]) -> None:
        """Last database change of a run that was undone."""

    def resolve(self) -> None:
        """Act on the world until the record can be made to agree with it; may raise DriverError."""

    def take_back(self, *steps: type[Step]) -> None:
        """For `resolve`: undo these steps in this order, whether they were begun or not. HostBusy while
        something of theirs has not ended yet."""
        for step in steps:
            if step().undo(self) is not None:
                raise HostBusy(f"{step.__name__} is still ending")

    def resolved(self) -> Literal["done", "failed"]:
        """Last database change of a run that `resolve` settled, and how it ended."""
        self.failed(self.job.error or {})
        return "failed"

    def changed(self) -> Mapping[str, list[Any]]:
        """What the run made of its target, for the last event: field -> [before, after]."""
        return {}

    @classmethod
    def no_return_index(cls) -> int:
        """Index of the first step after which nothing is undone; len(steps) if there is none."""
        return cls.steps.index(PointOfNoReturn) if PointOfNoReturn in cls.steps else len(cls.steps)

    @property
    def names(self) -> list[str]:
        return [step.__name__ for step in self.steps]
