"""One mapping of a document while it is read: each key taken once, what is left over refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from apps.core.errors import InvalidInput
from apps.launch.document import Where
from apps.launch.findings import Findings
from apps.launch.yaml_tree import Value

T = TypeVar("T")
REQUIRED: Any = object()


class Section:
    """Reads the keys of a mapping. What cannot be used becomes a finding, and the default is returned."""

    def __init__(self, value: Value, place: str, findings: Findings) -> None:
        self.place, self.line, self.findings = place, value.line, findings
        self._left: dict[str, Value] = {}
        self._known: list[str] = []
        if isinstance(value.data, dict):
            self._left = dict(value.data)
        else:
            findings.refused("not_a_mapping", place, value.line)

    @property
    def where(self) -> Where:
        return Where(self.place, self.line)

    def at(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def has(self, name: str) -> bool:
        """Whether the key is there, not taken yet, with anything in it."""
        return name in self._left and self._left[name].data not in (None, "")

    def take(self, *names: str) -> tuple[str, Value] | None:
        """The first of these keys that is there; the others count as known too."""
        self._known.extend(names)
        for name in names:
            if name in self._left:
                return name, self._left.pop(name)
        return None

    def read(self, *names: str, clean: Callable[..., T], default: Any = REQUIRED, **bounds: Any) -> T:
        """The value of a key, judged by `clean(value, place=...)`. Of several names each means the same."""
        found = self.take(*names)
        if found is None or found[1].data is None:
            if default is REQUIRED:
                self.findings.refused("required", self.at(names[0]), self.line)
                return cast(T, NOTHING)
            return cast(T, default)
        name, value = found
        with self.findings.catching(self.at(name), value.line):
            return clean(value.data, place=self.at(name), **bounds)
        return cast(T, NOTHING if default is REQUIRED else default)

    def section(self, name: str) -> Section | None:
        found = self.take(name)
        return Section(found[1], self.at(name), self.findings) if found else None

    def sections(self, singular: str, plural: str) -> Iterator[Section]:
        """All parts of a kind: one under its singular name, or a list under its plural."""
        if found := self.take(singular):
            yield Section(found[1], self.at(singular), self.findings)
        if found := self.take(plural):
            name, value = found
            if not isinstance(value.data, list):
                self.findings.refused("not_a_sequence", self.at(name), value.line)
                return
            for index, child in enumerate(value.data):
                yield Section(child, f"{self.at(name)}[{index}]", self.findings)

    def end(self) -> None:
        """Whatever nobody took is unknown here."""
        for name, value in self._left.items():
            self.findings.refused(
                "unknown_field", self.at(name[:100]), value.line, known=", ".join(sorted(set(self._known)))
            )


NOTHING: Any = ""
"""Stands where a value was refused: the document is refused as a whole, so nobody uses it."""


def flag(value: Any, *, place: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("not_a_flag", place=place)
    return value
