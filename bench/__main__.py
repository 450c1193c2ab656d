"""Runs all parts on both databases, each inside a KVM host of its own making; see `bench.bars`.

A run of less than everything (`--databases`, `--parts`) prints its figures and writes no bench.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import report
from bench.bars import BARS
from bench.measure import PARTS
from bench.samples import Result
from bench.stack import ROOT
from bootstrap.cli import VAR
from bootstrap.terminal import say
from guest.tiny import build
from tests.lab import Lab, LabHost

DATABASES = ("sqlite", "postgresql")


def _inside(host: LabHost, argv: Sequence[str]) -> None:
    """Run a command in the host's namespaces, its output to ours: everything it starts ends with the
    host, and to it the host is the machine that it runs on."""
    spaces = ["nsenter", "--target", str(host.init_pid()), "--net", "--mount", "--uts", "--pid"]
    subprocess.run([*spaces, f"--wd={ROOT}", "--", *argv], check=True)


def _measure(lab: Lab, database: str, parts: Sequence[str], image: Path) -> Result:
    folder = lab.shared / database
    order = {
        "database": database,
        "folder": str(folder),
        "image": str(image),
        "parts": list(parts),
        "bridge": lab.guest_bridge,
        "subnet": str(lab.guest_network),
    }
    _inside(lab.hosts[0], [sys.executable, "-m", "bench.measure", json.dumps(order)])
    return Result(**json.loads((folder / "result.json").read_text()))


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--detail", type=Path, help="folder for the raw samples of an incomplete run")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """0 if every bar is held, 1 if one is missed or a floor is too high."""
    chosen = _arguments(given)
    whole = set(chosen.databases) == set(DATABASES) and set(chosen.parts) == set(PARTS)
    begun, machine = time.monotonic(), report.machine()
    image = build(ROOT / "var" / "cache" / "tiny.qcow2", ROOT / "var" / "cache" / "guest", say)
    results: dict[str, Result] = {}
    root = Path(tempfile.mkdtemp(prefix="cpbench-"))
    try:
        for database in chosen.databases:
            say(f"{database}")
            with Lab(root / "lab", 1) as lab:
                results[database] = _measure(lab, database, chosen.parts, image)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    found = report.Report(results, seconds=time.monotonic() - begun, machine=machine)
    for bar in BARS:
        if bar.key in found.figures:
            say(f"{bar.key:28} {found.figures[bar.key]:10.4g}   {bar.bar:10} {bar.what}")
    if not whole:
        say("Not everything was measured.")
        if chosen.detail:
            found.write_detail(chosen.detail)
        return 0
    VAR.mkdir(parents=True, exist_ok=True)
    found.write_figures(VAR)
    found.write_detail(VAR)
    say(f"{VAR / 'bench.json'}, after {time.monotonic() - begun:.0f} s")
    for complaint in found.complaints():
        say(f"FAILED: {complaint}")
    return 1 if found.complaints() else 0


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("The figures need hosts of their own: run it as root, or by  make bench")
    sys.exit(main(sys.argv[1:]))
