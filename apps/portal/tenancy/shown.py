"""What the pages of domains and accounts share: state, quota, history, and what the reader may do."""

from __future__ import annotations

from typing import Any

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.closing import noun as noun_of
from apps.accounts.models import Account, Domain, Quota, Standing
from apps.accounts.standing import verdict
from apps.compute.services.owned import halted
from apps.jobs.events import event_label
from apps.jobs.models import Event
from apps.portal.resources import Use, uses

EVENTS_SHOWN = 10
PAGES = ("rename", "move", "switch", "disable", "close", "start")
ACTS = ("rename", "move", "disable", "enable", "close", "reopen")


def used_by(row: Account | Domain) -> list[Use]:
    """What is used of each resource, with the limit where there is one."""
    quota = Quota.objects.filter(**{noun_of(row): row}).first()
    return uses(quota) if quota else []


def context_of(actor: Actor, noun: str, row: Account | Domain) -> dict[str, Any]:
    """`above_is` is the state of what stands above, where that decides."""
    found = verdict(row)
    events = policy.visible(actor, Event.objects.filter(target_uuid=row.uuid)).order_by("-id")
    decided_above = found.decided_by.pk != row.pk or type(found.decided_by) is not type(row)
    decided = Standing(found.standing) if decided_above and not found.is_active else None
    return {
        "noun": noun,
        "row": row,
        "standing": row.standing,
        "above_is": decided,
        "may": {act: _may(actor, noun, act, row) for act in ACTS},
        "urls": {
            act: f"portal:{noun}-{act}" for act in ("rename", "move", "switch", "disable", "close", "start")
        },
        "uses": used_by(row) if policy.may(actor, "quota.read", row) else [],
        "halted": policy.visible(actor, halted(row)).count() if found.is_active else 0,
        "events": [(event, event_label(event.kind)) for event in events[:EVENTS_SHOWN]],
    }


def _may(actor: Actor, noun: str, act: str, row: Account | Domain) -> bool:
    """Over a domain decides who holds rights above it, too."""
    if not policy.may(actor, f"{noun}.{act}", row):
        return False
    if isinstance(row, Account) or act == "rename":
        return True
    return row.parent is not None and policy.may(actor, f"domain.{act}", row.parent)
