"""A lease is renewed while a call is inside its deadline, and only then."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Account
from apps.jobs.models import Job, JobState
from tests.workers.toys import Journal, drive, error_of, make_due, operation, run, submit
from workers import leases
from workers.drivers.errors import DeadlineExceeded
from workers.leases import LeaseLost
from workers.operation import Outcome
from workers.world import World


class Beats:
    """A heart that lets a call end after so many beats."""

    def __init__(self, enough: int) -> None:
        self.count, self.enough, self.reached = 0, enough, threading.Event()

    def __call__(self) -> None:
        self.count += 1
        if self.count >= self.enough:
            self.reached.set()


def call(
    world: World, work: Callable[[], Any], *, deadline: float = 20.0, dropped: list[str] | None = None
) -> Any:
    drop = (lambda: dropped.append("dropped")) if dropped is not None else (lambda: None)
    return world.call("toy", work, deadline=deadline, drop=drop)


def test_a_call_that_lasts_renews_the_lease() -> None:
    beats = Beats(3)
    assert call(World(beats, 0.01), lambda: beats.reached.wait(20)) is True
    assert beats.count >= 3


def test_a_short_call_renews_nothing() -> None:
    beats = Beats(1)
    assert call(World(beats, 60.0), lambda: 5) == 5
    assert beats.count == 0


def test_calls_that_together_outlast_the_lease_renew_it_between_them() -> None:
    """Each of many calls may end before the heart beats once; the next one then begins with a beat."""
    beats = Beats(1)
    world = World(beats, 0.0)
    call(world, lambda: None, deadline=20)
    call(world, lambda: None, deadline=20)
    assert beats.count >= 2


def test_past_its_deadline_a_call_is_dropped_and_fails() -> None:
    dropped: list[str] = []
    release = threading.Event()
    with pytest.raises(DeadlineExceeded, match=r"toy took longer than 0\.05 s"):
        call(World(lambda: None, 0.01), lambda: release.wait(20), deadline=0.05, dropped=dropped)
    release.set()
    assert dropped == ["dropped"]
    assert DeadlineExceeded.retry


def test_what_a_call_raises_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        call(World(lambda: None, 1.0), lambda: 1 / 0)


def test_a_lost_lease_ends_the_wait() -> None:
    release = threading.Event()

    def lost() -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        call(World(lost, 0.01), lambda: release.wait(20))
    release.set()


def test_a_call_past_its_deadline_puts_the_job_back(journal: Journal, account: Account) -> None:
    release = threading.Event()

    def slow(op: Any) -> Outcome:
        if len(journal.entries) == 1:
            op.world.call("toy", lambda: release.wait(20), deadline=0.05, drop=release.set)
        return None

    operation("toy.go", journal.step("A", slow))
    job = run(submit("toy.go", account))
    assert (job.state, job.note, job.lease) == (JobState.PENDING, "retrying", None)
    assert error_of(job)["code"] == "host_timeout"
    assert drive(job).state == JobState.DONE


def test_a_claim_is_one_workers(account: Account, journal: Journal) -> None:
    operation("toy.go", journal.step("A"))
    job = submit("toy.go", account)
    mine = leases.claim(job.pk)
    assert mine is not None
    assert leases.claim(job.pk) is None
    make_due(job)
    theirs = leases.claim(job.pk)
    assert theirs is not None
    assert theirs.claims == 2
    with pytest.raises(LeaseLost):
        leases.save(mine, note="mine")
    with pytest.raises(LeaseLost):
        leases.renew(mine)
    leases.renew(theirs)
    leases.save(theirs, note="theirs")
    assert Job.objects.get(pk=job.pk).note == "theirs"


def test_writing_progress_prolongs_the_lease(account: Account, journal: Journal) -> None:
    operation("toy.go", journal.step("A"))
    job = leases.claim(submit("toy.go", account).pk)
    assert job is not None
    make_due(job)
    leases.save(job, note="here")
    assert Job.objects.get(pk=job.pk).due > timezone.now() + timedelta(seconds=1)


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.STUCK])
def test_what_is_at_rest_cannot_be_claimed(account: Account, journal: Journal, state: JobState) -> None:
    operation("toy.go", journal.step("A"))
    job = submit("toy.go", account)
    Job.objects.filter(pk=job.pk).update(state=state)
    assert leases.claim(job.pk) is None


def test_a_claim_of_what_is_not_there_is_nothing(transactional_db: None) -> None:
    assert leases.claim(uuid.uuid4().int % 10**9) is None
