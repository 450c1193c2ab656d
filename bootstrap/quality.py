"""`make lint` and the test stages: what they run, in which order, with which locks."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.python_env import PythonEnvironment
from bootstrap.terminal import say

TYPED = ("bootstrap", "cloudportal", "apps", "workers", "guest", "bench", "tests")
FAST = "not lab and not browser and not postgres and not long"


def lint(python: PythonEnvironment) -> None:
    """Style, types, layers, migrations and the architecture tests; all of them run, then the verdict."""
    python.ensure(["base", "dev"])
    here = [name for name in TYPED if (python.root / name / "__init__.py").exists()]
    checks: list[tuple[str, list[str | Path], str]] = [
        ("ruff check", [python.program("ruff"), "check", "."], ".venv/bin/ruff check . --fix"),
        ("ruff format", [python.program("ruff"), "format", "--check", "."], ".venv/bin/ruff format ."),
        ("mypy", [python.program("mypy"), *here], ".venv/bin/mypy " + " ".join(here)),
        ("import-linter", [python.program("lint-imports")], ".venv/bin/lint-imports"),
        (
            "migrations",
            [python.python, "manage.py", "makemigrations", "--check", "--dry-run"],
            ".venv/bin/python manage.py makemigrations",
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
        say(f"{'ok' if code == 0 else 'FAILED':6} {name:15} {seconds:5.1f} s")
        if code:
            failed.append((name, repair))
    if failed:
        raise CheckFailed(
            "lint: " + ", ".join(name for name, _ in failed), repair="; ".join(repair for _, repair in failed)
        )


def test_fast(python: PythonEnvironment, arguments: Sequence[str]) -> None:
    """What needs neither root nor a server."""
    python.ensure(["base", "dev"])
    pytest(python, "test-fast", [*parallel(), "-m", FAST, *arguments])


def parallel() -> list[str]:
    return ["-n", str(max(2, os.cpu_count() or 1)), "--dist", "loadfile"]


def pytest(
    python: PythonEnvironment, stage: str, arguments: Sequence[str], env: Mapping[str, str] | None = None
) -> None:
    seconds, code = timed(
        [python.python, "-m", "pytest", *arguments], cwd=python.root, env={**os.environ, **(env or {})}
    )
    say(f"{'ok' if code in (0, 5) else 'FAILED':6} {stage:15} {seconds:5.1f} s")
    if code not in (0, 5):  # 5: no test carries these markers
        raise CheckFailed(
            f"tests failed in stage {stage}",
            repair=f".venv/bin/python -m pytest {' '.join(arguments)}",
        )


def timed(
    argv: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None
) -> tuple[float, int]:
    """Seconds and exit code of a command whose output goes to the terminal."""
    begun = time.monotonic()
    done = subprocess.run([str(part) for part in argv], cwd=cwd, env=env, check=False)
    return time.monotonic() - begun, done.returncode
