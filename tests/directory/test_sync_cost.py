"""What following a large directory costs, without the directory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.actor import Actor
from apps.accounts.directory import mapping, running, runs, services
from apps.accounts.directory.entries import PersonEntry
from apps.accounts.directory.plan import Snapshot
from apps.accounts.models import Directory, DirectorySync, SyncRun, User
from apps.accounts.roles.ready import USER, ready
from tests.directory.plans import BASE, person, snapshot
from tests.factories import make_account

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
SYSTEM = Actor.system("test")
GROUPS = tuple(f"g{number}" for number in range(20))
PEOPLE, CHANGED = 1000, 10


def crowd() -> list[PersonEntry]:
    return [
        person(f"u{number}", groups=("students", GROUPS[number % len(GROUPS)])) for number in range(PEOPLE)
    ]


def shown(people: list[PersonEntry]) -> Snapshot:
    return snapshot(*people, groups=("students", *GROUPS))


@pytest.fixture
def directory() -> Directory:
    found = services.create_directory(
        SYSTEM, kind="openldap", name="Campus", servers=["ldaps://a.example.org"], people_bases=[BASE]
    )
    given = {"name": "Students", "match": "group", "match_value": "students", "gives": "account"}
    mapping.add_rule(SYSTEM, found, **given, account=make_account(), role=ready(USER))
    return found


def follow(directory: Directory, people: list[PersonEntry]) -> SyncRun:
    """What the job does, with this snapshot in place of the directory's answer."""
    sync = runs.sync_of(directory)
    run = SyncRun.objects.create(directory=directory, kind=SyncRun.Kind.SYNC, rules=sync.rules)
    running.observe(run)
    running.keep_plan(run, shown(people))
    made, total = -1, 0
    while made < total:
        with transaction.atomic():
            made, total = running.make_portion(run)
    running.finish(run)
    return run


def some_changed(people: list[PersonEntry]) -> list[PersonEntry]:
    """Of each ten: four with another name, two in other groups, one disabled, one gone, two who come."""
    changed = list(people)
    for number in range(0, CHANGED, 10):
        for other in range(number, number + 4):
            changed[other] = replace(changed[other], full_name="Another Name")
        for other in range(number + 4, number + 6):
            changed[other] = replace(changed[other], group_keys=frozenset({GROUPS[0]}))
        changed[number + 6] = replace(changed[number + 6], disabled=True)
        del changed[number + 7]
        changed += [
            person(f"new{number}a", groups=("students",)),
            person(f"new{number}b", groups=("students",)),
        ]
    return changed


def test_a_run_costs_few_queries_for_each_person_it_changes(directory: Directory) -> None:
    DirectorySync.objects.update_or_create(
        directory=directory, defaults={"rules": runs.current_rules(directory)}
    )
    people = crowd()
    follow(directory, people)
    assert User.objects.filter(memberships__directory=directory).count() == PEOPLE
    with CaptureQueriesContext(
        connection,
    ) as captured:
        run = follow(directory, some_changed(people))
    assert run.outcome == SyncRun.Outcome.DONE
    assert sum(run.counts[kind] for kind in ("user.add", "user.change", "user.keep_out")) == 8
    few = len(captured)
    assert few <= 15 * CHANGED, [query["sql"][:100] for query in captured]
    with CaptureQueriesContext(connection) as captured:
        assert follow(directory, some_changed(people)).counts == {}
    assert len(captured) < 40
