"""Everything that can be done to a machine has its service, its button and its operation."""

from __future__ import annotations

from apps.compute.api.serializers import ACTION_PATHS
from apps.compute.services.actions import ACTIONS
from apps.compute.verbs import VERBS
from apps.jobs import kinds
from apps.portal.machines.buttons import SHOWN
from tests.faults.kills.asked import ASKED
from workers import operations
from workers.operation import Operation

assert operations
FOUND_BY_SYNC = {"vm.record_power"}
"""Nobody asks for these: a report that differs begins them."""


def test_every_verb_that_is_no_edit_has_an_action_and_a_button() -> None:
    assert set(ACTIONS) == set(ACTION_PATHS)
    assert sorted(SHOWN) == sorted(ACTIONS)


def test_a_verb_is_a_job_exactly_if_an_operation_carries_it_out() -> None:
    jobs = set(kinds.all_kinds()) & set(VERBS)
    assert jobs == set(Operation.registry) & set(VERBS)


def test_the_worker_of_every_verb_that_is_a_job_is_killed() -> None:
    """Whoever adds a verb says in tests/faults/kills/asked.py how it is asked for there."""
    assert set(ASKED) == set(kinds.all_kinds()) & set(VERBS) - FOUND_BY_SYNC
