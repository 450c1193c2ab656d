"""Letting new machines in, or keeping them out."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import transaction

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.jobs import events
from apps.jobs.events import target_type
from apps.zones.models import Cluster, Host, Pod, Zone

Switchable = Zone | Pod | Cluster | Host
R = TypeVar("R", bound=Any)


@transaction.atomic
def enable(actor: Actor, row: Switchable) -> Switchable:
    """Let new machines be placed in it again."""
    return switch(actor, row, enabled=True)


@transaction.atomic
def disable(actor: Actor, row: Switchable) -> Switchable:
    """No new machine is placed in it from now on. What runs there runs on."""
    return switch(actor, row, enabled=False)


def switch(actor: Actor, row: R, *, enabled: bool) -> R:
    """Set `enabled` of any row that has it. Call it in a transaction."""
    kind = f"{target_type(row).replace('-', '_')}.{'enable' if enabled else 'disable'}"
    policy.require(actor, kind, row)
    if type(row).objects.filter(pk=row.pk, enabled=not enabled).update(enabled=enabled):
        events.record(actor, kind, row, changes={"enabled": [not enabled, enabled]})
    row.enabled = enabled
    return row
