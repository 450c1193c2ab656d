"""The commands behind the Makefile."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bootstrap import quality, stopping, testing, up
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation
from bootstrap.privileges import become_root, give_back
from bootstrap.python_env import PythonEnvironment
from bootstrap.terminal import report, say

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("CLOUDPORTAL_VAR") or ROOT / "var").resolve()
Arguments = Sequence[str]


def _python() -> PythonEnvironment:
    return PythonEnvironment(ROOT, ROOT / "var" / "cache" / "install.log")


def _installations() -> list[Installation]:
    """Those that exist: the demo, which lies inside var/, before the one on real hosts. Becomes root
    where one is root's."""
    if any(Installation.is_anothers(var) for var in (VAR / "demo", VAR)):
        become_root()
    return [found for var in (VAR / "demo", VAR) if (found := Installation(ROOT, var)).exists]


def _up(_: Arguments) -> None:
    up.up(ROOT, VAR)


def _demo(_: Arguments) -> None:
    up.demo(ROOT, VAR / "demo")


def _down(_: Arguments) -> None:
    purge = os.environ.get("PURGE") == "1"
    found = _installations()
    if any(installation.memory.kind == "kvm" for installation in found):
        become_root()
    stopping.down(found, purge=purge)
    if (
        purge and VAR == ROOT / "var" and VAR.exists()
    ):  # another folder held an installation, or nothing of ours
        if (VAR / "lab" / "lab.json").exists():
            _lab(["down"])
        try:
            shutil.rmtree(VAR)
        except PermissionError as error:
            raise CheckFailed(f"not removed: {error}", repair="sudo PURGE=1 make down") from error


def _status(_: Arguments) -> None:
    stopping.status(_installations())


def _logs(_: Arguments) -> None:
    stopping.logs(_installations())


def _login(_: Arguments) -> None:
    up.login(_installations())


def _lab(arguments: Arguments) -> None:
    become_root()
    python = _python()
    testing.install_packages(ROOT, python.log, ["host", "lab"])
    python.ensure(["base", "kvm", "dev"])
    code = quality.timed([python.python, "-m", "tests.lab", *(arguments or ["up"])], cwd=ROOT)[1]
    if code:
        raise CheckFailed("the lab is not as asked", repair=".venv/bin/python -m tests.lab down && make lab")


def _lint(_: Arguments) -> None:
    quality.lint(_python())


def _test(arguments: Arguments) -> None:
    become_root()
    testing.test(_python(), arguments, long=False)


def _test_fast(arguments: Arguments) -> None:
    quality.test_fast(_python(), arguments)


def _test_long(arguments: Arguments) -> None:
    become_root()
    testing.test(_python(), arguments, long=True)


def _bench(arguments: Arguments) -> None:
    become_root()
    testing.bench(_python(), arguments)


COMMANDS: dict[str, tuple[Callable[[Arguments], None], str]] = {
    "up": (_up, "install what is missing, start the portal, boot a machine on this one (root)"),
    "demo": (_demo, "the same portal on simulated hosts, with a campus in it (no root)"),
    "login": (_login, "a fresh one-time login link"),
    "status": (_status, "what runs, and what is amiss"),
    "logs": (_logs, "the end of every log; FOLLOW=1 to follow them"),
    "down": (_down, "stop it; PURGE=1 also removes var/, the bridge and the machines"),
    "lint": (_lint, "style, types, layers, migrations, translations, architecture"),
    "test-fast": (_test_fast, "the tests that need neither root nor a server"),
    "test": (_test, "all tests but the long ones, with the servers and hosts they need (root)"),
    "test-long": (_test_long, "the long tests: real kills, long fuzzing (root)"),
    "bench": (_bench, "measure, into var/bench.json (root)"),
    "lab": (_lab, "KVM test hosts on this machine; ARGS=down takes them away (root)"),
}


def main(arguments: Arguments) -> int:
    """Run one command. Exit codes: 0 done, 1 a check failed, 2 no such command, 130 interrupted."""
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
    finally:
        give_back(ROOT)
    return 0
