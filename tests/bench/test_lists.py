"""The measurement of lists is whole at any size, and sees a list that takes more queries with more rows."""

from __future__ import annotations

import pytest

from bench import lists
from bench.list_site import Site

pytestmark = pytest.mark.django_db


TIMED = ("page name", "page -state last", "search of some by name", "api name")


def timed(clients: lists.Clients, case: lists.Case, samples: int) -> list[float]:
    """A few cases stand for all: how long each takes is for the measurement to say."""
    return clients.time(clients._of[case.role], case.path, samples) if case.what in TIMED else [0.0]


def test_each_case_is_answered_and_no_page_takes_more_queries_with_more_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lists, "SLOWEST", 1)
    monkeypatch.setattr(lists.Clients, "milliseconds", timed)
    figures, samples = lists.run(small=60, large=120, samples=1)
    assert 0 < figures["vm_list_queries"] <= 12
    assert figures["vm_list_p95_ms"] > 0
    roles = {key.split()[0] for key in samples["lists_queries"][120]}
    assert roles == {"operator", "member"}


def test_a_page_that_takes_more_queries_with_more_rows_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"operator page name takes \[5, 6\]"):
        lists._most({1: {"operator page name": 5}, 50: {"operator page name": 6}})


def test_the_site_has_machines_of_every_share() -> None:
    site = Site()
    site.grow(300)
    for name in ("zone", "offering", "template"):
        rows = getattr(site, f"{name}s")
        assert rows[0].virtual_machines.count() > 40
    assert site.accounts[0].virtual_machines.count() >= 15
