"""What the record says of a job's target beside what was last seen of it: read before a stuck job is
resolved. Each app says how for its own kinds of object; nothing here asks a host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.jobs.models import Job


@dataclass(frozen=True, slots=True)
class Finding:
    """Texts in the reader's language. `agrees` is None where the two cannot be compared, `seen` and
    `seen_at` are empty for what nothing has reported."""

    what: str
    record: str
    seen: str = ""
    seen_at: datetime | None = None
    agrees: bool | None = None


Look = Callable[[Job], list[Finding]]
_looks: dict[str, Look] = {}


def register(target_type: str, look: Look) -> None:
    _looks[target_type] = look


def findings_of(actor: Actor, job: Job) -> list[Finding]:
    """What is known of the job's target, for those who may resolve it; empty if the target is gone."""
    policy.require(actor, "job.resolve", job)
    look = _looks.get(job.target_type)
    return look(job) if look else []
