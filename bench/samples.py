"""Raw samples in the order they were taken, and the few numbers made from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Statistic = Callable[[Sequence[float]], float]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of all samples do not exceed."""
    if not values:
        raise ValueError("a quantile of nothing")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def p99(values: Sequence[float]) -> float:
    return quantile(values, 0.99)


@dataclass(slots=True)
class Rounds:
    """Interleaved samples: each round holds one of ours and one of each floor, in seconds."""

    rows: list[dict[str, float]] = field(default_factory=list)

    def add(self, **seconds: float) -> None:
        self.rows.append({name: round(value, 6) for name, value in seconds.items()})

    def column(self, name: str) -> list[float]:
        """The samples of one name; a round may lack it."""
        return [row[name] for row in self.rows if name in row]

    def ratio(self, ours: str, floor: str, statistic: Statistic = median) -> float:
        """Of the statistics, over the rounds that have both."""
        both = [row for row in self.rows if ours in row and floor in row]
        return statistic([row[ours] for row in both]) / statistic([row[floor] for row in both])


@dataclass(slots=True)
class Result:
    """What one part of a run found out on one database. `floors` are named as in `bench.floors`."""

    figures: dict[str, float] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)
    samples: dict[str, Any] = field(default_factory=dict)

    def absorb(self, other: Result) -> None:
        self.figures |= other.figures
        self.floors |= other.floors
        self.samples |= other.samples
