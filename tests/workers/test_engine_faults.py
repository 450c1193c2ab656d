"""What a fault leads to: tried again, undone, or stuck for an operator."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from apps.accounts.models import Account
from apps.core.errors import InsufficientCapacity, StateConflict
from apps.jobs import locks
from apps.jobs.models import Event, JobLock, JobSlot, JobState
from apps.jobs.services import resolve_job, retry_job
from apps.zones.models import Region
from tests.workers.toys import (
    SYSTEM,
    Journal,
    Killed,
    drive,
    error_of,
    make_due,
    operation,
    raising,
    run,
    submit,
)
from workers import engine
from workers.drivers.errors import HostUnreachable, HypervisorRefused
from workers.operation import Later, Outcome, PointOfNoReturn

REFUSED = HypervisorRefused("no")


def test_a_temporary_error_is_tried_again_and_forgotten(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A", raising(HostUnreachable("gone"))), journal.step("B"))
    job = submit("toy.go", account)
    began = timezone.now()
    make_due(job)
    engine.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.note, job.retries, job.lease) == (JobState.PENDING, "retrying", 1, None)
    assert job.error == {"code": "host_unreachable", "params": {}, "technical": "gone"}
    assert job.due > began
    drive(job)
    assert (job.state, job.error, job.note) == (JobState.DONE, None, "")
    assert journal.entries == ["do A", "do A", "do B"]


def test_retries_are_bounded_and_then_all_is_undone(journal: Journal, account: Account) -> None:
    broken = journal.step("B", raising(HostUnreachable("gone"), times=None))
    operation("toy.go", journal.step("A"), broken)
    job = drive(submit("toy.go", account))
    assert job.state == JobState.FAILED
    assert error_of(job)["code"] == "host_unreachable"
    tries = settings.JOB_RETRIES_WITHOUT_PROGRESS + 1
    assert journal.entries == ["do A", *["do B"] * tries, "undo B", "undo A"]


def test_progress_renews_the_right_to_retries(journal: Journal, account: Account) -> None:
    tries = settings.JOB_RETRIES_WITHOUT_PROGRESS
    flaky = [journal.step(name, raising(HostUnreachable("gone"), times=tries)) for name in "AB"]
    operation("toy.go", *flaky)
    assert drive(submit("toy.go", account)).state == JobState.DONE


def test_waits_between_tries_grow_to_a_minute() -> None:
    waits = [engine.backoff(number) for number in range(8)]
    assert waits[0] == settings.JOB_RETRY_SECONDS
    assert waits == sorted(waits)
    assert waits[-1] == 60


@pytest.mark.parametrize(
    ("error", "code", "technical"),
    [
        (REFUSED, "hypervisor_refused", "no"),
        (ValueError("password=hunter2"), "internal", "ValueError"),
        (InsufficientCapacity("full", reason="no_memory"), "insufficient_capacity", "full"),
    ],
)
def test_what_cannot_succeed_is_undone_at_once_in_reverse(
    journal: Journal, account: Account, error: Exception, code: str, technical: str
) -> None:
    """A bug's text may hold anything, so only its type is kept."""
    operation("toy.go", journal.step("A"), journal.step("B", raising(error)), journal.step("C"))
    job = run(submit("toy.go", account, lock_keys=["toy"]))
    assert job.state == JobState.FAILED
    assert journal.entries == ["do A", "do B", "undo B", "undo A"]
    assert (error_of(job)["code"], error_of(job)["technical"]) == (code, technical)
    assert job.trail == []
    assert not JobLock.objects.exists()
    assert job.events.filter(phase=Event.Phase.FAILED).get().data["error"]["code"] == code


def test_failure_rows_are_written_with_the_end_and_told_why(journal: Journal, account: Account) -> None:
    told = []
    operation(
        "toy.go", journal.step("A", raising(REFUSED)), failed=lambda _op, error: told.append(error["code"])
    )
    run(submit("toy.go", account))
    assert told == ["hypervisor_refused"]


def test_undo_does_not_see_what_a_rolled_back_step_learned(journal: Journal, account: Account) -> None:
    seen: list[dict[str, Any]] = []

    def learn_and_fail(op: Any) -> Outcome:
        op.memo["half"] = True
        op.cached = True
        raise REFUSED

    def look(op: Any) -> Outcome:
        seen.append({"memo": dict(op.memo), "cached": hasattr(op, "cached")})
        return None

    operation("toy.go", journal.step("A", learn_and_fail, look, atomic=True))
    run(submit("toy.go", account))
    assert seen == [{"memo": {}, "cached": False}]


def test_an_atomic_undo_and_its_checkpoint_are_one_transaction(journal: Journal, account: Account) -> None:
    kills = [True]

    def half_undone(_op: Any) -> Outcome:
        Region.objects.filter(name="toy").delete()
        if kills.pop() if kills else False:
            raise Killed
        return None

    make = journal.step("A", lambda _op: Region.objects.create(name="toy") and None, half_undone, atomic=True)
    operation("toy.go", make, journal.step("B", raising(REFUSED)))
    job = run(submit("toy.go", account))
    assert (job.state, job.trail) == (JobState.UNDOING, ["A"])
    assert Region.objects.filter(name="toy").exists()
    assert drive(job).state == JobState.FAILED
    assert not Region.objects.filter(name="toy").exists()


def test_undo_may_answer_later(journal: Journal, account: Account) -> None:
    answers: list[Outcome] = [Later(1), None]
    broken = journal.step("B", raising(REFUSED), lambda _op: answers.pop(0))
    operation("toy.go", journal.step("A"), broken)
    job = run(submit("toy.go", account))
    assert (job.state, job.trail, job.lease) == (JobState.UNDOING, ["A", "B"], None)
    assert drive(job).state == JobState.FAILED
    assert journal.entries[-3:] == ["undo B", "undo B", "undo A"]


def test_an_undo_that_fails_is_tried_again_then_stuck_with_its_locks(
    journal: Journal, account: Account
) -> None:
    broken = journal.step("A", undo=raising(ValueError("bug"), times=None))
    operation("toy.go", broken, journal.step("B", raising(REFUSED)))
    job = drive(submit("toy.go", account, lock_keys=["toy"]))
    assert (job.state, job.resume_state) == (JobState.STUCK, JobState.UNDOING)
    assert journal.entries.count("undo A") == settings.JOB_RETRIES_WITHOUT_PROGRESS + 1
    assert job.locks.count() == 1
    assert error_of(job)["code"] == "hypervisor_refused"
    assert error_of(job)["stuck_by"] == {"code": "internal", "params": {}, "technical": "ValueError"}


def test_retrying_a_stuck_undo_goes_on_undoing(journal: Journal, account: Account) -> None:
    tries = settings.JOB_RETRIES_WITHOUT_PROGRESS + 1
    broken = journal.step("A", undo=raising(HostUnreachable("gone"), times=tries))
    operation("toy.go", broken, journal.step("B", raising(REFUSED)))
    job = drive(submit("toy.go", account))
    assert job.state == JobState.STUCK
    assert drive(retry_job(SYSTEM, job)).state == JobState.FAILED
    assert journal.entries.count("do B") == 1


def test_a_failing_end_of_an_undo_is_tried_again_then_stuck(journal: Journal, account: Account) -> None:
    def failed(_op: Any, _error: Any) -> None:
        raise ValueError("bug")

    operation("toy.go", journal.step("A", raising(REFUSED)), failed=failed)
    job = drive(submit("toy.go", account))
    assert (job.state, job.resume_state) == (JobState.STUCK, JobState.UNDOING)


def test_the_fifth_claim_without_progress_undoes(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"), journal.step("B", raising(Killed(), times=None)))
    job = drive(submit("toy.go", account))
    assert job.state == JobState.FAILED
    assert journal.entries == ["do A", *["do B"] * 4, "undo B", "undo A"]
    assert error_of(job)["code"] == "worker_lost"


def test_the_fifth_claim_without_progress_in_undo_is_stuck(journal: Journal, account: Account) -> None:
    killer = journal.step("A", undo=raising(Killed(), times=None))
    operation("toy.go", killer, journal.step("B", raising(REFUSED)))
    job = drive(submit("toy.go", account, lock_keys=["toy"]))
    assert (job.state, job.resume_state) == (JobState.STUCK, JobState.UNDOING)
    assert journal.entries.count("undo A") == 4
    assert (error_of(job)["code"], error_of(job)["stuck_by"]["code"]) == ("hypervisor_refused", "worker_lost")


def test_the_fifth_claim_past_the_point_of_no_return_is_stuck(journal: Journal, account: Account) -> None:
    operation("toy.go", PointOfNoReturn, journal.step("A", raising(Killed(), times=None)))
    job = drive(submit("toy.go", account, lock_keys=["toy"]))
    assert (job.state, job.resume_state) == (JobState.STUCK, JobState.PENDING)
    assert journal.entries == ["do A"] * 4
    assert job.locks.count() == 1


@pytest.mark.parametrize("error", [REFUSED, ValueError("bug")])
def test_past_the_point_of_no_return_nothing_is_undone(
    journal: Journal, account: Account, error: Exception
) -> None:
    operation("toy.go", journal.step("A"), PointOfNoReturn, journal.step("B", raising(error)))
    job = run(submit("toy.go", account, lock_keys=["toy"]))
    assert (job.state, job.lease) == (JobState.STUCK, None)
    assert journal.entries == ["do A", "do B"]
    assert job.locks.count() == 1
    assert job.events.filter(phase=Event.Phase.STUCK).get().data["error"] == job.error
    run(job)
    assert journal.entries == ["do A", "do B"]


def test_a_stuck_job_keeps_its_locks_but_no_place(journal: Journal, account: Account) -> None:
    def take(op: Any) -> Outcome:
        assert locks.take_slot(op.job, "host:1", 1)
        return None

    operation(
        "toy.go", journal.step("A", take, atomic=True), PointOfNoReturn, journal.step("B", raising(REFUSED))
    )
    job = run(submit("toy.go", account, lock_keys=["toy"]))
    assert job.state == JobState.STUCK
    assert job.locks.count() == 1
    assert not JobSlot.objects.exclude(job=None).exists()


def test_retry_goes_on_from_where_it_stuck(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"), PointOfNoReturn, journal.step("B", raising(REFUSED)))
    job = run(submit("toy.go", account, lock_keys=["toy"]))
    drive(retry_job(SYSTEM, job))
    assert (job.state, job.error) == (JobState.DONE, None)
    assert journal.entries == ["do A", "do B", "do B"]
    assert not JobLock.objects.exists()


@pytest.mark.parametrize("verdict", ["done", "failed"])
def test_resolve_reads_the_world_and_then_ends(journal: Journal, account: Account, verdict: str) -> None:
    def resolve(op: Any) -> None:
        journal.entries.append("resolve")
        op.memo["found"] = verdict

    operation(
        "toy.go",
        PointOfNoReturn,
        journal.step("B", raising(REFUSED)),
        resolve=resolve,
        resolved=lambda op: op.memo["found"],
    )
    job = run(submit("toy.go", account, lock_keys=["toy"]))
    run(resolve_job(SYSTEM, job))
    assert job.state == verdict
    assert journal.entries == ["do B", "resolve"]
    assert not JobLock.objects.exists()


def test_resolve_is_tried_again_while_the_host_is_away(journal: Journal, account: Account) -> None:
    operation(
        "toy.go", PointOfNoReturn, journal.step("B", raising(REFUSED)), resolve=raising(HostUnreachable())
    )
    job = run(submit("toy.go", account))
    run(resolve_job(SYSTEM, job))
    assert (job.state, job.note) == (JobState.RESOLVING, "retrying")
    assert drive(job).state == JobState.FAILED


@pytest.mark.parametrize("where", ["resolve", "resolved"])
def test_a_resolve_that_fails_is_stuck_again_as_before(
    journal: Journal, account: Account, where: str
) -> None:
    """A job that stuck while it undid goes on undoing after a resolve that failed and a retry."""
    wrong: dict[str, Any] = {where: lambda _op: (_ for _ in ()).throw(ValueError("bug"))}
    tries = settings.JOB_RETRIES_WITHOUT_PROGRESS + 1
    broken = journal.step("A", undo=raising(REFUSED, times=tries))
    operation("toy.go", broken, journal.step("B", raising(REFUSED)), **wrong)
    job = drive(submit("toy.go", account, lock_keys=["toy"]))
    run(resolve_job(SYSTEM, job))
    assert (job.state, job.resume_state) == (JobState.STUCK, JobState.UNDOING)
    assert error_of(job)["code"] == "hypervisor_refused"
    assert error_of(job)["stuck_by"]["technical"] == "ValueError"
    assert job.locks.count() == 1
    assert drive(retry_job(SYSTEM, job)).state == JobState.FAILED


def test_a_resolve_that_kills_its_worker_is_stuck_again(journal: Journal, account: Account) -> None:
    operation(
        "toy.go", PointOfNoReturn, journal.step("B", raising(REFUSED)), resolve=raising(Killed(), times=None)
    )
    job = run(submit("toy.go", account))
    assert drive(resolve_job(SYSTEM, job)).state == JobState.STUCK
    assert error_of(job)["stuck_by"]["code"] == "worker_lost"


@pytest.mark.parametrize("act", [retry_job, resolve_job])
def test_only_a_stuck_job_is_retried_or_resolved(journal: Journal, account: Account, act: Any) -> None:
    operation("toy.go", journal.step("A"))
    job = submit("toy.go", account)
    with pytest.raises(StateConflict):
        act(SYSTEM, job)
    run(job)
    with pytest.raises(StateConflict):
        act(SYSTEM, job)


def test_an_error_at_commit_does_not_confuse_the_worker(journal: Journal, account: Account) -> None:
    """Databases may refuse a transaction as late as at its commit."""

    def succeeded(op: Any) -> None:
        journal.entries.append("succeeded")
        op.job.state = JobState.DONE
        op.job.lease = None
        raise ValueError("as late as possible")

    operation("toy.go", journal.step("A"), succeeded=succeeded)
    job = run(submit("toy.go", account))
    assert job.state == JobState.FAILED
    assert journal.entries == ["do A", "succeeded", "undo A"]


def test_a_lease_that_ran_out_is_free_to_take(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A", raising(Killed())))
    job = submit("toy.go", account)
    make_due(job)
    with pytest.raises(Killed):
        engine.run(job.pk)
    job.refresh_from_db()
    assert job.lease is not None
    assert timedelta(0) < job.due - timezone.now() <= timedelta(seconds=settings.JOB_LEASE_SECONDS)
    engine.run(job.pk)
    assert journal.entries == ["do A"]
    assert drive(job).state == JobState.DONE
