"""Cancelling: before, at and after the point of no return."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.core.errors import NotFound, StateConflict
from apps.jobs.models import Job, JobState
from apps.jobs.people import told
from apps.jobs.services import cancel_job
from tests.factories import make_user
from tests.workers.toys import SYSTEM, Journal, Killed, drive, error_of, operation, raising, run, submit
from workers import leases
from workers.drivers.errors import HostUnreachable
from workers.operation import Later, Outcome, PointOfNoReturn


def cancelling(op: Any) -> Outcome:
    cancel_job(SYSTEM, Job.objects.get(pk=op.job.pk))
    return None


def test_a_job_that_has_not_begun_is_cancelled_without_a_step(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"))
    job = submit("toy.go", account, lock_keys=["toy"])
    run(cancel_job(SYSTEM, job))
    assert (job.state, error_of(job)["code"]) == (JobState.CANCELLED, "cancelled")
    assert journal.entries == []
    assert job.locks.count() == 0


def test_a_cancel_during_a_step_undoes_it(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"), journal.step("B", cancelling), journal.step("C"))
    job = run(submit("toy.go", account))
    assert job.state == JobState.CANCELLED
    assert journal.entries == ["do A", "do B", "undo B", "undo A"]


def test_a_cancel_during_the_last_step_still_counts(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"), journal.step("B", cancelling))
    job = run(submit("toy.go", account))
    assert job.state == JobState.CANCELLED
    assert journal.entries == ["do A", "do B", "undo B", "undo A"]


def test_a_cancel_while_it_sleeps_wakes_and_undoes_it(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A", lambda _op: Later(3600)))
    job = run(submit("toy.go", account))
    cancel_job(SYSTEM, job)
    drive(job)
    assert job.state == JobState.CANCELLED
    assert journal.entries == ["do A", "undo A"]


def test_a_cancel_before_a_step_says_later_is_heeded_at_once(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A", lambda op: cancelling(op) or Later(3600)))
    job = run(submit("toy.go", account))
    assert job.state == JobState.CANCELLED


def test_a_cancel_does_not_wait_for_the_retries_to_end(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A", raising(HostUnreachable("gone"), times=None)))
    job = run(submit("toy.go", account))
    assert job.note == "retrying"
    run(cancel_job(SYSTEM, job))
    assert job.state == JobState.CANCELLED
    assert journal.entries == ["do A", "undo A"]


def test_a_cancel_during_a_call_that_fails_is_not_tried_again(journal: Journal, account: Account) -> None:
    def cancel_and_fail(op: Any) -> Outcome:
        cancelling(op)
        raise HostUnreachable("gone")

    operation("toy.go", journal.step("A", cancel_and_fail))
    assert run(submit("toy.go", account)).state == JobState.CANCELLED


def test_a_cancel_is_not_forgotten_when_the_worker_dies(journal: Journal, account: Account) -> None:
    def cancel_and_die(op: Any) -> Outcome:
        cancelling(op)
        raise Killed

    operation("toy.go", journal.step("A", cancel_and_die))
    job = run(submit("toy.go", account))
    assert drive(job).state == JobState.CANCELLED
    assert journal.entries == ["do A", "undo A"]


def test_past_the_point_a_cancel_is_refused(journal: Journal, account: Account) -> None:
    refused = []

    def late(op: Any) -> Outcome:
        with pytest.raises(StateConflict) as error:
            cancelling(op)
        refused.append(error.value.params["reason"])
        return None

    operation("toy.go", PointOfNoReturn, journal.step("A", late))
    assert run(submit("toy.go", account)).state == JobState.DONE
    assert refused == ["job_past_return"]


def test_an_ended_job_cannot_be_cancelled(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"))
    job = run(submit("toy.go", account))
    with pytest.raises(StateConflict) as error:
        cancel_job(SYSTEM, job)
    assert error.value.params["reason"] == "job_ended"


@pytest.mark.parametrize("first", ["cancel", "cross"])
def test_the_crossing_is_decided_by_one_update(
    journal: Journal, account: Account, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Whoever comes first wins: a cancel just before the UPDATE that crosses the point undoes, one
    just after it is refused; there is no third outcome."""
    operation("toy.go", journal.step("A"), PointOfNoReturn, journal.step("B"))
    job = submit("toy.go", account)
    real, outcome = leases.save, list[str]()

    def save(row: Job, **changes: Any) -> None:
        crossing = changes.get("cancellable") is False and row.cancellable
        if crossing and first == "cancel":
            cancelling_outcome(row, outcome)
        real(row, **changes)
        if crossing and first == "cross":
            cancelling_outcome(row, outcome)

    monkeypatch.setattr(leases, "save", save)
    run(job)
    if first == "cancel":
        assert (outcome, job.state) == (["accepted"], JobState.CANCELLED)
        assert journal.entries == ["do A", "undo A"]
    else:
        assert (outcome, job.state) == (["refused"], JobState.DONE)
        assert journal.entries == ["do A", "do B"]


def cancelling_outcome(row: Job, outcome: list[str]) -> None:
    try:
        cancel_job(SYSTEM, Job.objects.get(pk=row.pk))
    except StateConflict:
        outcome.append("refused")
    else:
        outcome.append("accepted")


def test_who_asked_to_cancel_is_on_record(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"))
    user = make_user(account)
    job = submit("toy.go", account)
    cancel_job(Actor(user), job)
    assert {"requested_by": user.username} in [told(event)[0] for event in job.events.all()]


def test_a_stranger_cannot_cancel(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"))
    job = submit("toy.go", account)
    with pytest.raises(NotFound):
        cancel_job(Actor(make_user()), job)
    assert run(job).state == JobState.DONE
