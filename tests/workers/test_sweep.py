"""The sweep: which messages are sent again, to whom first, and how many."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import override_settings
from django.utils import timezone

from apps.accounts.models import Account
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.jobs.models import Job, JobState
from tests.factories import make_account, make_vm, make_zone
from tests.workers.fixtures import Sent
from tests.workers.toys import Journal, Killed, operation, raising, run, submit
from workers import sweep
from workers.drivers.errors import HypervisorRefused
from workers.operation import Later, PointOfNoReturn

NOW = timezone.now


@pytest.fixture
def swept(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What the sweep sent."""
    messages: Sent = []

    def send(task: str, args: list[object], *, queue: str, **_options: Any) -> bool:
        messages.append((task, args, None))
        return True

    monkeypatch.setattr(sweep, "send", send)
    return messages


@pytest.fixture
def toy(journal: Journal) -> Journal:
    operation("toy.go", journal.step("A"))
    return journal


def keys(messages: Sent) -> list[object]:
    return [args[0] for _task, args, _countdown in messages]


def jobs() -> QuerySet[Job]:
    return Job.objects.all()


def test_a_due_job_whose_message_was_never_sent_is_woken(toy: Journal, account: Account, swept: Sent) -> None:
    job = submit("toy.go", account)
    jobs().update(woken_at=None)
    assert sweep.wake_due_jobs() == 1
    assert swept == [("workers.run_job", [job.pk], None)]


def test_a_job_that_was_just_woken_is_left_alone(toy: Journal, account: Account, swept: Sent) -> None:
    submit("toy.go", account)
    assert [sweep.wake_due_jobs() for _ in range(3)] == [0, 0, 0]


@override_settings(JOB_RESEND_SECONDS=60)
@pytest.mark.parametrize(("ago", "again"), [(59, 0), (61, 1)])
def test_a_message_that_got_lost_is_sent_again_after_a_while(
    toy: Journal, account: Account, swept: Sent, ago: int, again: int
) -> None:
    submit("toy.go", account)
    jobs().update(woken_at=NOW() - timedelta(seconds=ago))
    assert sweep.wake_due_jobs() == again
    assert sweep.wake_due_jobs() == 0


def test_a_job_that_is_not_due_is_left_alone(toy: Journal, account: Account, swept: Sent) -> None:
    submit("toy.go", account)
    jobs().update(woken_at=None, due=NOW() + timedelta(seconds=60))
    assert sweep.wake_due_jobs() == 0


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.STUCK])
def test_what_is_at_rest_is_left_alone(toy: Journal, account: Account, swept: Sent, state: JobState) -> None:
    submit("toy.go", account)
    jobs().update(woken_at=None, state=state)
    assert sweep.wake_due_jobs() == 0


@pytest.mark.parametrize("state", [JobState.WAITING, JobState.UNDOING, JobState.RESOLVING])
def test_whatever_is_active_is_woken(toy: Journal, account: Account, swept: Sent, state: JobState) -> None:
    submit("toy.go", account)
    jobs().update(woken_at=None, state=state)
    assert sweep.wake_due_jobs() == 1


def test_the_job_of_a_dead_worker_is_woken_once_its_lease_is_over(
    journal: Journal, account: Account, swept: Sent
) -> None:
    operation("toy.die", journal.step("A", raising(Killed())))
    job = run(submit("toy.die", account))
    assert job.lease is not None
    assert sweep.wake_due_jobs() == 0
    jobs().update(due=NOW() - timedelta(seconds=1))
    assert [sweep.wake_due_jobs() for _ in range(3)] == [1, 0, 0]


def test_a_long_sleeper_is_woken_when_it_is_due(journal: Journal, account: Account, swept: Sent) -> None:
    operation("toy.sleep", journal.step("A", lambda _op: Later(3600)))
    run(submit("toy.sleep", account))
    assert sweep.wake_due_jobs() == 0
    jobs().update(due=NOW())
    assert sweep.wake_due_jobs() == 1


@override_settings(JOB_SWEEP_LIMIT=5)
def test_a_round_is_bounded_and_the_next_one_goes_on(toy: Journal, account: Account, swept: Sent) -> None:
    for _ in range(12):
        submit("toy.go", account)
    jobs().update(woken_at=None)
    assert [sweep.wake_due_jobs() for _ in range(4)] == [5, 5, 2, 0]
    assert len(set(keys(swept))) == 12


@override_settings(JOB_SWEEP_LIMIT=4)
def test_a_round_takes_turns_between_accounts(toy: Journal, account: Account, swept: Sent) -> None:
    busy = [submit("toy.go", account) for _ in range(20)]
    others = [submit("toy.go", make_account()) for _ in range(3)]
    jobs().update(woken_at=None)
    sweep.wake_due_jobs()
    assert set(keys(swept)) == {busy[0].pk, *(job.pk for job in others)}


def test_a_broker_that_is_down_ends_the_round(
    toy: Journal, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    monkeypatch.setattr(sweep, "send", lambda *_args, **_options: tries.append(1))
    for _ in range(3):
        submit("toy.go", account)
    jobs().update(woken_at=None)
    assert sweep.wake_due_jobs() == 0
    assert len(tries) == 1
    assert not jobs().exclude(woken_at=None).exists()


def test_a_stuck_job_needs_no_messages(journal: Journal, account: Account, swept: Sent) -> None:
    operation("toy.stuck", PointOfNoReturn, journal.step("A", raising(HypervisorRefused("no"))))
    run(submit("toy.stuck", account))
    assert sweep.wake_due_jobs() == 0


def test_machines_whose_time_in_the_trash_is_over_are_expunged(transactional_db: None, sent: Sent) -> None:
    zone = make_zone()
    past, future = NOW() - timedelta(seconds=1), NOW() + timedelta(days=1)
    over = make_vm(zone, state=State.DESTROYED, expunge_after=past)
    make_vm(zone, state=State.DESTROYED, expunge_after=future)
    make_vm(zone, state=State.DESTROYED, expunge_after=past, delete_protection=True)
    make_vm(zone, state=State.STOPPED)
    assert sweep.empty_trash() == 1
    job = Job.objects.get()
    assert (job.kind, job.target_uuid, job.user) == ("vm.expunge", over.uuid, None)
    assert VirtualMachine.objects.get(pk=over.pk).state == State.EXPUNGING
    assert sweep.empty_trash() == 0
    VirtualMachine.objects.filter(state=State.DESTROYED).update(delete_protection=False)
    assert sweep.empty_trash() == 1
