"""A line of the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.matrix.groups import Group
from tests.matrix.world import Rows, World


@dataclass(frozen=True)
class At:
    """Where a cell is asked: the place's rows, of which `{noun}` in a path is one's public id."""

    world: World
    place: str
    rows: Rows

    def __getitem__(self, noun: str) -> Any:
        return self.rows[noun]

    def id(self, noun: str) -> str:
        return str(self.rows[noun].uuid)


@dataclass(frozen=True)
class Line:
    """`done` are the answers that count as done where not any 2xx does; `shown`, of a list, the noun whose
    rows it shows or not; `inside` reads the status from an answer that tells of each row what became of it;
    `page` is asked for by a browser; `named` where the list has names in place of public ids,
    `whole` with the frame around it."""

    method: str
    path: str
    expected: Group
    body: Callable[[At], Any] | None = None
    prepare: Callable[[At], object] | None = None
    done: tuple[int, ...] = ()
    shown: str = ""
    inside: Callable[[str], int] | None = None
    page: bool = False
    named: bool = False
    whole: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def sending(**fields: Any) -> Callable[[At], Any]:
    """A body that is the same everywhere."""
    return lambda _at: fields


def get(path: str, expected: Group, body: Callable[[At], Any] | None = None, **more: Any) -> Line:
    """A page; `body` is its query."""
    return Line("GET", path, expected, body, page=True, **more)


def post(path: str, expected: Group, body: Callable[[At], Any] | None = None, **more: Any) -> Line:
    """A form that is sent. Where no `done` is given it has to have written."""
    return Line("POST", path, expected, body, page=True, **more)


def dialog(path: str, expected: Group, body: Callable[[At], Any] | None = None, **more: Any) -> list[Line]:
    """A page that asks first, for who may do what it asks about, and its form."""
    shown = {name: value for name, value in more.items() if name == "prepare"}
    return [get(path, expected, **shown), post(path, expected, body, **more)]
