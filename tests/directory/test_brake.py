"""A run that would take too much is held, whatever made the directory say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.directory.brake import Brake
from apps.accounts.directory.entries import PersonEntry
from apps.accounts.directory.plan import Snapshot
from apps.accounts.directory.present import Present
from apps.accounts.directory.rules import RuleSpec
from tests.directory.plans import BASE, World, person, planned, rule, snapshot

RULES = (rule(1), rule(2, match="ou", match_value=f"ou=arts,{BASE}", account=101))
ARTISTS = [person(f"a{number}", unit="arts") for number in range(6)]


def campus(number: int) -> list[PersonEntry]:
    return [person(f"u{each}", groups=("students",)) for each in range(number)]


def settled(*people: PersonEntry, rules: tuple[RuleSpec, ...] = RULES) -> Present:
    world = World(Present())
    for _ in range(2):
        world.make(planned(snapshot(*people), rules, world.present))
    return world.present


def held(shown: Snapshot, present: Present, rules: tuple[RuleSpec, ...] = RULES) -> list[str]:
    made = planned(shown, rules, present)
    return [reason.code for reason in Brake().reasons(made, shown, rules, present, [BASE])]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 120), st.integers(0, 120))
def test_more_than_a_tenth_and_more_than_five_are_held_and_no_fewer(there: int, going: int) -> None:
    going = min(going, max(0, there - 1))
    people = campus(there)
    present = settled(*people)
    found = held(snapshot(*people[going:]), present)
    assert bool(found) == (going > max(5, there // 10))
    assert found in ([], ["too_many_users"])


def test_a_directory_that_answers_empty_is_held_however_few_there_were() -> None:
    present = settled(*campus(2))
    assert held(Snapshot((), snapshot().groups), present) == ["empty_directory"]


def test_a_group_that_vanished_is_held_however_few_were_in_it() -> None:
    people = [*campus(2), *ARTISTS]
    without = [replace(each, group_keys=frozenset()) for each in people]
    assert held(snapshot(*without, groups=()), settled(*people)) == ["group_gone"]


def test_a_group_that_emptied_is_held() -> None:
    crowd = [person(f"x{number}", unit="chemistry") for number in range(200)]
    people = [*campus(5), *ARTISTS, *crowd]
    without = [replace(each, group_keys=frozenset()) for each in people]
    assert held(snapshot(*without), settled(*people)) == ["rule_emptied"]


def test_a_base_that_emptied_is_held_though_it_was_a_small_part() -> None:
    people = [*campus(200), *ARTISTS]
    assert held(snapshot(*people[:200]), settled(*people)) == ["base_emptied"]


def test_a_grant_of_a_group_that_vanished_is_held() -> None:
    granting = (rule(1, gives="grant", account=None, scope="domain", place=1),)
    present = settled(*[person("ada", groups=("students",))], rules=(rule(2), *granting))
    found = held(snapshot(person("ada"), groups=()), present, granting)
    assert "group_gone" in found


def test_what_only_gives_is_never_held() -> None:
    assert held(snapshot(*campus(50)), Present()) == []


@pytest.mark.parametrize(("of", "limit"), [(0, 5), (50, 5), (59, 5), (60, 6), (1000, 100)])
def test_the_limit(of: int, limit: int) -> None:
    assert Brake().limit(of) == limit
