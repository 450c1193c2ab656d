"""Follow a directory: look at it, decide, and make the changes portion by portion. A run that the brake
holds, and a preview, end after the look."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, ClassVar, Literal

from apps.accounts.directory import running
from apps.accounts.directory.rows import config_of
from apps.accounts.models import SyncRun
from workers.operation import Later, Operation, Outcome, PointOfNoReturn, Step

READ_SECONDS = 1800.0
"""For the whole directory; each call of it has the directory's own deadline."""


class ReadDirectory(Step):
    """What is found is kept as changes that are still to be made; it is far too much for a memo."""

    no_undo = "it only looks, and what it keeps is replaced when it looks again"

    def do(self, op: SyncDirectory) -> Outcome:
        running.observe(op.run)
        config = config_of(op.run.directory)
        look = partial(running.read, config)
        snapshot = op.world.local("read_directory", look, deadline=READ_SECONDS)
        running.keep_plan(op.run, snapshot)
        return None


class MakeChanges(Step):
    """Made portions stay when a later one fails: each person's are whole, and the next run goes on."""

    atomic = True
    no_undo = "it comes after the point of no return"

    def do(self, op: SyncDirectory) -> Outcome:
        made, total = running.make_portion(op.run)
        if made < total:
            return Later(0, percent=100 * made // total)
        return None


class SyncDirectory(Operation):
    kind = "directory.sync"
    steps: ClassVar[tuple[type[Step], ...]] = (ReadDirectory, PointOfNoReturn, MakeChanges)

    @cached_property
    def run(self) -> SyncRun:
        return SyncRun.objects.select_related("directory", "basis").get(uuid=self.args["run"])

    def succeeded(self) -> None:
        running.finish(self.run)

    def failed(self, error: dict[str, Any]) -> None:
        running.fail(self.run, error)

    def resolved(self) -> Literal["done", "failed"]:
        """What was made is made; the next run does the rest."""
        running.fail(self.run, self.job.error or {})
        return "failed"


class PreviewDirectory(SyncDirectory):
    kind = "directory.preview"
    steps = (ReadDirectory,)
