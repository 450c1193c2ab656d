"""Killing real workers in the middle of real work: how a test finds the moment, and what it checks."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tests.cloud import LabCloud
from tests.stack import Stack

ENVIRONMENT = {
    "CLOUDPORTAL_JOB_LEASE_SECONDS": "1",
    "CLOUDPORTAL_JOB_RETRY_SECONDS": "0.5",
    "CLOUDPORTAL_JOB_RESEND_SECONDS": "3",
    "CLOUDPORTAL_STOP_GRACE_SECONDS": "2",
}
"""Production's clockwork, faster."""
CATCH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A job's row at one look."""

    state: str
    step: str
    midstep: bool
    owned: bool


class Watch:
    """Looks at jobs in the stack's SQLite file directly, a thousand times a second if need be."""

    def __init__(self, stack: Stack) -> None:
        self._path = stack.var / "db.sqlite3"

    def look(self, *jobs: str) -> dict[str, Seen]:
        """Each job as it is now, by the id it was asked for."""
        marks = ",".join("?" * len(jobs))
        query = f"SELECT uuid, state, trail, midstep, lease FROM jobs_job WHERE uuid IN ({marks})"
        with closing(self._open()) as connection:
            rows = connection.execute(query, [job.replace("-", "") for job in jobs]).fetchall()
        found = {}
        for uuid, state, trail, midstep, lease in rows:
            begun = json.loads(trail)
            found[str(UUID(uuid))] = Seen(state, begun[-1] if begun else "", bool(midstep), lease is not None)
        return found

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=10)

    def count(self, query: str) -> int:
        with closing(self._open()) as connection:
            return int(connection.execute(query).fetchone()[0])

    def caught_in(self, job: str, step: str) -> bool:
        """Wait until a worker is inside this step; False if the job ended before we saw it there."""
        return self._caught([job], lambda seen: seen.step == step) is not None

    def caught_inside(self, jobs: Iterable[str]) -> tuple[str, str] | None:
        """Wait until a worker is inside any step of any of these jobs: which, and in which step. None
        if they all ended before."""
        return self._caught(list(jobs), lambda _seen: True)

    def _caught(self, jobs: list[str], wanted: Callable[[Seen], bool]) -> tuple[str, str] | None:
        limit = time.monotonic() + CATCH_SECONDS
        while time.monotonic() < limit:
            looks = self.look(*jobs)
            for job, seen in looks.items():
                if seen.owned and seen.midstep and wanted(seen):
                    return job, seen.step
            if all(seen.state not in {"pending", "waiting"} for seen in looks.values()):
                return None
            time.sleep(0.0005)
        raise AssertionError(f"nobody came there within {CATCH_SECONDS:g} s: {looks}")


def kill(stack: Stack, name: str, *, children_only: bool = False) -> None:
    """SIGKILL a worker with all its processes and start it again; or only the processes that do the
    work, whose parent then makes new ones by itself."""
    if not children_only:
        stack.end(name, signal.SIGKILL)
        stack.revive(name)
        return
    parent = stack.workers[name].pid
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        try:
            os.kill(int(child), signal.SIGKILL)
        except ProcessLookupError:
            continue


def audit(cloud: LabCloud, *, running: int) -> None:
    """Rows, counts and hosts agree, and no job holds anything."""
    stack = cloud.stack
    recount = stack.manage("recount")
    assert recount.strip() == "0 drifted", recount
    watch = Watch(stack)
    assert watch.count("SELECT count(*) FROM jobs_joblock") == 0
    assert watch.count("SELECT count(*) FROM jobs_jobslot WHERE job_id IS NOT NULL") == 0
    vms = stack.get("virtual-machines/?limit=100")["results"]
    assert sum(vm["state"] == "Running" for vm in vms) == running, [vm["state"] for vm in vms]
    found = machines(cloud)
    wanted = {vm["id"]: "running" for vm in vms if vm["state"] == "Running"}
    assert found == wanted, f"{found} on the hosts, wanted {wanted}"
    overhead = 64
    taken = sum(host["allocated_memory_mib"] for host in stack.get("hosts/")["results"])
    assert taken == running * (cloud.offering["memory_mib"] + overhead)
    taken = sum(host["allocated_vcpus"] for host in stack.get("hosts/")["results"])
    assert taken == running * cloud.offering["vcpus"]
    kept = {path.name.partition(".")[0] for path in (cloud.storage / "primary").iterdir() if path.is_file()}
    assert {name for name in kept if name.startswith("seed-")} == {f"seed-{vm['id']}" for vm in vms}
    assert len([name for name in kept if name.startswith("vol-")]) == len(vms)


def machines(cloud: LabCloud) -> dict[str, str]:
    """Uuid -> state of every machine that any of the lab's hosts knows."""
    found: dict[str, str] = {}
    for host in cloud.lab.hosts:
        virsh = ["virsh", "--quiet", "--connect", "qemu:///system"]
        for uuid in host.run([*virsh, "list", "--all", "--uuid"]).stdout.split():
            assert uuid not in found, f"{uuid} is on two hosts"
            found[uuid] = host.run([*virsh, "domstate", uuid]).stdout.strip()
    return found
