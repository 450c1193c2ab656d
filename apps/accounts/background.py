"""Jobs of this app's own services. The app that keeps jobs stands above it and registers how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from django.db.models import Model

from apps.accounts.actor import Actor


class Submitter(Protocol):
    def __call__(
        self,
        actor: Actor,
        kind: str,
        target: Any,
        *,
        lock_keys: Sequence[str] = (),
        on_busy: Any = "refuse",
        **args: Any,
    ) -> Any: ...


_submitters: list[Submitter] = []


def run_with(submitter: Submitter) -> None:
    """Called once, by the app that keeps jobs, when it is ready."""
    _submitters[:] = [submitter]


def submit(
    actor: Actor,
    kind: str,
    target: Model,
    *,
    lock_keys: Sequence[str] = (),
    on_busy: str = "refuse",
    **args: Any,
) -> Any:
    """Record a job, in the caller's transaction; see `apps.jobs.services.submit`."""
    (submitter,) = _submitters
    return submitter(actor, kind, target, lock_keys=lock_keys, on_busy=on_busy, **args)
