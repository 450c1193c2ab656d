"""A whole simulated world as one comparable value: what was there before an operation that
failed is there after it, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from workers.drivers.simulator.state import Transaction

Rows = tuple[tuple[object, ...], ...]

_QUERIES = {
    "machines": "SELECT host, uuid, name, power, ours, spec FROM machines ORDER BY host, uuid",
    "volumes": "SELECT pool, name, size_bytes, base FROM objects WHERE kind = 'volume' ORDER BY pool, name",
    "images": "SELECT pool, name, size_bytes FROM objects WHERE kind = 'image' ORDER BY pool, name",
    "seeds": "SELECT pool, name, size_bytes, digest FROM objects WHERE kind = 'seed' ORDER BY pool, name",
    "tasks": "SELECT host, task FROM tasks UNION ALL SELECT host, task FROM imports ORDER BY 1, 2",
    "ports": "SELECT host, machine, mac, bridge FROM ports ORDER BY host, machine, mac",
    "files": "SELECT host, path, mode, data FROM files ORDER BY host, path",
    "used_bytes": "SELECT uuid, used_bytes FROM pools WHERE used_bytes <> 0 ORDER BY uuid",
}


@dataclass(frozen=True, slots=True)
class World:
    """Rows sorted by key. A machine's row holds its whole definition as JSON, a file's
    only the SHA-256 of its data."""

    machines: Rows
    volumes: Rows
    images: Rows
    seeds: Rows
    tasks: Rows
    ports: Rows
    files: Rows
    used_bytes: Rows

    def difference(self, later: World) -> list[str]:
        """One line for each row that was lost (-) or appeared (+) on the way to `later`."""
        lines = []
        for field in fields(self):
            before, after = set(getattr(self, field.name)), set(getattr(later, field.name))
            lines += [f"- {field.name} {row}" for row in sorted(before - after)]
            lines += [f"+ {field.name} {row}" for row in sorted(after - before)]
        return lines

    def describe(self) -> str:
        """One line for each row."""
        return "\n".join(f"{f.name} {row}" for f in fields(self) for row in getattr(self, f.name))


def read_world(tx: Transaction) -> World:
    rows = {name: tx.execute(query).fetchall() for name, query in _QUERIES.items()}
    rows["files"] = [(*key, hashlib.sha256(data).hexdigest()) for *key, data in rows["files"]]
    return World(**{name: tuple(found) for name, found in rows.items()})
