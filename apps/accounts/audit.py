"""Events of this app's own services. The app that keeps events stands above it and registers how."""

from __future__ import annotations

from typing import Any, Protocol

from django.db.models import Model

from apps.accounts.actor import Actor


class Recorder(Protocol):
    def __call__(self, actor: Actor, kind: str, target: Any, **data: Any) -> object: ...


_recorders: list[Recorder] = []


def keep_with(recorder: Recorder) -> None:
    """Called once, by the app that keeps events, when it is ready."""
    _recorders[:] = [recorder]


def record(actor: Actor, kind: str, target: Model, **data: Any) -> None:
    """Insert an event, in the transaction of the change."""
    for recorder in _recorders:
        recorder(actor, kind, target, **data)
