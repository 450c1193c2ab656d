"""Machines of the simulated world and what a running one holds: the rows behind the drivers.

A running machine holds its disks and its MACs. Two that hold the same writable disk would
destroy its data, so that is refused; every way in which operations could have led there is
also written down as a violation, for the harness that looks for such operations.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from workers.drivers.base import MachineSpec, Power
from workers.drivers.errors import HypervisorRefused, ObjectMissing
from workers.drivers.simulator.pools import find_object
from workers.drivers.simulator.state import Transaction


def spec_text(spec: MachineSpec) -> str:
    """The spec as JSON with sorted keys: equal specs are equal texts."""
    return json.dumps(asdict(spec), sort_keys=True, default=str)


def note_violation(tx: Transaction, kind: str, host: str, detail: str) -> None:
    tx.execute("INSERT INTO violations (kind, host, detail) VALUES (?, ?, ?)", (kind, host, detail))


def power_on(tx: Transaction, host: str, machine: str, spec: dict[str, Any], power: Power) -> None:
    """`ObjectMissing` for a disk that is in no pool; `HypervisorRefused` for one in use."""
    for disk in spec["disks"]:
        if find_object(tx, disk["path"]) is None:
            raise ObjectMissing(f"{disk['path']} does not exist")
    elsewhere = tx.execute(
        "SELECT host FROM machines WHERE uuid = ? AND host <> ? AND power <> 'off'", (machine, host)
    ).fetchone()
    if elsewhere:
        note_violation(tx, "machine_runs_twice", host, f"{machine} also runs on {elsewhere[0]}")
    for nic in spec["nics"]:
        if other := _holder(tx, "mac", nic["mac"], host, machine, writes=True):
            note_violation(tx, "mac_in_use", host, f"{machine} and {other} have {nic['mac']}")
    for disk in spec["disks"]:
        other = _holder(tx, "disk", disk["path"], host, machine, writes=not disk["read_only"])
        if other:
            note_violation(tx, "disk_in_use", host, f"{machine} and {other} have {disk['path']}")
            raise HypervisorRefused(f"{disk['path']} is in use by machine {other}")
    holds = [("disk", disk["path"], host, machine, not disk["read_only"]) for disk in spec["disks"]]
    holds += [("mac", nic["mac"], host, machine, True) for nic in spec["nics"]]
    for hold in holds:
        tx.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)", hold)
    set_power(tx, host, machine, power)
    if power is Power.RUNNING:
        note_boot(tx, host, machine, spec)


def _holder(tx: Transaction, kind: str, key: str, host: str, machine: str, *, writes: bool) -> str | None:
    row = tx.execute(
        "SELECT machine FROM held"
        " WHERE kind = ? AND key = ? AND NOT (host = ? AND machine = ?) AND (writes OR ?)",
        (kind, key, host, machine, writes),
    ).fetchone()
    return row[0] if row else None


def power_off(tx: Transaction, host: str, machine: str) -> None:
    tx.execute("DELETE FROM held WHERE host = ? AND machine = ?", (host, machine))
    set_power(tx, host, machine, Power.OFF)
    tx.execute("UPDATE machines SET booted = 0 WHERE host = ? AND uuid = ?", (host, machine))


def set_power(tx: Transaction, host: str, machine: str, power: Power) -> None:
    """A request to shut down does not outlive a change of power."""
    tx.execute(
        "UPDATE machines SET power = ?, shutdown_due = NULL WHERE host = ? AND uuid = ?",
        (power.value, host, machine),
    )


def note_boot(tx: Transaction, host: str, machine: str, spec: dict[str, Any]) -> None:
    """The guest begins to boot: from here on its console has something to say."""
    seeds = (find_object(tx, disk["path"]) for disk in spec["disks"] if disk["read_only"])
    hostname = next((seed.hostname for seed in seeds if seed and seed.hostname), spec["name"])
    address = spec["nics"][0]["address"].partition("/")[0] if spec["nics"] else ""
    tx.execute(
        "INSERT INTO boots (host, machine, hostname, address, vcpus, memory_mib, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (host, machine, hostname, address, spec["vcpus"], spec["memory_mib"], tx.now),
    )
    tx.execute("UPDATE machines SET booted = 1 WHERE host = ? AND uuid = ?", (host, machine))
