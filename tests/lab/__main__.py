"""`python -m tests.lab up|down|status [N]`: the lab by hand, for tries outside the tests."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.lab import Lab, LabError

DEFAULT_ROOT = Path(__file__).parents[2] / "var" / "lab"


def _up(root: Path, hosts: int) -> None:
    if (root / "lab.json").exists():
        lab = Lab(root).attach()
        if lab.size != hosts:
            raise LabError(f"a lab of {lab.size} hosts is there: run  python -m tests.lab down  first")
        for host in lab.hosts:
            host.revive()
    else:
        begun = time.monotonic()
        lab = Lab(root, hosts).up()
        print(f"{hosts} hosts are ready after {time.monotonic() - begun:.1f} s")
    _show(lab)


def _show(lab: Lab) -> None:
    print(f"shared folder  {lab.shared}")
    print(f"guests         {lab.guest_network} on {lab.guest_bridge}, gateway {lab.guest_gateway}")
    for host in lab.hosts:
        power = "on " if host.init_pid() else "off"
        print(f"{host.name}  {power}  {host.address}  ssh -i {lab.private_key} root@{host.address}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("verb", choices=["up", "down", "status"])
    parser.add_argument("hosts", nargs="?", type=int, default=3)
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT)
    options = parser.parse_args()
    try:
        if options.verb == "up":
            _up(options.root, options.hosts)
        elif options.verb == "down":
            Lab(options.root).down()
        else:
            _show(Lab(options.root).attach())
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
