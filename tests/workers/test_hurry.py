"""Only what is about to act on the world waits for PostgreSQL's disk."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from apps.accounts.models import Account
from apps.jobs.models import Job, JobState
from tests.workers.toys import Journal, make_due, operation, run, submit
from workers import leases
from workers.operation import Step

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite waits for no commit"),
]


@pytest.fixture(autouse=True)
def careful_server(transactional_db: None) -> None:
    """The server of the tests is told to wait for nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")


def waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return bool(cursor.fetchone()[0] == "on")


class Nothing(Step):
    def do(self, op: object) -> None:
        return None


def claimed(pk: int) -> bool:
    """Whether the commit of a claim waits."""
    with transaction.atomic():
        assert leases.claim(pk) is not None
        return waits()


def test_the_claim_of_a_new_job_does_not_wait(journal: Journal, account: Account) -> None:
    operation("toy.go", journal.step("A"))
    assert not claimed(submit("toy.go", account).pk)
    assert waits()


@pytest.mark.parametrize(
    "columns", [{"midstep": True}, {"state": JobState.UNDOING}, {"state": JobState.RESOLVING}]
)
def test_the_claim_of_a_job_that_acts_at_once_waits(
    journal: Journal, account: Account, columns: dict[str, object]
) -> None:
    operation("toy.go", journal.step("A"))
    job = submit("toy.go", account)
    Job.objects.filter(pk=job.pk).update(**columns)
    assert claimed(job.pk)


def test_a_checkpoint_waits_unless_the_next_step_stays_in_the_database(
    journal: Journal, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, more_rows = (type(name, (Nothing,), {"atomic": True}) for name in ("Rows", "MoreRows"))
    real, seen = leases.save, dict[str, bool]()

    def save(job: Job, **changes: object) -> None:
        with transaction.atomic():
            real(job, **changes)  # type: ignore[arg-type]
            seen[f"{job.trail[-1]} {'begun' if job.midstep else job.state}"] = waits()

    monkeypatch.setattr(leases, "save", save)
    operation("toy.go", rows, journal.step("A"), more_rows, journal.step("B"))
    job = submit("toy.go", account)
    make_due(job)
    assert run(job).state == JobState.DONE
    assert seen == {
        "Rows begun": False,
        "A begun": True,
        "MoreRows begun": False,
        "B begun": True,
        "B pending": False,
        "B done": True,
    }
