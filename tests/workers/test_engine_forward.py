"""Going forward: order, checkpoints, what a crash repeats and what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from apps.accounts.models import Account
from apps.jobs.models import Event, Job, JobState
from apps.zones.models import Region
from tests.workers.toys import Journal, Killed, drive, make_due, operation, raising, run, submit
from workers import engine, leases
from workers.operation import Later, Outcome, PointOfNoReturn


def killing_save(monkeypatch: pytest.MonkeyPatch, number: int, *, after: bool) -> list[int]:
    """Kill the worker at the checkpoint of this number, before or after it is written."""
    real, seen = leases.save, [0]

    def save(job: Job, **changes: Any) -> None:
        seen[0] += 1
        if seen[0] == number and not after:
            raise Killed
        real(job, **changes)
        if seen[0] == number and after:
            raise Killed

    monkeypatch.setattr(leases, "save", save)
    return seen


def test_steps_run_in_order_and_the_job_is_done(journal: Journal, account: Account) -> None:
    operation("toy.go", *(journal.step(name) for name in "ABC"))
    job = run(submit("toy.go", account))
    assert journal.entries == ["do A", "do B", "do C"]
    assert (job.state, job.percent, job.error, job.lease) == (JobState.DONE, 100, None, None)
    assert job.plan == job.trail == ["A", "B", "C"]
    assert set(job.timings) == {"A", "B", "C"}
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.finished_at >= job.started_at


def test_submit_and_end_leave_an_event_each(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"))
    job = run(submit("toy.go", account))
    assert list(job.events.order_by("pk").values_list("phase", "kind")) == [
        (Event.Phase.SUBMITTED, "toy.go"),
        (Event.Phase.DONE, "toy.go"),
    ]


def test_an_ended_job_is_not_run_again(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"))
    job = run(submit("toy.go", account))
    run(job)
    run(job)
    assert journal.entries == ["do A"]


def test_a_job_that_is_not_due_is_left_alone(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A", lambda _op: Later(60)))
    job = run(submit("toy.go", account))
    engine.run(job.pk)
    assert journal.entries == ["do A"]


def test_a_doubled_message_finds_the_job_owned(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A", lambda op: engine.run(op.job.pk)), journal.step("B"))
    job = run(submit("toy.go", account))
    assert journal.entries == ["do A", "do B"]
    assert job.state == JobState.DONE


def test_what_a_step_learned_is_there_for_the_next_one(journal: Journal, account: Account) -> None:
    def learn(op: Any) -> Outcome:
        op.memo["found"] = 7
        return None

    seen = []
    read = journal.step("B", lambda op: seen.append(op.memo["found"]))
    operation("toy.go", journal.step("A", learn), read)
    job = run(submit("toy.go", account))
    assert seen == [7]
    assert job.memo == {"found": 7}


def test_percent_grows_with_the_steps(journal: Journal, account: Account) -> None:
    seen = []
    look = lambda op: seen.append(Job.objects.get(pk=op.job.pk).percent)  # noqa: E731
    operation("toy.go", *(journal.step(name, look) for name in "ABCD"))
    run(submit("toy.go", account))
    assert seen == [0, 25, 50, 75]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 6))
def test_a_kill_at_any_checkpoint_repeats_at_most_the_step_begun(
    journal: Journal, account: Account, monkeypatch: pytest.MonkeyPatch, number: int, after: bool
) -> None:
    """Five checkpoints: A begun, A done, B done, C done, the end."""
    operation("toy.go", *(journal.step(name) for name in "ABC"))
    job = submit("toy.go", account)
    killing_save(monkeypatch, number, after=after)
    run(job)
    assert journal.entries == [f"do {name}" for name in "ABC"[: number - 1]]
    drive(job)
    repeated = 2 <= number <= 4 and not after
    assert len(journal.entries) == 3 + repeated
    assert sorted(set(journal.entries)) == ["do A", "do B", "do C"]
    assert job.state == JobState.DONE


@pytest.mark.parametrize("after", [False, True])
def test_an_atomic_step_and_its_checkpoint_are_one_transaction(
    journal: Journal, account: Account, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    make = journal.step("A", lambda _op: Region.objects.create(name="toy") and None, atomic=True)
    operation("toy.go", make, journal.step("B"))
    job = submit("toy.go", account)
    killing_save(monkeypatch, 2, after=after)
    run(job)
    assert not Region.objects.filter(name="toy").exists()
    drive(job)
    assert journal.entries == ["do A", "do A", "do B"]
    assert Region.objects.filter(name="toy").count() == 1


def test_an_end_and_its_rows_are_one_transaction(
    journal: Journal, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def succeeded(_op: Any) -> None:
        Region.objects.create(name="toy")

    operation("toy.go", journal.step("A"), succeeded=succeeded)
    job = submit("toy.go", account, lock_keys=["toy"])
    killing_save(monkeypatch, 3, after=True)
    run(job)
    assert not Region.objects.filter(name="toy").exists()
    assert job.locks.count() == 1
    drive(job)
    assert Region.objects.filter(name="toy").count() == 1
    assert job.locks.count() == 0
    assert job.events.filter(phase=Event.Phase.DONE).count() == 1


def test_a_worker_whose_lease_was_taken_writes_nothing_more(journal: Journal, account: Account) -> None:
    """The job runs to its end in another worker's hands while this one was away."""

    def away(op: Any) -> Outcome:
        if len(journal.entries) == 1:
            make_due(op.job)
            engine.run(op.job.pk)
        return None

    operation("toy.go", journal.step("A", away), journal.step("B"))
    job = run(submit("toy.go", account))
    assert journal.entries == ["do A", "do A", "do B"]
    assert job.state == JobState.DONE
    assert job.events.filter(phase=Event.Phase.DONE).count() == 1


def test_a_failing_database_gives_the_job_back(
    journal: Journal, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failed = leases.save, list[bool]()

    def save(job: Job, **changes: Any) -> None:
        if job.trail == ["A", "B"] and not failed:
            failed.append(True)
            raise OperationalError("server closed the connection")
        real(job, **changes)

    monkeypatch.setattr(leases, "save", save)
    operation("toy.go", *(journal.step(name) for name in "ABC"))
    job = run(submit("toy.go", account))
    assert (job.state, job.lease, job.error) == (JobState.PENDING, None, None)
    drive(job)
    assert job.state == JobState.DONE
    assert journal.entries == ["do A", "do B", "do B", "do C"]


def test_a_database_error_inside_a_step_is_no_fault_of_the_step(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A", raising(OperationalError("deadlock detected")), atomic=True))
    job = run(submit("toy.go", account))
    assert job.state == JobState.PENDING
    assert drive(job).state == JobState.DONE


def test_a_job_at_rest_past_the_point_cannot_be_cancelled(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"), PointOfNoReturn, journal.step("B", lambda _op: Later(1)))
    job = run(submit("toy.go", account))
    assert not job.cancellable
    assert job.trail == ["A", "PointOfNoReturn", "B"]
