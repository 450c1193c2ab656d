"""Debian packages, downloaded and unpacked into a cache and never installed.

Versions are those the machine's own apt knows on the first build; the cache keeps them, so that
the same cache gives the same image. Remove the cache to take newer ones.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from guest.artifact import digest_of_file
from guest.run import BuildFailed, Log, run

_FOLLOWED = re.compile(r"z?lib[a-z0-9]|linux-image-")
"""Dependencies that are fetched along: shared libraries, and the kernel behind its meta package."""


def read_list(path: Path) -> dict[str, str]:
    """The packages of a list file with their reasons: one "name  # reason" a line."""
    entries = (line.partition("#") for line in path.read_text().splitlines() if line.strip())
    return {name.strip(): reason.strip() for name, _, reason in entries if name.strip()}


class PackageCache:
    """Unpacked packages under `root`, and which files they came from."""

    def __init__(self, root: Path, log: Log) -> None:
        self.root = root
        self.log = log
        self._files: dict[str, str] = {}

    def fetch(self, wanted: Iterable[str]) -> None:
        """See that every package of `wanted`, and what it is linked against, is unpacked."""
        names = sorted(wanted)
        manifest = self.root / "packages.json"
        self._files = self._known(manifest, names)
        if not self._files:
            packages = _closure(names)
            self.log(f"downloading {len(packages)} Debian packages (never installed)")
            self._files = self._download(packages)
            record = json.dumps({"wanted": names, "files": self._files}, indent=1)
            temporary = manifest.with_suffix(".tmp")
            temporary.write_text(record + "\n")
            temporary.replace(manifest)
        for file in self._files:
            self._unpack(file)

    def digest_inputs(self) -> list[str]:
        """What the packages add to the digest of an image's inputs."""
        return [f"{file} {sha256}" for file, sha256 in sorted(self._files.items())]

    def folders(self) -> list[Path]:
        return [self._folder(file) for file in sorted(self._files)]

    def find(self, pattern: str) -> Path:
        """The one file that matches `pattern` (as in `Path.glob`) in any package."""
        for folder in self.folders():
            for path in sorted(folder.glob(pattern)):
                return path
        raise BuildFailed(f"no Debian package in the list holds {pattern}; remove {self.root} and try again")

    def _known(self, manifest: Path, names: list[str]) -> dict[str, str]:
        try:
            record = json.loads(manifest.read_text())
            files: dict[str, str] = record["files"]
            whole = all(digest_of_file(self.root / file) == sha256 for file, sha256 in files.items())
        except (OSError, ValueError, KeyError):
            return {}
        return files if record["wanted"] == names and whole else {}

    def _download(self, packages: Mapping[str, str]) -> dict[str, str]:
        files = {}
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            # Without its own user for downloads: it could not write into a private folder.
            sandbox = ["-o", "APT::Sandbox::User="]
            run(["apt-get", "-q", *sandbox, "download", *sorted(packages)], cwd=Path(folder))
            for deb in sorted(Path(folder).glob("*.deb")):
                sha256 = digest_of_file(deb)
                if packages[deb.name.split("_")[0]] != sha256:
                    raise BuildFailed(
                        f"{deb.name} is not what apt announced; try again after: apt-get update"
                    )
                deb.replace(self.root / deb.name)
                files[deb.name] = sha256
        return files

    def _folder(self, file: str) -> Path:
        return self.root / "unpacked" / file.removesuffix(".deb")

    def _unpack(self, file: str) -> None:
        folder = self._folder(file)
        if folder.is_dir():
            return
        temporary = folder.with_name(folder.name + ".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        run(["dpkg-deb", "-x", self.root / file, temporary])
        temporary.replace(folder)


def _closure(names: Iterable[str]) -> dict[str, str]:
    """Package name -> SHA-256, of `names` and of everything they follow."""
    known: dict[str, str] = {}
    todo = set(names)
    while todo:
        for paragraph in _show(sorted(todo)):
            known[paragraph["Package"]] = paragraph["SHA256"]
            depends = f"{paragraph.get('Pre-Depends', '')},{paragraph.get('Depends', '')}"
            first_choices = (entry.split("|")[0].split() for entry in depends.split(","))
            todo |= {words[0].split(":")[0] for words in first_choices if words and _FOLLOWED.match(words[0])}
        todo -= known.keys()
    return known


def _show(names: list[str]) -> list[dict[str, str]]:
    try:
        text = run(["apt-cache", "show", "--no-all-versions", *names])
    except BuildFailed as error:
        raise BuildFailed(f"{error}\nIf apt has no package lists yet, run: apt-get update") from error
    paragraphs = []
    for block in text.strip().split("\n\n"):
        rows = [row.split(":", 1) for row in block.splitlines() if ":" in row and not row.startswith(" ")]
        paragraphs.append({key: value.strip() for key, value in rows})
    missing = set(names) - {paragraph["Package"] for paragraph in paragraphs}
    if missing:
        raise BuildFailed(f"apt does not know {', '.join(sorted(missing))}; try: apt-get update")
    return paragraphs
