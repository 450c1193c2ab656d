"""Asks cells of the matrix, and says which answered otherwise than the table.

A form that is sent may be refused by leading back to where the reason is told. A refusal must also have
written nothing, and, of what is unknown to the asker, have told no name; a list must show the rows of the
places that the table says, and no others.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction

from tests.matrix.cast import Cast
from tests.matrix.frame import bare
from tests.matrix.groups import ROLES, never_told
from tests.matrix.line import At, Line
from tests.matrix.world import World

STATUSES = {"-": 403, ".": 404, "!": 401}
MAY_WRITE = {"accounts_apitoken", "accounts_session", "django_session", "accounts_idempotencykey"}
"""Where being asked may leave something: a token's and a session's last use, an answer to be repeated."""
_WRITES = re.compile(r'^\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?(\w+)', re.IGNORECASE)
Cell = tuple[Line, str, str]


@dataclass(frozen=True)
class Leak:
    """A cell that answered otherwise than the table."""

    line: str
    role: str
    place: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.line}  {self.role} in {self.place}: expected {self.expected}, got {self.got}"


def cells_of(line: Line) -> Iterator[Cell]:
    """Of a list one for each role: the answer tells of all places."""
    for role in ROLES:
        for place in ("all",) if line.shown else line.expected.places:
            yield line, role, place


def sample(lines: Iterable[Line], *, every: int = 1) -> list[Cell]:
    """Each line with each role, and over its roles with each place: always the same ones. Or with every
    so many-th role, another of them from line to line."""
    found = []
    for number, line in enumerate(lines):
        places = ("all",) if line.shown else line.expected.places
        for index, role in enumerate(ROLES):
            if (number + index) % every == 0:
                found.append((line, role, places[(number + index // every) % len(places)]))
    return found


class Harness:
    def __init__(self, world: World, cast: Cast) -> None:
        self.world, self.cast = world, cast
        self.tried = 0

    def leaks(self, cells: Iterable[Cell]) -> list[Leak]:
        return [leak for cell in cells for leak in self.ask(*cell)]

    def ask(self, line: Line, role: str, place: str, *, asker: str = "") -> list[Leak]:
        """`asker` is who asks and is to be answered as the role is, where that is somebody else. A token
        opens no page."""
        asker = asker or role
        if line.page and asker not in self.cast.browsers:
            return []
        expected = line.expected.answers[role]
        places = line.expected.places
        first = places[0] if place == "all" else place
        at = At(self.world, first, self.world.at(places, first))
        with transaction.atomic():
            if line.prepare:
                line.prepare(at)
            with recorded() as written:
                status, body = self.send(line, asker, at)
            transaction.set_rollback(True)
        if line.inside and status == 200:
            status = line.inside(body)
        if line.shown:
            self.tried += len(places)
            return self._shown(line, role, status, body)
        self.tried += 1
        letter = expected[places.index(place)]
        judge = self._judge_page if line.page else self._judge
        got = judge(line, letter, status, body, written, at) or never_told_in(role, status, body)
        return [Leak(line.name, role, place, letter, got)] if got else []

    def send(self, line: Line, asker: str, at: At) -> tuple[int, str]:
        path = self.path_of(line, at)
        body = line.body(at) if line.body else None
        if line.page:
            return self._open(line, asker, path, body)
        api = self.cast.apis[asker]
        if isinstance(body, dict) and "file" in body:
            response = api.upload(path, body | {"file": io.BytesIO(b"QFI")})
        else:
            response = api.send(line.method, path, body)
        return response.status_code, text_of(response)

    def path_of(self, line: Line, at: At) -> str:
        return line.path.format_map({noun: getattr(row, "uuid", "") for noun, row in at.rows.items()})

    def _open(self, line: Line, asker: str, path: str, body: Any) -> tuple[int, str]:
        browser = self.cast.browsers[asker]
        kept = SimpleCookie(browser.cookies)
        ask: Any = browser.get if line.method == "GET" else browser.post
        if isinstance(body, dict) and "file" in body:
            body = body | {"file": SimpleUploadedFile("image.qcow2", b"QFI")}
        with nullcontext() if line.whole else bare():
            response: Any = ask(path, body or {})
        browser.cookies = kept  # the answer may log out, and is taken back
        if response.status_code == 302 and response["Location"].startswith("/login/?"):
            return 401, ""
        said = [str(message) for message in get_messages(response.wsgi_request)]
        return response.status_code, "\n".join([text_of(response), *said])

    def _judge(self, line: Line, letter: str, status: int, body: str, written: set[str], at: At) -> str:
        """What is wrong with the answer; nothing if it is as the table says."""
        if letter == "+":
            fine = status in line.done if line.done else 200 <= status < 400
            return "" if fine else f"{status} {body[:300]}"
        if status != STATUSES[letter]:
            return f"{status} {body[:300]}"
        return _refused_well(letter, status, body, written, at)

    def _judge_page(self, line: Line, letter: str, status: int, body: str, written: set[str], at: At) -> str:
        """The same of a page. A form may refuse by leading back, or beside its fields."""
        touched = written - MAY_WRITE
        if letter == "+":
            fine = status in (line.done or (200, 302))
            if not fine or (line.method == "POST" and not line.done and not touched):
                return f"{status}, wrote to {sorted(touched)}: {_plain(body)}"
            return ""
        beside_a_field = status == 422 and (line.method == "POST" or bool(line.body))
        led_back = line.method == "POST" and status == 302
        if status != STATUSES[letter] and not (letter in "-." and (beside_a_field or led_back)):
            return f"{status} {_plain(body)}"
        return _refused_well(letter, status, body, written, at)

    def _shown(self, line: Line, role: str, status: int, body: str) -> list[Leak]:
        expected, found = line.expected.answers[role], []
        for place, letter in zip(line.expected.places, expected, strict=True):
            row = self.world.at(line.expected.places, place)[line.shown]
            if letter in STATUSES and letter != ".":
                got = "" if status == STATUSES[letter] else f"{status} {body[:200]}"
            elif line.page and status == 404 and set(expected) == {"."}:
                got = ""
            elif status != 200:
                got = f"{status} {body[:200]}"
            else:
                there = (str(row.name) if line.named else str(row.uuid)) in body
                got = "" if there == (letter == "+") else ("shown" if there else "not shown")
            if got:
                found.append(Leak(line.name, role, place, letter, got))
        if told := never_told_in(role, status, body):
            found.append(Leak(line.name, role, "all", expected, told))
        return found


def _refused_well(letter: str, status: int, body: str, written: set[str], at: At) -> str:
    if touched := written - MAY_WRITE:
        return f"{status}, but wrote to {', '.join(sorted(touched))}"
    if letter in ".!":
        told = [name for name in names_of(at) if name in body]
        return f"{status}, but told of {', '.join(told)}" if told else ""
    return ""


def never_told_in(role: str, status: int, body: str) -> str:
    found = sorted(set(never_told(role).findall(body)))
    return f"{status}, but told of {', '.join(found)}" if found else ""


def _plain(body: str) -> str:
    """The words of a page without its frame."""
    text = body.partition("<main")[2].partition("<footer")[0] or body
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())[:300]


def names_of(at: At) -> list[str]:
    """Names that tell in which place a row lies."""
    names = [str(getattr(row, "name", "")) for row in at.rows.values()]
    return [name for name in names if "-of-" in name]


def text_of(response: Any) -> str:
    if response.streaming:
        return b"".join(response.streaming_content).decode()
    return str(response.content.decode(errors="replace"))


@contextmanager
def recorded() -> Iterator[set[str]]:
    """The tables that are written to."""
    tables: set[str] = set()

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if found := _WRITES.match(sql):
            tables.add(found.group(1))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield tables
