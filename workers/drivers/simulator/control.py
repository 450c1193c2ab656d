"""The world's own hand: what a test, the demo or an operator does to simulated hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar
from uuid import UUID, uuid4

from workers.drivers.base import MachineSpec, Power
from workers.drivers.errors import MachineNotFound
from workers.drivers.simulator.faults import ANY_VERB, ERRORS, VERBS
from workers.drivers.simulator.machines import power_off, set_power, spec_text
from workers.drivers.simulator.pools import pool_size, set_pool_size
from workers.drivers.simulator.settle import end_import, settle
from workers.drivers.simulator.state import SCHEMA_TABLES, Transaction, forget_state, open_state
from workers.drivers.simulator.world import World, read_world

T = TypeVar("T")

PROFILES: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "none": {"latency": {}, "durations": {}},
    "demo": {
        "latency": {
            "define": 0.03,
            "start": 0.9,
            "shutdown": 0.05,
            "reset": 0.05,
            "destroy": 0.2,
            "undefine": 0.02,
            "states": 0.01,
            "clone": 0.05,
            "write_seed": 0.03,
            "delete": 0.02,
            "plug": 0.03,
            "run": 0.02,
        },
        "durations": {"guest_shutdown_seconds": 4, "boot_seconds": 8, "import_seconds": 6, "task_seconds": 5},
    },
}
"""Seconds. `demo` feels like hosts at the other end of an SSH connection."""

DURATIONS = ("guest_shutdown_seconds", "boot_seconds", "import_seconds", "task_seconds", "tick_seconds")


@dataclass(frozen=True, slots=True)
class Violation:
    """An act that would have cost someone data on real hosts. `kind` is disk_in_use,
    machine_runs_twice, mac_in_use or deleted_in_use."""

    kind: str
    host: str
    detail: str


@dataclass(frozen=True, slots=True)
class Call:
    host: str
    verb: str
    subject: str


@dataclass(frozen=True, slots=True)
class Order:
    """A fault still to come. `skip` matching calls go free first; `remaining` None is for ever."""

    id: int
    host: str
    verb: str
    skip: int
    remaining: int | None
    error: str
    moment: str


class Simulator:
    """Everything here acts at once and is seen by every process that shares the state file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._state = open_state(path)

    def use_profile(self, name: str) -> None:
        """Replaces all latencies and durations."""
        profile = PROFILES[name]

        def act(tx: Transaction) -> None:
            tx.execute("DELETE FROM latency")
            for duration in DURATIONS:
                tx.put_setting(duration, profile["durations"].get(duration, 0.0))

        self._act(act)
        for verb, seconds in profile["latency"].items():
            self.set_latency(verb, seconds)

    def set_latency(self, verb: str, seconds: float) -> None:
        """Of each call of this verb ("*": of all that have none of their own)."""
        _check_verb(verb)
        self._act(lambda tx: tx.execute("INSERT OR REPLACE INTO latency VALUES (?, ?)", (verb, seconds)))

    def set_durations(self, **seconds: float) -> None:
        """Any of `DURATIONS`. An infinite `guest_shutdown_seconds` makes every guest deaf;
        `tick_seconds` is by how much each call moves the world's clock, so that durations can be
        counted in calls and nobody has to wait."""
        if unknown := seconds.keys() - set(DURATIONS):
            raise ValueError(f"no such duration: {', '.join(sorted(unknown))}")

        def act(tx: Transaction) -> None:
            for key, value in seconds.items():
                tx.put_setting(key, value)

        self._act(act)

    def advance(self, seconds: float) -> None:
        """Let time pass: guests finish shutting down, copies end."""

        def act(tx: Transaction) -> None:
            tx.advance_clock(seconds)
            settle(tx)

        self._act(act)

    def order(
        self,
        *,
        error: str,
        verb: str = ANY_VERB,
        host: UUID | None = None,
        nth: int = 1,
        when: Literal["before", "after"] = "before",
        times: int | None = 1,
    ) -> int:
        """Let the nth matching call from now on, and the `times - 1` after it, end in `error`
        (of `faults.ERRORS`), before or after it took effect. `times=None`: until cancelled."""
        _check_verb(verb)
        if error not in ERRORS or nth < 1 or (times is not None and times < 1):
            raise ValueError(f"cannot order {error} at call {nth}, {times} times")
        if when not in ("before", "after"):
            raise ValueError(f"a fault strikes before or after, not {when}")

        def act(tx: Transaction) -> int:
            row = tx.execute(
                "INSERT INTO faults (host, verb, skip, remaining, error, moment)"
                " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (str(host or ""), verb, nth - 1, times, error, when),
            ).fetchone()
            return int(row[0])

        return self._act(act)

    def orders(self) -> list[Order]:
        """Faults that have not (all) struck yet."""
        return self._act(
            lambda tx: [
                Order(*row)
                for row in tx.execute(
                    "SELECT id, host, verb, skip, remaining, error, moment FROM faults ORDER BY id"
                )
            ]
        )

    def cancel_orders(self) -> None:
        self._act(lambda tx: tx.execute("DELETE FROM faults"))

    def set_reachable(self, host: UUID, reachable: bool) -> None:
        """An unreachable host raises HostUnreachable from every verb; its machines run on."""

        def act(tx: Transaction) -> None:
            tx.execute("DELETE FROM unreachable WHERE host = ?", (str(host),))
            if not reachable:
                tx.execute("INSERT INTO unreachable VALUES (?)", (str(host),))

        self._act(act)

    def crash_host(self, host: UUID) -> None:
        """Power lost: its machines are off, its tasks and copies gone. `set_reachable` is apart."""

        def act(tx: Transaction) -> None:
            for (machine,) in tx.execute("SELECT uuid FROM machines WHERE host = ?", (str(host),)).fetchall():
                power_off(tx, str(host), machine)
            tx.execute("DELETE FROM tasks WHERE host = ?", (str(host),))
            for pool, task, size_bytes in tx.execute(
                "SELECT pool, task, size_bytes FROM imports WHERE host = ?", (str(host),)
            ).fetchall():
                end_import(tx, pool, task, size_bytes)

        self._act(act)

    def power_off(self, machine: UUID) -> None:
        """The guest powers itself off, or crashes, wherever it runs."""

        def act(tx: Transaction) -> None:
            for (host,) in self._hosts_of(tx, machine):
                power_off(tx, host, str(machine))

        self._act(act)

    def set_power(self, machine: UUID, power: Literal[Power.PAUSED, Power.UNKNOWN, Power.RUNNING]) -> None:
        """What the hypervisor says of a running machine, as after a disk error or a lost monitor."""

        def act(tx: Transaction) -> None:
            for (host,) in self._hosts_of(tx, machine):
                set_power(tx, host, str(machine), power)

        self._act(act)

    def set_deaf(self, machine: UUID, deaf: bool = True) -> None:
        """A deaf guest never answers `shutdown`."""

        def act(tx: Transaction) -> None:
            self._hosts_of(tx, machine)
            tx.execute("UPDATE machines SET deaf = ? WHERE uuid = ?", (deaf, str(machine)))

        self._act(act)

    def add_machine(
        self,
        host: UUID,
        *,
        name: str = "",
        uuid: UUID | None = None,
        ours: bool = False,
        power: Power = Power.RUNNING,
    ) -> UUID:
        """A machine that no operation defined: a foreign one, or (`ours`) an orphan with our tag."""
        uuid = uuid or uuid4()
        spec = MachineSpec(uuid, name or f"foreign-{uuid}", 1, 512, (), ())
        self._act(
            lambda tx: tx.execute(
                "INSERT INTO machines (host, uuid, name, spec, ours, power, booted)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (str(host), str(uuid), spec.name, spec_text(spec), ours, power.value, power is not Power.OFF),
            )
        )
        return uuid

    def forget_machine(self, machine: UUID) -> None:
        """Someone removed it behind our back, disks left alone."""

        def act(tx: Transaction) -> None:
            for (host,) in self._hosts_of(tx, machine):
                power_off(tx, host, str(machine))
            tx.execute("DELETE FROM machines WHERE uuid = ?", (str(machine),))

        self._act(act)

    def set_pool_capacity(self, pool: UUID, capacity_bytes: int) -> None:
        """Less than what is used makes a pool with no room left."""
        self._act(lambda tx: set_pool_size(tx, str(pool), capacity_bytes, pool_size(tx, str(pool))[1]))

    def hide_source(self, path: str) -> None:
        """Imports from this path fail: every other source is taken to exist."""
        self._act(lambda tx: tx.execute("INSERT OR IGNORE INTO missing_sources VALUES (?)", (path,)))

    def answer(self, program: str, *, exit_code: int = 0, stdout: bytes = b"", stderr: bytes = b"") -> None:
        """What commands and tasks of this program give on every host."""
        self._act(
            lambda tx: tx.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", (program, exit_code, stdout, stderr)
            )
        )

    def world(self) -> World:
        def act(tx: Transaction) -> World:
            settle(tx)
            return read_world(tx)

        return self._act(act)

    def violations(self) -> list[Violation]:
        return self._act(
            lambda tx: [
                Violation(*row) for row in tx.execute("SELECT kind, host, detail FROM violations ORDER BY id")
            ]
        )

    def record_calls(self, recording: bool = True) -> None:
        """Keep a journal of calls; beginning anew empties it."""

        def act(tx: Transaction) -> None:
            tx.put_setting("recording", float(recording))
            if recording:
                tx.execute("DELETE FROM calls")

        self._act(act)

    def calls(self) -> list[Call]:
        return self._act(
            lambda tx: [Call(*row) for row in tx.execute("SELECT host, verb, subject FROM calls ORDER BY id")]
        )

    def reset(self) -> None:
        """An empty world without latency, faults or ordered answers."""

        def act(tx: Transaction) -> None:
            for table in SCHEMA_TABLES:
                tx.execute(f"DELETE FROM {table}")  # noqa: S608 (our own table names)

        self._act(act)

    def forget(self) -> None:
        """Let go of the world in this process; one in memory ends."""
        forget_state(self.path)

    def _act(self, act: Callable[[Transaction], T]) -> T:
        with self._state.transaction(write=True) as tx:
            tx.read_clock()
            return act(tx)

    @staticmethod
    def _hosts_of(tx: Transaction, machine: UUID) -> list[tuple[str]]:
        hosts = tx.execute("SELECT host FROM machines WHERE uuid = ?", (str(machine),)).fetchall()
        if not hosts:
            raise MachineNotFound(str(machine))
        return hosts


def _check_verb(verb: str) -> None:
    if verb != ANY_VERB and verb not in VERBS:
        raise ValueError(f"no such verb: {verb}")
