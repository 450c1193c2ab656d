"""`make test`, `make test-long`, `make bench`: what they install, what they start, the stages they run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from bootstrap import debian, quality
from bootstrap.assets import Assets
from bootstrap.failures import CheckFailed
from bootstrap.postgres import PrivatePostgres
from bootstrap.python_env import PythonEnvironment
from bootstrap.terminal import say

LISTS = ["host", "guest", "lab", "directory", "test"]
LOCKS = ["base", "redis", "kvm", "ldap", "docs", "dev"]
ON_POSTGRES = "(postgres or databases) and not (lab or browser or faults or long)"
GROUPED = ["-n", "2", "--dist=loadgroup"]
"""One process has the lab's hosts, the other what needs none of them."""
FAULTS = "faults and not (lab or long)"


def install_packages(root: Path, log: Path, names: Sequence[str]) -> None:
    """Install what is missing of these lists; none of it is started as a service of the machine."""
    missing = debian.missing(debian.lists(root, names))
    if missing:
        say(f"Installing {len(missing)} Debian packages")
        debian.install(missing, log, start_services=False)


def prepare(python: PythonEnvironment, *more: str) -> None:
    """Everything that tests need, and the packages of `more` lists."""
    install_packages(python.root, python.log, [*LISTS, *more])
    say("Python packages and front-end files")
    python.ensure(LOCKS)
    Assets(python, python.root / "var" / "cache").ensure()


def test(python: PythonEnvironment, arguments: Sequence[str], *, long: bool) -> None:
    """Every stage runs, whatever the one before it said; then the verdict."""
    begun = time.monotonic()
    prepare(python)
    say(f"Ready after {time.monotonic() - begun:.0f} s")
    failed = []
    with PrivatePostgres() as postgres:
        for stage, options, on_postgres in _stages(long=long):
            environment = {"DATABASE_URL": postgres.url} if on_postgres else {}
            try:
                limit = None if long else quality.STAGE_SECONDS
                quality.pytest(python, stage, options, arguments, environment, limit=limit)
            except CheckFailed as failure:
                failed.append(failure)
    say(f"Tests took {time.monotonic() - begun:.0f} s")
    if failed:
        raise CheckFailed(
            "; ".join(failure.what for failure in failed),
            repair=failed[0].repair,
        )


def _stages(*, long: bool) -> list[tuple[str, list[str], bool]]:
    """Name, pytest's options, and whether it runs on PostgreSQL."""
    if long:
        return [("long", ["-m", "long"], False)]
    spread = quality.parallel()
    return [
        ("SQLite", [*spread, "-m", quality.FAST], False),
        ("PostgreSQL", [*spread, "-m", ON_POSTGRES], True),
        ("hosts", [*GROUPED, "-m", "(lab or browser) and not long"], False),
        ("faults", [*spread, "-m", FAULTS], False),
        ("faults on PostgreSQL", [*spread, "-m", f"{FAULTS} and databases"], True),
    ]


def bench(python: PythonEnvironment, arguments: Sequence[str]) -> None:
    """The measurements start the servers they need themselves."""
    prepare(python, "bench")
    Assets(python, python.root / "var" / "cache").install(python.root / "bench" / "lighthouse")
    if quality.timed([python.python, "-m", "bench", *arguments], cwd=python.root)[1]:
        raise CheckFailed("the measurements did not end well", repair=".venv/bin/python -m bench")
