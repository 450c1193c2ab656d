"""Secondary storage in memory: what `workers.images` does, without files or processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workers.drivers.errors import ObjectMissing
from workers.drivers.storage.inspect import ImageFacts


class Files:
    """Names of files, and digests under way, which take two looks."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._digests: dict[str, int] = {}
        self.opened: set[str] = set()  # folders that were looked at, which leaves nothing behind

    def put(self, path: str) -> None:
        self._names.add(path)

    def names(self) -> frozenset[str]:
        return frozenset(self._names) | {f"digest {task}" for task in self._digests}

    def save(self) -> tuple[set[str], dict[str, int]]:
        return set(self._names), dict(self._digests)

    def load(self, saved: tuple[set[str], dict[str, int]]) -> None:
        self._names, self._digests = set(saved[0]), dict(saved[1])
        self.opened = set()

    def inspect(self, path: Path, **_limits: Any) -> ImageFacts:
        self._need(path)
        return ImageFacts("qcow2", virtual_size_bytes=2**30, file_size_bytes=1000)

    def digest(self, task_id: str, path: Path) -> str | None:
        self._need(path)
        self._digests[task_id] = self._digests.get(task_id, 0) + 1
        return "ab" * 32 if self._digests[task_id] > 1 else None

    def cancel_digest(self, task_id: str) -> bool:
        self._digests.pop(task_id, None)
        return True

    def store(self, incoming: Path, final: Path) -> None:
        if str(incoming) in self._names:
            self._names.discard(str(incoming))
            self._names.add(str(final))
        else:
            self._need(final)

    def remove(self, path: Path) -> None:
        self._names.discard(str(path))

    def open_folder(self, folder: Path, _mount: object) -> None:
        self.opened.add(str(folder))

    def _need(self, path: Path) -> None:
        if str(path) not in self._names:
            raise ObjectMissing(f"{path.name} was not uploaded, or was removed")
