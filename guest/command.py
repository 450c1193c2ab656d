"""The command line that all builders share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from guest.run import BuildFailed, Log


def main(module: str, description: str, build: Callable[[Path, Path, Log], Path]) -> None:
    """`python3 -m MODULE OUT.qcow2 [--cache DIR]`; exits with 1 and the reason where a build fails."""
    parser = argparse.ArgumentParser(prog=f"python3 -m {module}", description=description)
    parser.add_argument("out", type=Path, metavar="OUT.qcow2")
    parser.add_argument("--cache", type=Path, default=Path("var/cache/guest"), metavar="DIR")
    options = parser.parse_args()
    try:
        build(options.out, options.cache, lambda text: print(text, flush=True))
    except BuildFailed as error:
        sys.exit(f"{module}: {error}")
