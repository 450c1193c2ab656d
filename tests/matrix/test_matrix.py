"""The matrix: a sample of it here, each line with each role; all of it in `-m long` and the bench."""

from __future__ import annotations

from typing import Any

import pytest

from tests.matrix import tables
from tests.matrix.groups import ROLES
from tests.matrix.harness import Harness, Leak, cells_of, sample
from tests.matrix.line import Line
from tests.matrix.routes import endpoints, shape

pytestmark = pytest.mark.django_db


def hold(leaks: list[Leak]) -> None:
    """Fail, and tell each."""
    if leaks:
        pytest.fail("\n".join(str(leak) for leak in leaks), pytrace=False)


@pytest.mark.parametrize("area", tables.AREAS)
def test_each_line_answers_each_role_as_the_table_says(harness: Harness, area: str) -> None:
    """Pages, which take longer, with one role in three."""
    hold(harness.leaks(sample(tables.AREAS[area], every=3 if area.startswith("pages") else 1)))


@pytest.mark.databases
def test_lists_show_the_same_on_both_databases(harness: Harness) -> None:
    lists = [line for line in tables.API if line.shown]
    hold(harness.leaks(cell for line in lists for cell in cells_of(line)))


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("area", tables.AREAS)
def test_every_cell_answers_as_the_table_says(harness: Harness, area: str) -> None:
    hold(harness.leaks(cell for line in tables.AREAS[area] for cell in cells_of(line)))


def test_every_endpoint_has_a_line() -> None:
    offered = endpoints()
    asked = {(line.method, shape(line.path)) for line in tables.API}
    named = {("GET", "problems/not_found/")}
    assert offered - asked == {("GET", "problems/*/")}
    assert asked - offered == named


def test_the_sample_has_each_line_with_each_role_and_each_place() -> None:
    cells = sample(tables.API)
    assert {(id(line), role) for line, role, _place in cells} == {
        (id(line), role) for line in tables.API for role in ROLES
    }
    for line in tables.API:
        tried = {place for other, _role, place in cells if other is line}
        assert tried == ({"all"} if line.shown else set(line.expected.places))


def line_of(name: str) -> Line:
    return next(line for line in tables.API if line.name == name)


def test_the_harness_sees_a_missing_check(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a service that forgot to ask. Who may only read then starts a machine."""
    line = line_of("POST virtual-machines/{vm}/start/")
    assert not harness.ask(line, "auditor", "other")
    monkeypatch.setattr("apps.accounts.policy.require", lambda *given: None)
    (leak,) = harness.ask(line, "auditor", "other")
    assert (leak.expected, leak.got[:3]) == ("-", "202")


def test_the_harness_sees_a_missing_filter(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: lists and finds that forgot to leave out what is not seen."""
    wanted = line_of("GET virtual-machines/?limit=200"), line_of("GET virtual-machines/{vm}/")
    assert not harness.ask(wanted[0], "user", "all")
    monkeypatch.setattr("apps.accounts.policy.visible", lambda actor, rows: rows)
    monkeypatch.setattr("apps.accounts.policy.visible_parts", lambda actor, model: [])
    shown = {leak.place for leak in harness.ask(wanted[0], "user", "all")}
    assert shown == {"project", "sub", "sibling", "other", "near", "all"}
    (leak,) = harness.ask(wanted[1], "user", "other")
    assert leak.got.startswith("200")


def test_the_harness_sees_a_refusal_that_wrote(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a check that comes after the change."""
    from apps.accounts import policy

    line, plain = line_of("POST virtual-machines/{vm}/start/"), policy.require

    def late(actor: Any, permission: str, obj: Any = None) -> None:
        if obj is not None and permission.startswith("vm."):
            type(obj).objects.filter(pk=obj.pk).update(name="changed")
        plain(actor, permission, obj)

    monkeypatch.setattr("apps.accounts.policy.require", late)
    (leak,) = harness.ask(line, "auditor", "other")
    assert "wrote to compute_virtualmachine" in leak.got


def test_the_harness_sees_a_refusal_that_tells(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: an answer to who knows nothing of the machine, with the machine's name."""
    line = line_of("GET virtual-machines/{vm}/")
    monkeypatch.setattr("tests.matrix.harness.text_of", lambda response: "no vm-of-other here")
    (leak,) = harness.ask(line, "user", "other")
    assert "told of vm-of-other" in leak.got
