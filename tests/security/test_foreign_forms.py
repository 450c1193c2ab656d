"""The portal's own forms, as pages show them, sent with an id of another tenant in place of one that they
offer: told what an id is told that nobody has, and nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from apps.accounts import policy
from tests.matrix.harness import MAY_WRITE, Harness, recorded, text_of
from tests.security.test_foreign_ids import UUID, difference, foreign, harness, nouns, pages, plain

__all__ = ["harness"]
pytestmark = pytest.mark.django_db
MOST_PAGES = 70
LEFT_OUT = re.compile(r"^/(logout|login|static|live|docs|view-as|language|account/sessions)")


@dataclass
class Form:
    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    """By name the values that are offered; the first of them is sent."""


class Forms(HTMLParser):
    """The forms of a page that are sent by POST, and its links."""

    def __init__(self, page: str, path: str) -> None:
        super().__init__()
        self.path, self.found, self.links = path, list[Form](), list[str]()
        self._open: Form | None = None
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.append(given["href"].partition("?")[0].partition("#")[0])
        elif tag == "form" and given.get("method", "").lower() == "post":
            self._open = Form(given.get("action") or self.path)
            self.found.append(self._open)
        elif self._open is not None:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        assert self._open is not None
        if tag == "select":
            self._select = given.get("name", "")
        values = self._open.fields.setdefault(given.get("name") or self._select, [])
        if tag == "option" and given.get("value"):
            values.insert(0 if "selected" in given else len(values), given["value"])
        elif tag in {"input", "button"} and given.get("name") != "csrfmiddlewaretoken":
            values.append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""


def forms(browser: Any, known: dict[str, str]) -> Iterator[tuple[Form, str, str]]:
    """Each form that offers an id, with the field and that id; a form of one shape once."""
    waiting, seen, shapes = pages(), set[str](), set[tuple[str, ...]]()
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        shape = UUID.sub("*", path)
        if shape in seen or LEFT_OUT.match(path):
            continue
        seen.add(shape)
        answer = browser.get(path)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        page = Forms(text_of(answer), path)
        waiting += page.links
        for form in page.found:
            for name, values in form.fields.items():
                own = next((value for value in values if value in known), "")
                key = (UUID.sub("*", form.action), name)
                if own and key not in shapes:
                    shapes.add(key)
                    yield form, name, own


def sent(browser: Any, form: Form, name: str, value: str) -> tuple[tuple[int, str], set[str]]:
    body = {each: values[0] for each, values in form.fields.items() if each and values} | {name: value}
    with transaction.atomic():
        with recorded() as written:
            answer = browser.post(form.action, body)
        transaction.set_rollback(True)
    where = answer.get("Location", "")
    return plain(answer.status_code, where + text_of(answer), value), written - MAY_WRITE


def faults(harness: Harness, role: str) -> tuple[list[str], list[str]]:
    """The fields that were tried, and what was told or done that should not be."""
    browser, known, wrong, tried = harness.cast.browsers[role], nouns(harness.world), [], []
    for form, name, own in forms(browser, known):
        theirs, nobodys = foreign(harness.world, known[own]), str(uuid4())
        if not theirs:
            continue
        what = f"{UUID.sub('*', form.action)} {name} ({known[own]})"
        tried.append(what)
        found, written = sent(browser, form, name, theirs)
        wanted, _written = sent(browser, form, name, nobodys)
        if found != wanted:
            wrong.append(f"{what}: {found[0]}, {wanted[0]}: {difference(found[1], wanted[1])}")
        if written:
            wrong.append(f"{what}: wrote to {', '.join(sorted(written))}")
    return tried, wrong


@pytest.mark.parametrize("role", ["user", "domain_admin"])
def test_in_no_field_of_a_form(harness: Harness, role: str) -> None:
    tried, wrong = faults(harness, role)
    assert len(tried) >= 5, tried
    assert not wrong, "\n".join(wrong)


def test_a_missing_filter_is_seen(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: every row is found, whoever asks."""
    monkeypatch.setattr(policy, "visible", lambda _actor, rows, *_more: rows)
    _tried, wrong = faults(harness, "user")
    assert [line for line in wrong if line.startswith("/ssh-keys/new/ account")], wrong
