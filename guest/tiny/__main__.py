"""`python3 -m guest.tiny OUT.qcow2 [--cache DIR]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from guest.run import BuildFailed
from guest.tiny import build

parser = argparse.ArgumentParser(prog="python3 -m guest.tiny", description="Build the tiny demo guest.")
parser.add_argument("out", type=Path, metavar="OUT.qcow2")
parser.add_argument("--cache", type=Path, default=Path("var/cache/guest"), metavar="DIR")
options = parser.parse_args()
try:
    build(options.out, options.cache, print)
except BuildFailed as error:
    sys.exit(f"guest.tiny: {error}")
