"""Steps that bring software: Debian packages, Python packages, front-end files."""

from __future__ import annotations

from collections.abc import Sequence

from bootstrap import debian
from bootstrap.context import Context
from bootstrap.failures import CheckFailed
from bootstrap.steps import Step
from bootstrap.terminal import succeeds


class DebianPackages(Step):
    key = "packages"
    title = "Debian packages"

    def __init__(self, context: Context, names: Sequence[str]) -> None:
        self._log = context.installation.log / "install.log"
        self._packages = debian.lists(context.installation.root, names)

    def needed(self) -> str | None:
        missing = debian.missing(self._packages)
        return f"install {len(missing)} of {len(self._packages)}" if missing else None

    def do(self) -> None:
        debian.install(debian.missing(self._packages), self._log)

    def prove(self) -> str:
        if missing := [package.name for package in debian.missing(self._packages)]:
            raise CheckFailed(
                f"packages are missing: {', '.join(missing)}",
                repair=f"apt-get install --yes --no-install-recommends {' '.join(missing)}",
            )
        return f"{len(self._packages)} installed"


class PythonPackages(Step):
    key = "python"
    title = "Python packages"

    def __init__(self, context: Context, locks: Sequence[str]) -> None:
        self._python = context.python
        self._locks = list(locks)

    def needed(self) -> str | None:
        missing = self._python.missing(self._locks)
        return f"install from the lock files {', '.join(missing)}" if missing else None

    def do(self) -> None:
        self._python.ensure(self._locks)

    def prove(self) -> str:
        modules = "django, celery, uvicorn" + (", libvirt" if "kvm" in self._locks else "")
        if not succeeds([self._python.python, "-c", f"import {modules}"]):
            raise CheckFailed(
                f"{self._python.path} is damaged: {modules} cannot be imported",
                repair=f"rm -r {self._python.path}, then repeat the command",
            )
        return f"locks {', '.join(self._locks)}"


class FrontEndFiles(Step):
    key = "assets"
    title = "Front-end files"

    def __init__(self, context: Context) -> None:
        self._assets = context.assets

    def needed(self) -> str | None:
        return "npm ci, and keep what we serve" if self._assets.missing() else None

    def do(self) -> None:
        self._assets.ensure()

    def prove(self) -> str:
        if self._assets.missing():
            raise CheckFailed("front-end files are missing", repair=f"npm ci --prefix {self._assets.root}")
        return "static/vendor"
