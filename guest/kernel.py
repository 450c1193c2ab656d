"""A Debian kernel's modules, in an order in which each finds what it depends on already loaded."""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable
from pathlib import Path

from guest.run import BuildFailed


class KernelModules:
    """The modules below one unpacked kernel package, and the names built into the kernel."""

    def __init__(self, folder: Path) -> None:
        self._files = {_name(path.name): path for path in folder.rglob("*.ko*") if path.is_file()}
        builtin = next(folder.rglob("modules.builtin"), None)
        if builtin is None:
            raise BuildFailed(f"{folder} holds no kernel modules")
        self._builtin = {_name(Path(row).name) for row in builtin.read_text().splitlines()}

    def read(self, name: str) -> bytes:
        path = self._files[_name(name)]
        data = path.read_bytes()
        return lzma.decompress(data) if path.suffix == ".xz" else data

    def load_order(self, names: Iterable[str]) -> list[str]:
        """`names` and all they depend on, dependencies first; what is built in is left out."""
        order: list[str] = []

        def visit(name: str) -> None:
            if name in order or name in self._builtin:
                return
            if name not in self._files:
                raise BuildFailed(f"the kernel has no module {name}")
            for dependency in _dependencies(self.read(name)):
                visit(dependency)
            order.append(name)

        for name in names:
            visit(_name(name))
        return order


def _name(file_or_name: str) -> str:
    return file_or_name.partition(".ko")[0].replace("-", "_")


def _dependencies(module: bytes) -> list[str]:
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [_name(name) for name in found[1].decode().split(",") if name] if found else []
