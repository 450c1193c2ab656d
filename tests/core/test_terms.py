"""A message names states and resources in the reader's language, as the pages do."""

from dataclasses import fields

import pytest
from django.utils import translation

from apps.accounts.amounts import Amount
from apps.compute.states import State
from apps.core.messages import explain
from apps.core.words.terms import RESOURCES, STATES
from apps.jobs.models import JobState
from apps.storage.models import Template


@pytest.mark.parametrize("language", ["en", "el"])
def test_a_state_reads_in_a_message_as_on_its_page(language: str) -> None:
    labels = {value: label for states in (State, JobState, Template.State) for value, label in states.choices}
    with translation.override(language):
        assert {value: str(STATES[value]) for value in labels} == {k: str(v) for k, v in labels.items()}


def test_every_resource_of_a_quota_has_a_word() -> None:
    assert set(RESOURCES) == {field.name for field in fields(Amount)}


def test_a_greek_reader_is_told_states_in_greek() -> None:
    with translation.override("el"):
        said = explain(
            "state_conflict", {"reason": "wrong_state", "state": "Running", "wanted": "Error, Stopped"}
        )
    assert said.detail == "Η τρέχουσα κατάσταση είναι «Σε λειτουργία»· απαιτείται: Σφάλμα, Εκτός λειτουργίας."


def test_a_number_that_is_wanted_stays_a_number() -> None:
    quota = {"resource": "vcpus", "owner": "Physics", "limit": 4, "used": 4, "wanted": 2}
    said = explain("quota_exceeded", quota)
    assert said.detail == "The quota of Physics for vCPUs is 4; 4 are used and 2 more are needed."


def test_a_value_without_a_word_is_said_as_it_is() -> None:
    assert "Sleeping" in explain("state_conflict", {"state": "Sleeping"}).detail
