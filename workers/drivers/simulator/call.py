"""The way of every call into the simulated world, the same for all drivers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar, cast

from workers.drivers.base import DEADLINES, QUICK_SECONDS, HostAddress
from workers.drivers.errors import DeadlineExceeded, HostUnreachable
from workers.drivers.simulator.faults import Conditions, Fault, read_conditions, take_fault
from workers.drivers.simulator.settle import settle
from workers.drivers.simulator.state import Transaction, open_state

T = TypeVar("T")


class SimulatedDriver:
    """Latency first and outside the transaction; then, in one transaction: is the host up, is a
    fault due, the act itself. A fault "after" strikes once the act's effect is committed."""

    def __init__(self, host: HostAddress) -> None:
        self.host = host
        self._host = str(host.uuid)
        self._state = open_state(host.simulator_path)
        self._dropped = threading.Event()

    def close(self) -> None:
        """Nothing to hand back: connections to the state file belong to threads."""

    def drop(self) -> None:
        """Wake the calls that wait in a simulated latency: they raise HostUnreachable at once."""
        waiting, self._dropped = self._dropped, threading.Event()
        waiting.set()

    def _call(
        self, verb: str, act: Callable[[Transaction], T], *, write: bool = True, subject: object = ""
    ) -> T:
        waited = False
        while True:
            with self._state.transaction(write=write) as tx:
                conditions = read_conditions(tx, self._host, verb)
                latency = 0.0 if waited else conditions.latency
                if not latency and (write or not conditions.write):
                    result, fault = self._perform(tx, verb, act, conditions, subject)
                    break
            if latency:
                waited = True
                self._wait(verb, latency)
            else:
                write = True
        if fault:
            fault.strike()
        return cast("T", result)

    def _perform(
        self,
        tx: Transaction,
        verb: str,
        act: Callable[[Transaction], T],
        conditions: Conditions,
        subject: object,
    ) -> tuple[T | None, Fault | None]:
        if conditions.tick_seconds:
            tx.advance_clock(conditions.tick_seconds)
        if conditions.write:
            settle(tx)
        if conditions.recording:
            tx.execute(
                "INSERT INTO calls (host, verb, subject) VALUES (?, ?, ?)", (self._host, verb, str(subject))
            )
        if conditions.unreachable:
            raise HostUnreachable(f"simulated host {self.host.name} is down")
        fault = take_fault(tx, self._host, verb) if conditions.faults else None
        if fault and fault.moment == "before":
            return None, fault
        return act(tx), fault

    def _wait(self, verb: str, latency: float) -> None:
        deadline = DEADLINES.get(verb, QUICK_SECONDS)
        if self._dropped.wait(min(latency, deadline)):
            raise HostUnreachable("the call was dropped while it waited")
        if latency >= deadline:
            raise DeadlineExceeded(f"{verb} took longer than {deadline:.0f} s")
