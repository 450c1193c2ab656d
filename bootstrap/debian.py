"""Debian packages: the lists in packages/, what of them is missing, and how it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.terminal import run, say, succeeds

LOCK_SECONDS = 600
POLICY = Path("/usr/sbin/policy-rc.d")
STARTS_NOTHING = "#!/bin/sh\nexit 101\n"
"""What invoke-rc.d asks before it starts a service; 101 forbids it."""


@dataclass(frozen=True, slots=True)
class Package:
    name: str
    reason: str


def read_list(path: Path) -> list[Package]:
    """The packages of one list: `name  # reason` a line. A line without a reason is an error."""
    packages = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, reason = line.partition("#")
        if not reason.strip():
            raise CheckFailed(f"{path}:{number}: {name.strip()} has no reason", repair=f"edit {path}")
        packages.append(Package(name.strip(), reason.strip()))
    return packages


def lists(root: Path, names: Sequence[str]) -> list[Package]:
    """The union of several lists, each package once. Where this machine becomes a host, its workers
    drive it from here and need theirs; the distribution's Python brings its own list."""
    if "host" in names:
        names = [*names, "workers"]
    if sys.base_prefix == "/usr":
        names = [*names, "python"]
    found: dict[str, Package] = {}
    for name in names:
        for package in read_list(root / "packages" / f"{name}.txt"):
            found.setdefault(package.name, package)
    return list(found.values())


def missing(packages: Sequence[Package]) -> list[Package]:
    """Those that dpkg does not have as installed."""
    if shutil.which("dpkg-query") is None:
        raise CheckFailed(
            "this is not a Debian or Ubuntu machine, and the lists in packages/ name Debian packages",
            repair="make demo  (needs no packages)",
        )
    asked = subprocess.run(
        [
            "dpkg-query",
            "--show",
            "--showformat=${Package} ${db:Status-Status}\n",
            *(p.name for p in packages),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    installed = {line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package.name not in installed]


def install(packages: Sequence[Package], log: Path, *, start_services: bool = True) -> None:
    """Install what is given, waiting for another apt to end. `start_services=False` brings programs
    without starting what they start by habit (a database server of the machine, for example)."""
    if not packages:
        return
    for package in packages:
        say(f"      {package.name}: {package.reason}")
    names = [package.name for package in packages]
    repair = "apt-get update && apt-get install --yes --no-install-recommends " + " ".join(names)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", "--yes", "--quiet"]
    with _services(start_services):
        if not succeeds([*apt, "install", "--simulate", "--no-install-recommends", *names], env=environment):
            run([*apt, "update"], what="reading package lists", repair=repair, log=log, env=environment)
        fetch = [*apt, "install", "--no-install-recommends", *names]
        try:
            run(fetch, what="installing Debian packages", repair=repair, log=log, env=environment)
        except CheckFailed:
            say("      once more, with fresh package lists")
            run([*apt, "update"], what="reading package lists", repair=repair, log=log, env=environment)
            run(fetch, what="installing Debian packages", repair=repair, log=log, env=environment)


@contextmanager
def _services(start: bool) -> Iterator[None]:
    if start or POLICY.exists():
        yield
        return
    POLICY.write_text(STARTS_NOTHING)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
