"""Locks and places as rows, also when many reach for the same at once."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection, transaction

from apps.accounts.models import Account
from apps.jobs import locks
from apps.jobs.models import Job, JobLock, JobSlot
from tests.workers.toys import Journal, operation, submit


@pytest.fixture
def jobs(journal: Journal, account: Account) -> list[Job]:
    operation("toy.go", journal.step("A"))
    return [submit("toy.go", account) for _ in range(8)]


def test_all_keys_or_none(jobs: list[Job]) -> None:
    assert locks.take(jobs[0], ["b"]) is None
    assert locks.take(jobs[1], ["a", "b", "c"]) == jobs[0]
    assert list(JobLock.objects.values_list("key", "job")) == [("b", jobs[0].pk)]


def test_taking_again_what_one_has_is_fine(jobs: list[Job]) -> None:
    assert locks.take(jobs[0], ["a"]) is None
    assert locks.take(jobs[0], ["a", "b", "a"]) is None
    assert JobLock.objects.count() == 2


def test_no_keys_need_no_row(jobs: list[Job]) -> None:
    assert locks.take(jobs[0], []) is None
    assert not JobLock.objects.exists()


def test_a_key_that_came_free_between_insert_and_look_is_taken(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The insert met another's key and did nothing; then that key was released."""
    assert locks.take(jobs[0], ["a"]) is None
    manager = type(JobLock.objects)
    real = manager.bulk_create
    inserts: list[int] = []

    def bulk_create(self: Any, rows: Any, **options: Any) -> Any:
        made = real(self, rows, **options)
        inserts.append(len(rows))
        if len(inserts) == 1:
            JobLock.objects.filter(job=jobs[0]).delete()
        return made

    monkeypatch.setattr(manager, "bulk_create", bulk_create)
    assert locks.take(jobs[1], ["a", "b"]) is None
    assert sorted(JobLock.objects.filter(job=jobs[1]).values_list("key", flat=True)) == ["a", "b"]


def test_release_names_what_is_worth_a_try(jobs: list[Job]) -> None:
    locks.take(jobs[0], ["a"])
    locks.take_slot(jobs[0], "host:1", 2)
    assert locks.release(jobs[0]) == ["lock:a", "slot:host:1"]
    assert locks.release(jobs[0]) == []
    assert not JobLock.objects.exists()
    assert not JobSlot.objects.exclude(job=None).exists()


def test_a_job_has_one_place_of_a_resource(jobs: list[Job]) -> None:
    assert [locks.take_slot(jobs[0], "host:1", 2) for _ in range(3)] == [True] * 3
    assert JobSlot.objects.filter(job=jobs[0]).count() == 1


def test_places_are_counted(jobs: list[Job]) -> None:
    assert [locks.take_slot(job, "host:1", 3) for job in jobs] == [True] * 3 + [False] * 5


def test_more_places_than_before_are_there_at_once(jobs: list[Job]) -> None:
    assert [locks.take_slot(job, "host:1", 1) for job in jobs[:2]] == [True, False]
    assert locks.take_slot(jobs[1], "host:1", 2)


def test_what_is_not_known_is_not_free(jobs: list[Job]) -> None:
    assert not locks.is_free("weather:sunny")


@pytest.mark.postgres
def test_of_many_that_reach_for_overlapping_keys_no_two_share_one(jobs: list[Job]) -> None:
    """Every claim either has all of its keys or names who has one; nobody waits for ever."""
    assert connection.vendor == "postgresql"
    wanted = [["a", "b"], ["b", "c"], ["c", "a"], ["a", "b", "c"]]
    wrong: list[str] = []
    outcomes: Counter[str] = Counter()
    start = threading.Barrier(len(jobs))

    def reach(index: int) -> None:
        job, keys = jobs[index], wanted[index % len(wanted)]
        start.wait(30)
        try:
            for _ in range(40):
                with transaction.atomic():
                    holder = locks.take(job, keys)
                if holder is None:
                    mine = set(JobLock.objects.filter(job=job).values_list("key", flat=True))
                    if mine != set(keys):
                        wrong.append(f"{keys}: told all were taken, but has {mine}")
                    outcomes["taken"] += 1
                    with transaction.atomic():
                        locks.release(job)
                else:
                    outcomes["refused"] += 1
        except Exception as error:
            wrong.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=reach, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert wrong == []
    assert outcomes["taken"] > 0
    assert sum(outcomes.values()) == 40 * len(jobs)
    assert not JobLock.objects.exists()


@pytest.mark.postgres
def test_of_many_that_reach_for_places_no_more_get_one_than_there_are(jobs: list[Job]) -> None:
    assert connection.vendor == "postgresql"
    got: list[bool] = []
    start = threading.Barrier(len(jobs))

    def reach(job: Job) -> None:
        start.wait(30)
        with transaction.atomic():
            got.append(locks.take_slot(job, "host:1", 3))
        connection.close()

    threads = [threading.Thread(target=reach, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(got) == len(jobs)
    assert sum(got) == 3
    assert JobSlot.objects.exclude(job=None).count() == 3
