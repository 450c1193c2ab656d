"""`make test`, `make test-long`, `make bench`: what they install, what they start, the stages they run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from bootstrap import debian, quality
from bootstrap.assets import Assets
from bootstrap.failures import CheckFailed
from bootstrap.postgres import PrivatePostgres
from bootstrap.python_env import PythonEnvironment
from bootstrap.redis import PrivateRedis
from bootstrap.terminal import say

LISTS = ["host", "guest", "lab", "test"]
LOCKS = ["base", "redis", "kvm", "dev"]
ON_POSTGRES = "(postgres or databases) and not lab and not browser and not long"


def install_packages(root: Path, log: Path, names: Sequence[str]) -> None:
    """Install what is missing of these lists; none of it is started as a service of the machine."""
    missing = debian.missing(debian.lists(root, names))
    if missing:
        say(f"Installing {len(missing)} Debian packages")
        debian.install(missing, log, start_services=False)


def prepare(python: PythonEnvironment) -> None:
    install_packages(python.root, python.log, LISTS)
    say("Python packages and front-end files")
    python.ensure(LOCKS)
    Assets(python, python.root / "var" / "cache").ensure()


def test(python: PythonEnvironment, arguments: Sequence[str], *, long: bool) -> None:
    """Every stage runs, whatever the one before it said; then the verdict."""
    begun = time.monotonic()
    prepare(python)
    say(f"Ready after {time.monotonic() - begun:.0f} s")
    failed = []
    with PrivatePostgres() as postgres, PrivateRedis(python) as redis:
        environment = {
            "TEST_DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "CHROMIUM": shutil.which("chromium") or "",
        }
        for stage, options, extra in _stages(postgres, long=long):
            try:
                quality.pytest(python, stage, [*options, *arguments], {**environment, **extra})
            except CheckFailed as failure:
                failed.append(failure)
    say(f"Tests took {time.monotonic() - begun:.0f} s")
    if failed:
        raise CheckFailed(
            "; ".join(failure.what for failure in failed),
            repair=f"{' '.join(failure.repair for failure in failed[:1])}",
        )


def _stages(postgres: PrivatePostgres, *, long: bool) -> list[tuple[str, list[str], dict[str, str]]]:
    """Name, pytest's options, and what is added to the environment."""
    on_postgres = {"DATABASE_URL": postgres.url}
    if long:
        return [
            ("long", ["-m", "long and not postgres"], {}),
            ("long-postgres", ["-m", "long and postgres"], on_postgres),
        ]
    spread = quality.parallel()
    return [
        ("sqlite", [*spread, "-m", quality.FAST], {}),
        ("postgres", [*spread, "-m", ON_POSTGRES], on_postgres),
        ("hosts", ["-m", "(lab or browser) and not long"], {}),
    ]


def bench(python: PythonEnvironment, arguments: Sequence[str]) -> None:
    prepare(python)
    with PrivatePostgres(durable=True) as postgres:
        code = quality.timed(
            [python.python, "-m", "bench", *arguments],
            cwd=python.root,
            env=quality.with_environment({"TEST_DATABASE_URL": postgres.url}),
        )[1]
    if code:
        raise CheckFailed("the measurements did not end well", repair=".venv/bin/python -m bench")
