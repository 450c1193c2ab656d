"""Submitting: what is refused, what waits, what joins, what interrupts; and repeated requests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest
from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.core.errors import IdempotencyMismatch, ResourceBusy, StateConflict
from apps.jobs import locks, services
from apps.jobs.kinds import JobKind
from apps.jobs.models import Event, Job, JobLock, JobState
from tests.factories import make_user
from tests.workers.fixtures import Sent
from tests.workers.toys import SYSTEM, Journal, Killed, drive, error_of, operation, run, submit
from workers.operation import Later, PointOfNoReturn


@pytest.fixture
def toy(journal: Journal) -> Journal:
    """`toy.go` and `toy.other` sleep in their only step; `toy.stop` may be interrupted by `toy.kill`."""
    sleep = journal.step("A", lambda _op: Later(60))
    operation("toy.go", sleep)
    operation("toy.other", sleep)
    operation("toy.kill", journal.step("K"))
    interrupted = JobKind("toy.stop", "toy", interrupted_by=frozenset({"toy.kill"}))
    operation("toy.stop", sleep, PointOfNoReturn, journal.step("B"), job_kind=interrupted)
    return journal


def test_locks_are_taken_with_the_submit(toy: Journal, account: Account) -> None:
    job = submit("toy.go", account, lock_keys=["b", "a"])
    assert sorted(job.locks.values_list("key", flat=True)) == ["a", "b"]


def test_a_refused_transaction_leaves_neither_job_nor_message(
    toy: Journal, account: Account, sent: Sent
) -> None:
    with suppress(Killed), transaction.atomic():
        submit("toy.go", account, lock_keys=["a"])
        raise Killed
    assert not Job.objects.exists()
    assert not JobLock.objects.exists()
    assert not Event.objects.exists()
    assert sent == []


def test_a_worker_is_woken_only_after_the_commit(toy: Journal, account: Account, sent: Sent) -> None:
    with transaction.atomic():
        job = submit("toy.go", account)
        assert sent == []
    assert sent == [("workers.run_job", [job.pk], None)]
    job.refresh_from_db()
    assert job.woken_at is not None


def test_a_busy_object_refuses_and_names_the_running_job(toy: Journal, account: Account) -> None:
    first = submit("toy.go", account, lock_keys=["a", "b"])
    with pytest.raises(ResourceBusy) as refusal:
        submit("toy.other", account, lock_keys=["b", "c"])
    assert refusal.value.params == {"job": str(first.uuid), "kind": "toy.go"}
    assert Job.objects.count() == 1
    assert sorted(JobLock.objects.values_list("key", flat=True)) == ["a", "b"]
    assert Event.objects.count() == 1


def test_a_refused_job_began_nothing(toy: Journal, account: Account) -> None:
    begun: list[int] = []
    operation(
        "toy.begin", toy.step("A"), job_kind=JobKind("toy.begin", "", begin=lambda job: begun.append(job.pk))
    )
    submit("toy.go", account, lock_keys=["a"])
    with pytest.raises(ResourceBusy):
        submit("toy.begin", account, lock_keys=["a"])
    assert begun == []


def test_begin_runs_with_the_locks_and_its_memo_is_kept(toy: Journal, account: Account) -> None:
    def begin(job: Job) -> None:
        job.memo["state_before"] = "Stopped"

    operation("toy.begin", toy.step("A"), job_kind=JobKind("toy.begin", "", begin=begin))
    job = submit("toy.begin", account)
    assert Job.objects.get(pk=job.pk).memo == {"state_before": "Stopped"}


def test_a_begin_that_refuses_leaves_nothing(toy: Journal, account: Account) -> None:
    def begin(_job: Job) -> None:
        raise StateConflict(reason="wrong_state")

    operation("toy.begin", toy.step("A"), job_kind=JobKind("toy.begin", "", begin=begin))
    with pytest.raises(StateConflict):
        submit("toy.begin", account, lock_keys=["a"])
    assert not Job.objects.exists()
    assert not JobLock.objects.exists()


def test_wait_queues_behind_the_holder(toy: Journal, account: Account) -> None:
    submit("toy.go", account, lock_keys=["a"])
    job = submit("toy.other", account, lock_keys=["a"], on_busy="wait")
    assert (job.state, job.waiting_for, job.note) == (JobState.WAITING, "lock:a", "waiting_for_job")
    assert job.locks.count() == 0


def test_join_returns_the_running_job_of_the_same_kind(toy: Journal, account: Account, sent: Sent) -> None:
    first = submit("toy.go", account, lock_keys=["a"])
    sent.clear()
    assert submit("toy.go", account, lock_keys=["a"], on_busy="join") == first
    assert Job.objects.count() == 1
    assert Event.objects.count() == 1
    assert sent == []


def test_join_refuses_where_another_kind_holds_the_lock(toy: Journal, account: Account) -> None:
    submit("toy.go", account, lock_keys=["a"])
    with pytest.raises(ResourceBusy):
        submit("toy.other", account, lock_keys=["a"], on_busy="join")


def test_what_may_interrupt_cancels_and_follows(toy: Journal, account: Account) -> None:
    stopping = run(submit("toy.stop", account, lock_keys=["vm"]))
    killing = submit("toy.kill", account, lock_keys=["vm"])
    stopping.refresh_from_db()
    assert (stopping.cancel_requested, killing.state) == (True, JobState.WAITING)
    drive(stopping, killing)
    assert (stopping.state, killing.state) == (JobState.CANCELLED, JobState.DONE)
    assert toy.entries == ["do A", "undo A", "do K"]


def test_two_may_interrupt_and_both_follow(toy: Journal, account: Account) -> None:
    stopping = run(submit("toy.stop", account, lock_keys=["vm"]))
    killers = [submit("toy.kill", account, lock_keys=["vm"]) for _ in range(2)]
    drive(stopping, *killers)
    assert [job.state for job in killers] == [JobState.DONE, JobState.DONE]


def test_what_is_past_its_point_is_not_interrupted(toy: Journal, account: Account) -> None:
    stopping = submit("toy.stop", account, lock_keys=["vm"])
    Job.objects.filter(pk=stopping.pk).update(cancellable=False)
    with pytest.raises(ResourceBusy):
        submit("toy.kill", account, lock_keys=["vm"])
    stopping.refresh_from_db()
    assert not stopping.cancel_requested


def test_others_do_not_interrupt(toy: Journal, account: Account) -> None:
    submit("toy.stop", account, lock_keys=["vm"])
    with pytest.raises(ResourceBusy):
        submit("toy.other", account, lock_keys=["vm"])


def test_a_holder_that_lets_go_while_we_look_is_no_error(
    toy: Journal, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder may end between the look that found it and the next one."""
    holder = submit("toy.go", account, lock_keys=["a"])
    real = locks.take

    def take(job: Job, keys: Sequence[str]) -> Job | None:
        found = real(job, keys)
        JobLock.objects.filter(job=holder).delete()
        return found

    monkeypatch.setattr(locks, "take", take)
    job = submit("toy.other", account, lock_keys=["a"], on_busy="wait")
    assert (job.state, job.waiting_for) == (JobState.WAITING, "lock:a")
    run(job)
    assert list(job.locks.values_list("key", flat=True)) == ["a"]


def test_the_same_key_and_request_lead_to_the_first_job(toy: Journal, account: Account) -> None:
    actor = Actor(make_user(account))
    jobs = [
        services.once(actor, "k1", {"name": "web"}, lambda: submit("toy.go", account, lock_keys=["a"]))
        for _ in range(2)
    ]
    assert jobs[0] == jobs[1]
    assert Job.objects.count() == 1


def test_the_same_key_with_another_request_is_refused(toy: Journal, account: Account) -> None:
    actor = Actor(make_user(account))
    services.once(actor, "k1", {"name": "web"}, lambda: submit("toy.go", account))
    with pytest.raises(IdempotencyMismatch):
        services.once(actor, "k1", {"name": "db"}, lambda: submit("toy.go", account))
    assert Job.objects.count() == 1


def test_keys_of_two_users_do_not_meet(toy: Journal, account: Account) -> None:
    for _ in range(2):
        services.once(Actor(make_user(account)), "k1", {}, lambda: submit("toy.go", account))
    assert Job.objects.count() == 2


def test_a_refused_request_does_not_use_up_its_key(toy: Journal, account: Account) -> None:
    actor = Actor(make_user(account))
    holder = submit("toy.go", account, lock_keys=["a"])
    with pytest.raises(ResourceBusy):
        services.once(actor, "k1", {}, lambda: submit("toy.go", account, lock_keys=["a"]))
    JobLock.objects.filter(job=holder).delete()
    services.once(actor, "k1", {}, lambda: submit("toy.go", account, lock_keys=["a"]))
    assert Job.objects.count() == 2


def test_without_a_key_each_request_is_its_own(toy: Journal, account: Account) -> None:
    for _ in range(2):
        services.once(SYSTEM, "", {}, lambda: submit("toy.go", account))
    assert Job.objects.count() == 2


def test_a_job_remembers_who_asked(toy: Journal, account: Account) -> None:
    user = make_user(account)
    job = services.submit(Actor(user), "toy.go", account, account=account)
    assert (job.user, job.actor_label, job.account) == (user, user.username, account)
    assert (job.target_type, job.target_uuid, job.target_name) == ("account", account.uuid, account.name)


def test_a_waiting_job_whose_state_conflicts_fails_with_the_reason(toy: Journal, account: Account) -> None:
    def begin(_job: Job) -> None:
        raise StateConflict(reason="wrong_state", state="Stopped")

    operation("toy.begin", toy.step("Z"), job_kind=JobKind("toy.begin", "", begin=begin))
    holder = run(submit("toy.go", account, lock_keys=["a"]))
    job = submit("toy.begin", account, lock_keys=["a"], on_busy="wait")
    services.cancel_job(SYSTEM, holder)
    drive(holder, job)
    assert job.state == JobState.FAILED
    assert error_of(job)["params"] == {"reason": "wrong_state", "state": "Stopped"}
