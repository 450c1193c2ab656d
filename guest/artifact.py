"""Images that are built once for the same inputs, and appear whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_sources(folders: Iterable[Path], extra: Iterable[str] = ()) -> str:
    """One digest over the names, modes and contents of all files in `folders`, and over `extra`."""
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                executable = os.access(path, os.X_OK)
                total.update(f"{path.relative_to(folder)}\0{executable}\0{digest_of_file(path)}\n".encode())
    for text in extra:
        total.update(f"{text}\0".encode())
    return total.hexdigest()


def _record_path(image: Path) -> Path:
    return image.with_name(image.name + ".json")


def is_current(image: Path, inputs: str) -> bool:
    """Whether `image` is what a build from `inputs` (a digest) left there, unchanged since."""
    try:
        record = json.loads(_record_path(image).read_text())
        return bool(record["inputs"] == inputs and record["sha256"] == digest_of_file(image))
    except (OSError, ValueError, KeyError):
        return False


def publish(built: Path, image: Path, inputs: str) -> None:
    """Put a copy of `built` at `image`, by a rename, and record what it was made from."""
    record = json.dumps({"inputs": inputs, "sha256": digest_of_file(built)}, indent=1)
    image.parent.mkdir(parents=True, exist_ok=True)
    temporary = image.with_name(f".{image.name}.tmp")
    shutil.copyfile(built, temporary)
    temporary.chmod(0o644)
    temporary.replace(image)
    temporary.write_text(record + "\n")
    temporary.replace(_record_path(image))


@contextmanager
def only_builder(cache: Path) -> Iterator[None]:
    """Let one build at a time use `cache`; a second one waits and then finds everything done."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def workspace(cache: Path) -> Iterator[Path]:
    """An empty folder for the one build; what a killed build left there is removed first."""
    work = cache / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
