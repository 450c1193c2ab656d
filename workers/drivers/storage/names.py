"""The names of what lies in a pool: "tpl-", "vol-" or "seed-" and a UUID. Every storage driver takes these
and nothing else, so that a name can be an argument, a file or part of an address without being quoted."""

from __future__ import annotations

import re

from workers.drivers.errors import HypervisorRefused

_NAME = re.compile(r"(tpl|vol|seed)-[A-Za-z0-9_-]{1,100}")


def is_object_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def check_object_name(name: str) -> None:
    if not is_object_name(name):
        raise HypervisorRefused(f"not a name of ours: {name[:80]!r}")
