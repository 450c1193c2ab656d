"""Every page has a line, what has no form takes none, and the harness sees what is planted in pages too."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.matrix import tables
from tests.matrix.harness import MAY_WRITE, Harness, recorded
from tests.matrix.line import At, Line
from tests.matrix.routes import pages, shape

pytestmark = pytest.mark.django_db


def route_of(path: str, routes: set[str]) -> str:
    """The route that answers at a line's path: the one that says just this, else the one it fits in."""
    asked = shape(path)
    if asked in routes:
        return asked
    fitting = [route for route in routes if re.fullmatch(re.escape(route).replace(r"\*", ".+"), asked)]
    assert fitting, f"{path} is no page"
    return max(fitting, key=len)


def lines_by_route() -> dict[str, list[Line]]:
    routes = pages()
    found: dict[str, list[Line]] = defaultdict(list)
    for line in tables.PAGES:
        found[route_of(line.path, routes)].append(line)
    return found


def test_every_page_has_a_line() -> None:
    assert pages() - set(lines_by_route()) == set()


def first(harness: Harness, line: Line) -> At:
    place = line.expected.places[0]
    return At(harness.world, place, harness.world.at(line.expected.places, place))


def test_a_page_that_has_no_line_with_a_form_takes_none(harness: Harness) -> None:
    """Sent a form, it writes what it writes anyway, not more, even for who may everything."""
    found: list[str] = []
    for route, lines in lines_by_route().items():
        if any(line.method == "POST" for line in lines):
            continue
        written: dict[str, set[str]] = {}
        for method in ("GET", "POST"):
            line = Line(method, lines[0].path, lines[0].expected, page=True)
            with recorded() as written[method]:
                harness.send(line, "super", first(harness, line))
        found += [route] if written["POST"] - written["GET"] - MAY_WRITE else []
    assert found == []


def test_a_form_that_has_no_line_as_a_page_is_none(harness: Harness) -> None:
    found: list[str] = []
    for route, lines in lines_by_route().items():
        if any(line.method == "GET" for line in lines):
            continue
        line = Line("GET", lines[0].path, lines[0].expected, page=True)
        status, _body = harness.send(line, "super", first(harness, line))
        found += [] if status == 405 else [f"{status} {route}"]
    assert found == []


def line_of(method: str, path: str) -> Line:
    return next(line for line in tables.PAGES if (line.method, line.path) == (method, path))


def test_the_harness_sees_a_missing_check(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: services that forgot to ask. Who may only read then starts a machine by its page."""
    line = line_of("POST", "/virtual-machines/{vm}/act/")
    asks = line_of("GET", "/accounts/{account}/close/")
    assert not harness.ask(line, "auditor", "other")
    assert not harness.ask(asks, "auditor", "other")
    monkeypatch.setattr("apps.accounts.policy.require", lambda *given: None)
    (leak,) = harness.ask(line, "auditor", "other")
    assert "wrote to" in leak.got
    (leak,) = harness.ask(asks, "auditor", "other")
    assert (leak.expected, leak.got[:3]) == ("-", "200")


def test_the_harness_sees_a_missing_filter(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: pages that forgot to leave out what is not seen."""
    listed, page = line_of("GET", "/ssh-keys/"), line_of("GET", "/ssh-keys/{ssh_key}/")
    assert not harness.ask(listed, "user", "all")
    monkeypatch.setattr("apps.accounts.policy.visible", lambda actor, rows: rows)
    monkeypatch.setattr("apps.accounts.policy.visible_parts", lambda actor, model: [])
    shown = {leak.place for leak in harness.ask(listed, "user", "all")}
    assert shown == {"project", "sub", "sibling", "other", "near", "all"}
    (leak,) = harness.ask(page, "user", "other")
    assert leak.got.startswith("200")


def test_the_harness_sees_a_name_on_a_page_that_is_anothers(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the page of a storage with the images of all tenants on it."""
    line = line_of("GET", "/infrastructure/primary-storages/{primary_storage}/")
    assert not harness.ask(line, "simple", "near")
    monkeypatch.setattr("apps.accounts.policy.visible", lambda actor, rows: rows)
    (leak,) = harness.ask(line, "simple", "near")
    assert "told of template-of-near" in leak.got
