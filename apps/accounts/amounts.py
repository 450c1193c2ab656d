"""How much of each resource: what is asked for, used, or counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of each resource of `Quota.RESOURCES`. Storage in GiB, memory in MiB."""

    machines: int = 0
    vcpus: int = 0
    memory_mib: int = 0
    volumes: int = 0
    storage_gib: int = 0
    snapshots: int = 0
    snapshot_gib: int = 0
    templates: int = 0
    networks: int = 0
    addresses: int = 0
    public_addresses: int = 0

    def __sub__(self, other: Self) -> Amount:
        mine, theirs = asdict(self), asdict(other)
        return Amount(**{name: mine[name] - theirs[name] for name in mine})

    def __add__(self, other: Self) -> Amount:
        mine, theirs = asdict(self), asdict(other)
        return Amount(**{name: mine[name] + theirs[name] for name in mine})

    def __mul__(self, count: int) -> Amount:
        return Amount(**{name: value * count for name, value in asdict(self).items()})

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    @property
    def compute(self) -> Amount:
        """The part of it that a machine which is off may not count."""
        return Amount(vcpus=self.vcpus, memory_mib=self.memory_mib)

    def parts(self) -> dict[str, int]:
        """By name, without what is 0."""
        return {name: value for name, value in asdict(self).items() if value}
