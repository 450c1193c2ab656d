"""The lifecycle of a virtual machine, as data on one screen.

Only operations and services move `state`, by compare-and-set against TRANSITIONS. `power_state` is
another thing: what the hypervisor last said; only host sync writes it.
"""

from __future__ import annotations

from enum import Flag, auto

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Counting


class State(models.TextChoices):
    STARTING = "Starting", _("Starting")
    RUNNING = "Running", _("Running")
    STOPPING = "Stopping", _("Stopping")
    STOPPED = "Stopped", _("Stopped")
    MIGRATING = "Migrating", _("Migrating")
    ERROR = "Error", _("Error")
    DESTROYED = "Destroyed", _("Destroyed")
    EXPUNGING = "Expunging", _("Expunging")


class PowerState(models.TextChoices):
    UNKNOWN = "unknown", _("Unknown")
    RUNNING = "running", _("On")
    PAUSED = "paused", _("Paused")
    OFF = "off", _("Off")
    MISSING = "missing", _("Missing")


S = State
TRANSITIONS: dict[State, frozenset[State]] = {
    S.STARTING: frozenset({S.RUNNING, S.STOPPED, S.ERROR}),
    S.RUNNING: frozenset({S.STOPPING, S.STOPPED, S.MIGRATING}),
    S.STOPPING: frozenset({S.STOPPED, S.RUNNING, S.DESTROYED}),
    S.STOPPED: frozenset({S.STARTING, S.RUNNING, S.DESTROYED, S.STOPPING}),
    S.MIGRATING: frozenset({S.RUNNING, S.STOPPED}),
    S.ERROR: frozenset({S.STARTING, S.EXPUNGING}),
    S.DESTROYED: frozenset({S.STOPPED, S.EXPUNGING}),
    S.EXPUNGING: frozenset({S.DESTROYED}),
}


class Holding(Flag):
    """What a machine takes from others."""

    NOTHING = 0
    COMPUTE = auto()  # vCPUs and memory of its host
    STORAGE = auto()  # room in a pool
    ADDRESS = auto()  # an IP address
    QUOTA = auto()  # the machine, its disks and addresses
    QUOTA_COMPUTE = auto()  # its vCPUs and memory


_DISK = Holding.STORAGE | Holding.ADDRESS | Holding.QUOTA | Holding.QUOTA_COMPUTE
_ALL = _DISK | Holding.COMPUTE
HOLDS: dict[State, Holding] = {
    S.STARTING: _ALL,
    S.RUNNING: _ALL,
    S.STOPPING: _ALL,
    S.MIGRATING: _ALL,
    S.STOPPED: _DISK,
    S.DESTROYED: _DISK,
    S.EXPUNGING: _DISK,
    S.ERROR: Holding.NOTHING,
}
"""What each state holds while no job is under way, with vCPUs and memory counted as allocated. A job
claims before it enters an active state's rest and releases as it leaves;
tests/compute/test_holdings.py holds every operation to this."""

ACTIVE = frozenset(state for state, held in HOLDS.items() if Holding.COMPUTE in held)


def holds(state: State, counting: Counting) -> Holding:
    """What a state holds where quotas count vCPUs and memory by this policy: as running, only active
    states count them."""
    held = HOLDS[state]
    if counting == Counting.RUNNING and state not in ACTIVE:
        held &= ~Holding.QUOTA_COMPUTE
    return held


TRANSITIONAL = frozenset({S.STARTING, S.STOPPING, S.MIGRATING, S.EXPUNGING})
