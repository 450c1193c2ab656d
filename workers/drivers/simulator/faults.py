"""Faults to order, and what befalls a call before it reaches the simulated host."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

from workers.drivers import errors
from workers.drivers.simulator.state import Transaction

VERBS = frozenset(
    {
        *("define", "start", "shutdown", "reset", "destroy", "undefine", "states", "facts", "console_log"),
        "remove_console_log",
        *("run", "write_file", "read_file", "remove"),
        *("start_task", "task_status", "cancel_task", "forget_task"),
        *("import_image", "cancel_import", "clone", "write_seed", "delete", "names", "pool_facts"),
        *("plug", "unplug"),
    }
)
"""What latency and faults are ordered by. Tasks and pools say `start_task` and `pool_facts`
where their protocol's own word is one of the hypervisor's too."""

ANY_VERB = "*"
BUG = "Bug"
KILL = "Kill"
DRIVER_ERRORS: dict[str, type[errors.DriverError]] = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.DriverError)
}
ERRORS = frozenset({*DRIVER_ERRORS, BUG, KILL})
"""Names of `DriverError`s; Bug is an exception that no driver may raise; Kill ends the calling
process with SIGKILL, as an operator or the kernel would."""


class PlantedBugError(Exception):
    """Ordered: stands for a programming error inside a driver."""


@dataclass(frozen=True, slots=True)
class Fault:
    error: str
    moment: str

    def strike(self) -> None:
        if self.error == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.error == BUG:
            raise PlantedBugError("ordered")
        raise DRIVER_ERRORS[self.error]("ordered")


def take_fault(tx: Transaction, host: str, verb: str) -> Fault | None:
    """Count this call against every order it matches; the first order that is due strikes."""
    due = None
    for row_id, skip, remaining, error, moment in tx.execute(
        "SELECT id, skip, remaining, error, moment FROM faults"
        " WHERE host IN ('', ?) AND verb IN ('*', ?) ORDER BY id",
        (host, verb),
    ).fetchall():
        if skip:
            tx.execute("UPDATE faults SET skip = skip - 1 WHERE id = ?", (row_id,))
        elif due is None:
            due = Fault(error, moment)
            if remaining == 1:
                tx.execute("DELETE FROM faults WHERE id = ?", (row_id,))
            else:
                tx.execute("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", (row_id,))
    return due


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the world holds ready for one call of one verb on one host. `write` is whether the
    call changes the world even if its act only reads: time passes, faults are counted."""

    unreachable: bool
    faults: bool
    latency: float
    tick_seconds: float
    recording: bool
    write: bool


_CONDITIONS = """
SELECT EXISTS (SELECT 1 FROM unreachable WHERE host = :host),
       EXISTS (SELECT 1 FROM faults WHERE host IN ('', :host) AND verb IN ('*', :verb)),
       coalesce((SELECT seconds FROM latency WHERE verb = :verb),
                (SELECT seconds FROM latency WHERE verb = '*'), 0),
       coalesce((SELECT value FROM settings WHERE key = 'clock_offset'), 0),
       coalesce((SELECT value FROM settings WHERE key = 'tick_seconds'), 0),
       coalesce((SELECT value FROM settings WHERE key = 'recording'), 0),
       (SELECT min(shutdown_due) FROM machines WHERE shutdown_due IS NOT NULL),
       (SELECT min(ends_at) FROM imports)
"""


def read_conditions(tx: Transaction, host: str, verb: str) -> Conditions:
    unreachable, faults, latency, offset, tick, recording, *due = tx.execute(
        _CONDITIONS, {"host": host, "verb": verb}
    ).fetchone()
    tx.now = time.time() + offset
    settling = any(moment is not None and moment <= tx.now for moment in due)
    write = bool(settling or faults or recording or tick)
    return Conditions(bool(unreachable), bool(faults), latency, tick, bool(recording), write)
