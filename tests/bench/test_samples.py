"""The arithmetic of the measurements."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.samples import Result, Rounds, p99, quantile

SECONDS = st.floats(min_value=0.001, max_value=100)


def test_a_quantile_is_a_sample_that_enough_others_do_not_exceed() -> None:
    hundred = [float(number) for number in range(100, 0, -1)]
    assert (quantile(hundred, 0.5), p99(hundred), quantile(hundred, 1.0)) == (50, 99, 100)
    assert p99([*hundred, 1000.0]) == 100
    assert quantile([7.0], 0.01) == 7.0


def test_of_nothing_there_is_no_quantile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        quantile([], 0.5)


@given(st.lists(SECONDS, min_size=1), st.floats(min_value=0.01, max_value=1))
def test_a_quantile_holds_its_promise(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def test_a_ratio_is_of_the_rounds_that_have_both() -> None:
    rounds = Rounds()
    rounds.add(ours=2.0, bare=1.0, clones=10.0)
    rounds.add(ours=4.0, bare=2.0)
    rounds.add(ours=9.0, bare=3.0)
    assert rounds.ratio("ours", "bare") == median([2, 4, 9]) / median([1, 2, 3])
    assert rounds.ratio("ours", "clones") == 0.2
    assert rounds.ratio("ours", "bare", max) == 3.0
    assert rounds.column("clones") == [10.0]


def test_rounds_keep_every_sample_in_the_order_taken() -> None:
    rounds = Rounds()
    for number in (3.0, 1.0, 2.0):
        rounds.add(ours=number, bare=number / 2)
    assert [row["ours"] for row in rounds.rows] == [3.0, 1.0, 2.0]
    assert [list(row) for row in rounds.rows] == [["ours", "bare"]] * 3


def test_a_part_adds_to_what_others_found() -> None:
    found = Result({"a": 1.0}, {"floor": 2.0}, {"raw": [1]})
    found.absorb(Result({"b": 3.0}, {}, {"more": [2]}))
    assert found == Result({"a": 1.0, "b": 3.0}, {"floor": 2.0}, {"raw": [1], "more": [2]})
