"""The kinds of job there are, each declared by its app. The steps live in workers/operations/."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise

if TYPE_CHECKING:
    from apps.jobs.models import Job


@dataclass(frozen=True)
class JobKind:
    """`begin` makes the row changes that belong to taking the job's locks, in that transaction,
    now or when a waiting job gets them; a CloudError from it refuses the job.
    `interrupted_by` names kinds that may cancel a job of this kind to get its locks.
    A `quiet` kind only looks, often, for someone who waits: it leaves no event unless it fails, its
    rows are forgotten after an hour, and nobody is told that it is at work."""

    name: str
    label: str | Promise
    queue: str = "short"
    begin: Callable[[Job], None] | None = None
    interrupted_by: frozenset[str] = frozenset()
    quiet: bool = False


_kinds: dict[str, JobKind] = {}


def register(kind: JobKind) -> JobKind:
    _kinds[kind.name] = kind
    return kind


def kind_of(name: str) -> JobKind:
    return _kinds[name]


def all_kinds() -> dict[str, JobKind]:
    return dict(_kinds)


def quiet_kinds() -> list[str]:
    return [kind.name for kind in _kinds.values() if kind.quiet]
