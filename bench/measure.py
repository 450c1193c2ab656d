"""One database's share of a run, in a process of its own inside the host that is measured.

`python -m bench.measure '{"database": "sqlite", "folder": ..., "image": ..., "subnet": ...}'` writes
`result.json` into the folder.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench.samples import Result
from bench.stack import ROOT, Stack
from bootstrap.postgres import PrivatePostgres
from bootstrap.terminal import say

IN_STACK = ("deploy", "batch", "dispatch", "simulated", "sealing")
ALONE = ("placement", "quotas", "directory", "lists", "tenants", "zones", "live", "pages", "authz", "faults")
PARTS = (*IN_STACK, "sync", *ALONE)


@contextlib.contextmanager
def _database(name: str, *, timed: bool = True) -> Iterator[str]:
    """A DATABASE_URL; empty for the embedded one. What is not timed may be lost in a crash."""
    if name == "sqlite":
        yield ""
        return
    with PrivatePostgres(durable=timed) as server:
        yield server.url


def measure(order: dict[str, Any]) -> Result:
    folder, parts = Path(order["folder"]), order["parts"]
    folder.mkdir(parents=True)
    found = Result()
    if set(parts) - set(ALONE):
        with _database(order["database"]) as url:
            stack = Stack(folder / "stack", url)
            stack.prepare()
            stack.join()
            found.absorb(_with_stack(stack, order))
    for part in [part for part in ALONE if part in parts]:
        with _database(order["database"], timed=part not in {"authz", "faults"}) as url:
            stack = Stack(folder / part, url)
            stack.prepare()
            _timed(part, partial(_alone, part, stack), found)
    return found


def _with_stack(stack: Stack, order: dict[str, Any]) -> Result:
    from bench import deploys, dispatch, sealing, simulated, site, syncing

    found, parts = Result(), order["parts"]
    with stack.running():
        subnet = ipaddress.IPv4Network(order["subnet"])
        where = site.build(stack, Path(order["image"]), bridge=order["bridge"], subnet=subnet)
        pattern = where.pattern()
        measured: dict[str, Callable[[], Result]] = {
            "deploy": lambda: deploys.singles(where, pattern),
            "batch": lambda: deploys.batches(where, pattern),
            "dispatch": lambda: dispatch.dispatch(where),
            "simulated": lambda: simulated.simulated(where),
            "sealing": lambda: sealing.sealing(where),
        }
        for part in IN_STACK:
            if part in parts:
                _timed(part, measured[part], found)
    if "sync" in parts:
        _timed("sync", lambda: syncing.sync(where, pattern), found)
    found.absorb(_versions())
    return found


def _timed(part: str, act: Callable[[], Result], found: Result) -> None:
    begun = time.monotonic()
    result = act()
    found.absorb(result)
    figures = ", ".join(f"{key} {value:.4g}" for key, value in result.figures.items())
    say(f"      {part:10} {time.monotonic() - begun:6.1f} s  {figures}")


def _alone(part: str, stack: Stack) -> Result:
    """A part that needs nothing but a database, its own, in a process that has connected to nothing else."""
    out = stack.installation.var / f"{part}.json"
    program = [sys.executable, "-m", "bench.measure", "--alone", part, str(out)]
    subprocess.run(program, cwd=ROOT, env=os.environ | stack.installation.environment(), check=True)
    return Result(**json.loads(out.read_text()))


def _run_alone(part: str, out: Path) -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "cloudportal.settings"
    django.setup()
    figures, samples = importlib.import_module(f"bench.{part}").run()
    out.write_text(json.dumps(asdict(Result(figures, {}, {part: samples}))))


def _versions() -> Result:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version")
        return Result(samples={"versions": {connection.vendor: str(cursor.fetchone()[0])}})


def main(arguments: Sequence[str]) -> None:
    if arguments[0] == "--alone":
        _run_alone(arguments[1], Path(arguments[2]))
        return
    order = json.loads(arguments[0])
    result = measure(order)
    (Path(order["folder"]) / "result.json").write_text(json.dumps(asdict(result)))


if __name__ == "__main__":
    main(sys.argv[1:])
