"""What is found in a document: refusals, warnings, and what is left out on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from apps.core.errors import CloudError

MAX_FINDINGS = 200


class Level(StrEnum):
    REFUSED = "refused"  # nothing is applied while there is one of these
    WARNING = "warning"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` and `params` are those of `apps.core.messages`; `place` is a path such as
    "pods[1].guest.start"; `line` counts from 1, 0 where no line is to blame."""

    level: Level
    code: str
    place: str
    line: int
    params: dict[str, Any]


@dataclass
class Findings:
    """All findings about one document, in the order in which they were made."""

    found: list[Finding] = field(default_factory=list)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    @property
    def refuse(self) -> bool:
        """Whether anything was found that keeps the document from being applied."""
        return any(finding.level is Level.REFUSED for finding in self.found)

    def refused(self, reason: str, place: str, line: int = 0, **params: Any) -> None:
        self._add(Level.REFUSED, "invalid_input", place, line, {**params, "reason": reason})

    def warn(self, reason: str, place: str, line: int = 0, **params: Any) -> None:
        self._add(Level.WARNING, "zone_warning", place, line, {**params, "reason": reason})

    def ignore(self, reason: str, place: str, line: int = 0, **params: Any) -> None:
        self._add(Level.IGNORED, "zone_ignored", place, line, {**params, "reason": reason})

    def _add(self, level: Level, code: str, place: str, line: int, params: dict[str, Any]) -> None:
        if len(self.found) >= MAX_FINDINGS and (level is not Level.REFUSED or self.refuse):
            return  # enough to go on with
        self.found.append(Finding(level, code, place, line, params))

    @contextmanager
    def catching(self, place: str, line: int) -> Iterator[None]:
        """A use case's refusal becomes a finding at this place."""
        try:
            yield
        except CloudError as error:
            self._add(Level.REFUSED, error.code, place, line, dict(error.params))
