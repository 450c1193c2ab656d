"""What a run leaves behind: bench.json for programs, bench-detail.json for whoever doubts it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.bars import combine, missed
from bench.floors import FLOORS, exceeded
from bench.samples import Result

PROGRAMS = ("libvirtd", "qemu-system-x86_64", "virt-clone")
PACKAGES = ("django", "djangorestframework", "celery", "redis", "uvicorn", "psycopg", "libvirt-python")


class Report:
    """The results of the databases that were measured, by name."""

    def __init__(self, results: Mapping[str, Result], *, seconds: float, machine: Mapping[str, Any]) -> None:
        self._results, self._seconds, self._machine = results, seconds, machine
        self.figures = combine(result.figures for result in results.values())

    def complaints(self) -> list[str]:
        """Why the run does not count, or what it failed to reach; empty if all is well."""
        lines = missed(self.figures)
        for database, result in self._results.items():
            lines += [f"floor on {database}: {line}" for line in exceeded(result.floors)]
        return lines

    def write_figures(self, folder: Path) -> None:
        _write(folder / "bench.json", self.figures)

    def write_detail(self, folder: Path) -> None:
        detail = {
            "seconds": round(self._seconds, 1),
            "machine": self._machine,
            "lab_floors_seconds": FLOORS,
            "complaints": self.complaints(),
            "databases": {
                name: {"figures": result.figures, "floors_seconds": result.floors, "samples": result.samples}
                for name, result in self._results.items()
            },
        }
        _write(folder / "bench-detail.json", detail)


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(path)


def machine(programs: Sequence[str] = PROGRAMS) -> dict[str, Any]:
    """This machine and its programs, as they are before the run."""
    names = [line.partition(":")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next(line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "cpu": names[0].strip() if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory_mib": int(memory) // 1024,
        "load_before": os.getloadavg(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: _package_version(name) for name in PACKAGES},
        "programs": {name: _version(name) for name in programs},
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _package_version(name: str) -> str | None:
    """None where it is absent: tests without hosts go without libvirt's binding."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]
