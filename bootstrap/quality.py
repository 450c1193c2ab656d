"""`make lint`, `make test-fast`, and how pytest is called."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.python_env import PythonEnvironment
from bootstrap.terminal import say

TYPED = ("bootstrap", "cloudportal", "apps", "workers", "handbook", "guest", "bench", "tests")
FAST = "not lab and not browser and not postgres and not faults and not long"
NO_TEST_CHOSEN = 5
STAGE_SECONDS = 40 * 60.0
"""More than any stage takes on a slow machine: pytest's own limit does not hold for what clears up after
a test that failed."""
END_SECONDS = 120.0
"""How long a command that ran out of time may take to say where it stood and to clear up."""


def lint(python: PythonEnvironment) -> None:
    """Style, types, layers, migrations, translations and the architecture tests; all of them run, then
    the verdict."""
    python.ensure(["base", "docs", "dev"])
    here = [name for name in TYPED if (python.root / name / "__init__.py").exists()]
    program = python.program
    checks: list[tuple[str, list[str | Path], str]] = [
        ("ruff check", [program("ruff"), "check", "."], ".venv/bin/ruff check . --fix"),
        ("ruff format", [program("ruff"), "format", "--check", "."], ".venv/bin/ruff format ."),
        ("mypy", [program("mypy"), *here], f".venv/bin/mypy {' '.join(here)}"),
        ("import-linter", [program("lint-imports")], ".venv/bin/lint-imports"),
        (
            "migrations",
            [python.python, "manage.py", "makemigrations", "--check", "--dry-run"],
            ".venv/bin/python manage.py makemigrations",
        ),
        (
            "messages",
            [python.python, "manage.py", "messages", "--check"],
            ".venv/bin/python manage.py messages, then translate what it left empty in locale/",
        ),
        (
            "architecture",
            [python.python, "-m", "pytest", "tests/architecture"],
            ".venv/bin/python -m pytest tests/architecture",
        ),
    ]
    failed = []
    for name, argv, repair in checks:
        seconds, code = timed(argv, cwd=python.root)
        _verdict(name, seconds, good=code == 0)
        if code:
            failed.append((name, repair))
    if failed:
        names = ", ".join(name for name, _ in failed)
        raise CheckFailed(f"lint: {names}", repair="; ".join(repair for _, repair in failed))


def test_fast(python: PythonEnvironment, arguments: Sequence[str]) -> None:
    """What needs neither root nor a server, less the fault matrix: it alone takes as long as the rest."""
    python.ensure(["base", "docs", "dev"])
    pytest(
        python,
        "test-fast",
        [*parallel(), "--ignore=tests/faults", "-m", f"{FAST} and not servers"],
        arguments,
        {},
    )


def parallel() -> list[str]:
    """pytest's options for all cores: a core that has nothing left takes from another."""
    return ["-n", str(max(2, os.cpu_count() or 1)), "--dist=worksteal"]


def pytest(
    python: PythonEnvironment,
    stage: str,
    options: Sequence[str],
    arguments: Sequence[str],
    extra: Mapping[str, str],
    *,
    limit: float | None = STAGE_SECONDS,
) -> None:
    """Run one stage. `arguments` are the caller's own, who may have asked for tests of another stage;
    without them a stage that holds no test is a fault. So is one that takes longer than `limit` seconds."""
    options = [*options, *arguments]
    argv: list[str | Path] = [python.python, "-m", "pytest", *options]
    kept = {"PYTHONDONTWRITEBYTECODE": ""}  # else each process of each stage rewrites every assertion anew
    seconds, code = timed(argv, cwd=python.root, env=with_environment({**kept, **extra}), limit=limit)
    good = code == 0 or (code == NO_TEST_CHOSEN and bool(arguments))
    _verdict(stage, seconds, good=good)
    if not good:
        command = " ".join(f'"{option}"' if " " in option else option for option in options)
        raise CheckFailed(f"tests failed in stage {stage}", repair=f".venv/bin/python -m pytest {command}")


def with_environment(extra: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **extra}


def timed(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    limit: float | None = None,
) -> tuple[float, int]:
    """Seconds and exit code of a command whose output goes to the terminal. After `limit` seconds it is
    asked to end, and killed if it does not; its code is never 0 then."""
    begun = time.monotonic()
    with subprocess.Popen([str(part) for part in argv], cwd=cwd, env=env) as process:
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            say(f"Not at its end after {limit:.0f} s: ended")
            process.terminate()
            try:
                code = process.wait(END_SECONDS) or 1
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
    return time.monotonic() - begun, code


def _verdict(name: str, seconds: float, *, good: bool) -> None:
    say(f"{'ok' if good else 'FAILED':6} {name:20} {seconds:6.1f} s")
