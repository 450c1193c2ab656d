"""The commands behind the Makefile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bootstrap import quality
from bootstrap.failures import CheckFailed
from bootstrap.python_env import PythonEnvironment
from bootstrap.terminal import report, say

ROOT = Path(__file__).resolve().parent.parent


def _python() -> PythonEnvironment:
    return PythonEnvironment(ROOT, ROOT / "var" / "log" / "install.log")


def _lint(_: Sequence[str]) -> None:
    quality.lint(_python())


def _test_fast(arguments: Sequence[str]) -> None:
    quality.test_fast(_python(), arguments)


COMMANDS: dict[str, tuple[Callable[[Sequence[str]], None], str]] = {
    "lint": (_lint, "style, types, layers, migrations, architecture"),
    "test-fast": (_test_fast, "the tests that need neither root nor a server"),
}


def main(arguments: Sequence[str]) -> int:
    """Run one command. Exit codes: 0 done, 1 a check failed, 2 no such command."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if name == "help":
        for command, (_, purpose) in COMMANDS.items():
            say(f"make {command:10} {purpose}")
        return 0
    if name not in COMMANDS:
        say(f"No such command: {name}. Type: make help")
        return 2
    try:
        COMMANDS[name][0](rest)
    except CheckFailed as failure:
        report(failure)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return 0
