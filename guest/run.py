"""Commands that a builder calls on the machine it runs on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Log = Callable[[str], None]

_SYSTEM_PATHS = ("/usr/sbin", "/sbin")
_PACKAGES = {
    "apt-cache": "apt",
    "apt-get": "apt",
    "apt-config": "apt",
    "dpkg-deb": "dpkg",
    "debugfs": "e2fsprogs",
    "mke2fs": "e2fsprogs",
    "perl": "perl",
    "qemu-img": "qemu-utils",
}


class BuildFailed(Exception):
    """The image could not be built. The text says why and, where there is one, names the remedy."""


def find_tool(name: str) -> str:
    """The path of a program; looks where Debian hides it from ordinary users too."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_PATHS])
    path = shutil.which(name, path=search)
    if path is None:
        raise BuildFailed(f"{name} is missing; install it with: apt-get install {_PACKAGES.get(name, name)}")
    return path


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> str:
    """Run to the end and return what it printed; the program is looked up by `find_tool`."""
    program, *rest = (str(word) for word in argv)
    command = [program if "/" in program else find_tool(program), *rest]
    done = subprocess.run(
        command,
        cwd=cwd,
        input=stdin,
        env={**os.environ, "LC_ALL": "C", **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise BuildFailed(f"{program} ended with exit code {done.returncode}: {said}")
    return done.stdout
