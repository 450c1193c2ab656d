"""What the bare work took on an idle machine of this kind, with nothing of ours in the way.

Every ratio stands on such a floor, measured in the same run. A floor that comes out more than twice
as long was measured on a machine with something else to do, or measures something else: then the
ratio flatters, and the run does not count.
"""

from __future__ import annotations

from collections.abc import Mapping

FLOORS: Mapping[str, float] = {
    "bare deploy": 0.308,
    "bare batch of 10 on 4 threads": 1.62,
    "virt-clone and virsh start, 10 in a loop": 12.4,
    "no-op Celery task, p99": 0.003,
    "states of 100 machines in one call": 0.0007,
}
"""Seconds; medians unless the name says otherwise. Two cores, emulated 192 MiB guests."""

TOLERANCE = 2.0


def exceeded(measured: Mapping[str, float]) -> list[str]:
    """A line for each floor that is more than TOLERANCE times what it is on an idle machine."""
    return [
        f"{name}: {1000 * seconds:.4g} ms, {seconds / FLOORS[name]:.2f} times the {1000 * FLOORS[name]:g} ms "
        f"of an idle machine"
        for name, seconds in measured.items()
        if seconds > TOLERANCE * FLOORS[name]
    ]
