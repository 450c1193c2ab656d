"""Waiting holds no worker: later, locks, places, other jobs, children; and who is woken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Account
from apps.jobs import locks
from apps.jobs.kinds import JobKind
from apps.jobs.models import Job, JobLock, JobSlot, JobState
from apps.jobs.services import cancel_job
from tests.factories import make_account
from tests.workers.fixtures import Sent
from tests.workers.toys import (
    SYSTEM,
    Journal,
    drive,
    error_of,
    make_due,
    operation,
    raising,
    run,
    submit,
)
from workers import engine
from workers.drivers.errors import HypervisorRefused
from workers.operation import Later, Outcome, PointOfNoReturn, WaitFor


def messages_to(sent: Sent, job: Job) -> list[float | None]:
    return [countdown for task, args, countdown in sent if (task, args) == ("workers.run_job", [job.pk])]


def test_later_gives_up_the_lease_and_comes_back_in_time(
    journal: Journal, account: Account, sent: Sent
) -> None:
    answers: list[Outcome] = [Later(7, 40, "copying"), None]
    operation("toy.go", journal.step("A", lambda _op: answers.pop(0)), journal.step("B"))
    job = submit("toy.go", account)
    began = timezone.now()
    run(job)
    assert (job.lease, job.note, job.percent, job.claims) == (None, "copying", 40, 0)
    assert timedelta(seconds=7) <= job.due - began < timedelta(seconds=17)
    assert messages_to(sent, job) == [None, 7]
    assert "A" in job.timings
    assert drive(job).state == JobState.DONE
    assert journal.entries == ["do A", "do A", "do B"]


def test_a_long_sleep_is_left_to_the_sweep(journal: Journal, account: Account, sent: Sent) -> None:
    """Messages with a countdown sit in a worker's memory: only short ones are sent."""
    operation("toy.go", journal.step("A", lambda _op: Later(3600)))
    job = run(submit("toy.go", account))
    assert messages_to(sent, job) == [None]
    assert job.woken_at is None


def test_percent_never_falls_and_is_100_only_at_the_end(journal: Journal, account: Account) -> None:
    answers: list[Outcome] = [Later(1, 80), Later(1, 20), Later(1, 100), None]
    operation("toy.go", journal.step("A", lambda _op: answers.pop(0)))
    job = submit("toy.go", account)
    assert [run(job).percent for _ in range(4)] == [80, 80, 99, 100]


def test_memo_of_a_step_that_says_later_is_kept(journal: Journal, account: Account) -> None:
    def count(op: Any) -> Outcome:
        op.memo["n"] = op.memo.get("n", 0) + 1
        return Later(1) if op.memo["n"] < 3 else None

    operation("toy.go", journal.step("A", count))
    assert drive(submit("toy.go", account)).memo == {"n": 3}


def test_an_atomic_step_that_waits_keeps_what_it_took(journal: Journal, account: Account) -> None:
    def take(op: Any) -> Outcome:
        locks.take_slot(op.job, "mine", 1)
        return None if locks.take_slot(op.job, "theirs", 1) else WaitFor("slot:theirs")

    operation("toy.go", journal.step("A", take, atomic=True))
    locks.take_slot(submit("toy.go", account), "theirs", 1)
    job = run(submit("toy.go", account))
    assert job.waiting_for == "slot:theirs"
    assert JobSlot.objects.get(resource="mine").job == job


def slot_step(journal: Journal, name: str = "A", places: int = 1) -> Any:
    def take(op: Any) -> Outcome:
        return (
            None if locks.take_slot(op.job, "host:1", places) else WaitFor("slot:host:1", "waiting_for_host")
        )

    return journal.step(name, take, atomic=True)


def test_a_place_comes_free_at_the_end_and_wakes_who_waits(
    journal: Journal, account: Account, sent: Sent
) -> None:
    operation("toy.go", slot_step(journal), journal.step("B", lambda _op: Later(60)))
    first, second = submit("toy.go", account), submit("toy.go", account)
    run(first)
    run(second)
    assert (second.waiting_for, second.note) == ("slot:host:1", "waiting_for_host")
    assert second.due > timezone.now()
    cancel_job(SYSTEM, first)
    sent.clear()
    run(first)
    second.refresh_from_db()
    assert (second.waiting_for, messages_to(sent, second)) == ("", [None])
    assert second.due <= timezone.now()
    engine.run(second.pk)
    assert JobSlot.objects.get(resource="host:1").job == second


def test_no_more_places_are_taken_than_there_are(journal: Journal, account: Account) -> None:
    operation("toy.go", slot_step(journal, places=3), journal.step("B", lambda _op: Later(60)))
    jobs = [run(submit("toy.go", account)) for _ in range(5)]
    assert [job.waiting_for for job in jobs] == ["", "", "", "slot:host:1", "slot:host:1"]
    assert JobSlot.objects.exclude(job=None).count() == 3


def test_fewer_places_than_before_are_no_reason_to_spin(journal: Journal, account: Account) -> None:
    operation("toy.go", slot_step(journal, places=3), journal.step("B", lambda _op: Later(60)))
    held = [run(submit("toy.go", account)) for _ in range(3)]
    for job in held[1:]:
        run(cancel_job(SYSTEM, job))
    operation("toy.less", slot_step(journal, places=1))
    waiting = run(submit("toy.less", account))
    assert waiting.waiting_for == "slot:host:1"
    assert waiting.due > timezone.now()


def test_a_free_place_goes_to_the_account_that_holds_the_fewest(journal: Journal, account: Account) -> None:
    """The busy account asked first, three times; the other one gets the next place all the same."""
    operation("toy.go", slot_step(journal, places=2), journal.step("B", lambda _op: Later(60)))
    other = make_account()
    first, second, third, fourth = (run(submit("toy.go", account)) for _ in range(4))
    late = run(submit("toy.go", other))
    assert [third.waiting_for, fourth.waiting_for, late.waiting_for] == ["slot:host:1"] * 3
    woken = []
    for ending in (first, second):
        run(cancel_job(SYSTEM, ending))
        for job in (third, fourth, late):
            job.refresh_from_db()
            if not job.waiting_for and job not in woken:
                woken.append(job)
                run(job)
    assert woken == [late, third]


def test_a_job_waits_for_another_one_to_end(journal: Journal, account: Account, sent: Sent) -> None:
    operation("toy.copy", journal.step("C"))
    copy = submit("toy.copy", account)

    def wait(_op: Any) -> Outcome:
        done = Job.objects.get(pk=copy.pk).is_ended
        return None if done else WaitFor(f"job:{copy.uuid}", "waiting_for_template")

    operation("toy.go", journal.step("A", wait))
    job = run(submit("toy.go", account))
    assert (job.waiting_for, job.lease) == (f"job:{copy.uuid}", None)
    sent.clear()
    run(copy)
    job.refresh_from_db()
    assert (job.waiting_for, messages_to(sent, job)) == ("", [None])
    assert run(job).state == JobState.DONE


def test_an_end_between_looking_and_waiting_is_not_missed(
    journal: Journal, account: Account, sent: Sent
) -> None:
    operation("toy.copy", journal.step("C"))
    copy = submit("toy.copy", account)

    def wait(_op: Any) -> Outcome:
        if Job.objects.get(pk=copy.pk).is_ended:
            return None
        run(copy)
        return WaitFor(f"job:{copy.uuid}")

    operation("toy.go", journal.step("A", wait))
    job = submit("toy.go", account)
    sent.clear()
    run(job)
    assert (job.waiting_for, messages_to(sent, job)) == ("", [None])
    assert job.due <= timezone.now()


def test_a_waiting_job_looks_for_itself_if_the_message_is_lost(
    journal: Journal, account: Account, sent: Sent
) -> None:
    operation("toy.go", slot_step(journal), journal.step("B", lambda _op: Later(60)))
    run(submit("toy.go", account))
    job = run(submit("toy.go", account))
    assert messages_to(sent, job) == [None, engine.WAIT_SECONDS]


def test_the_last_child_wakes_its_parent(journal: Journal, account: Account, sent: Sent) -> None:
    def wait(op: Any) -> Outcome:
        unfinished = op.job.children.filter(finished_at=None).exists()
        return WaitFor(f"children:{op.job.uuid}") if unfinished else None

    operation("toy.batch", journal.step("A", wait))
    operation("toy.go", journal.step("C"))
    parent = submit("toy.batch", account)
    children = [submit("toy.go", account, parent=parent) for _ in range(2)]
    run(parent)
    sent.clear()
    run(children[0])
    run(parent)
    assert parent.waiting_for == f"children:{parent.uuid}"
    sent.clear()
    run(children[1])
    assert messages_to(sent, parent) == [None]
    assert run(parent).state == JobState.DONE


def test_a_cancelled_parent_takes_its_children_along(journal: Journal, account: Account) -> None:
    """Each child decides by its own point of no return; the parent ends after all of them."""

    def wait(op: Any) -> Outcome:
        unfinished = op.job.children.filter(finished_at=None).exists()
        return WaitFor(f"children:{op.job.uuid}") if unfinished else None

    operation("toy.batch", journal.step("P", wait, wait))
    operation("toy.soft", journal.step("A", lambda _op: Later(60)))
    late = [Later(60), None]
    operation("toy.hard", PointOfNoReturn, journal.step("B", lambda _op: late.pop(0)))
    parent = submit("toy.batch", account)
    soft = run(submit("toy.soft", account, parent=parent))
    hard = run(submit("toy.hard", account, parent=parent))
    run(parent)
    cancel_job(SYSTEM, parent)
    run(parent)
    assert parent.state == JobState.UNDOING
    drive(parent, soft, hard)
    assert [job.state for job in (parent, soft, hard)] == ["cancelled", "cancelled", "done"]


def test_a_waiting_job_takes_its_locks_all_or_none(journal: Journal, account: Account) -> None:
    begun = []
    kind = JobKind("toy.go", "toy", begin=lambda job: begun.append(job.pk))
    operation("toy.go", journal.step("A"), job_kind=kind)
    operation("toy.hold", journal.step("H", lambda _op: Later(60)))
    first = run(submit("toy.hold", account, lock_keys=["b"]))
    job = submit("toy.go", account, lock_keys=["c", "b", "a"], on_busy="wait")
    assert (job.state, job.waiting_for, begun) == (JobState.WAITING, "lock:b", [])
    run(job)
    assert list(JobLock.objects.values_list("key", "job")) == [("b", first.pk)]
    assert (job.state, job.waiting_for, journal.entries) == (JobState.WAITING, "lock:b", ["do H"])
    run(cancel_job(SYSTEM, first))
    job.refresh_from_db()
    assert job.waiting_for == ""
    assert run(job).state == JobState.DONE
    assert begun == [job.pk]
    assert journal.entries[-1] == "do A"


def test_a_waiting_job_may_be_cancelled(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A", lambda _op: Later(60)))
    first = run(submit("toy.go", account, lock_keys=["a"]))
    job = submit("toy.go", account, lock_keys=["a"], on_busy="wait")
    run(cancel_job(SYSTEM, job))
    assert job.state == JobState.CANCELLED
    assert list(first.locks.values_list("key", flat=True)) == ["a"]


@pytest.mark.parametrize("error", [HypervisorRefused("no"), ValueError("bug")])
def test_a_job_that_may_not_begin_fails_without_a_step(
    journal: Journal, account: Account, error: Exception
) -> None:
    kind = JobKind("toy.go", "toy", begin=raising(error))
    operation("toy.go", journal.step("A"), job_kind=kind)
    operation("toy.hold", journal.step("H", lambda _op: Later(60)))
    first = run(submit("toy.hold", account, lock_keys=["a"]))
    job = submit("toy.go", account, lock_keys=["a"], on_busy="wait")
    run(cancel_job(SYSTEM, first))
    run(job)
    assert job.state == JobState.FAILED
    assert error_of(job)["code"] in {"hypervisor_refused", "internal"}
    assert journal.entries == ["do H", "undo H"]
    assert not JobLock.objects.exists()


def test_the_oldest_waits_shortest_for_a_lock(journal: Journal, account: Account, sent: Sent) -> None:
    operation("toy.go", journal.step("A", lambda _op: Later(60)))
    first = run(submit("toy.go", account, lock_keys=["a"]))
    second, third = (submit("toy.go", account, lock_keys=["a"], on_busy="wait") for _ in range(2))
    run(second)
    run(third)
    sent.clear()
    run(cancel_job(SYSTEM, first))
    woken = [args[0] for _task, args, _countdown in sent]
    assert woken[-2:] == [second.pk, third.pk]
    make_due(third)
    assert run(second).locks.count() == 1
    assert run(third).state == JobState.WAITING
