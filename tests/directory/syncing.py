"""Runs of the sync in tests, and rules for the demo campus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.directory import mapping, runs
from apps.accounts.models import Account, Directory, MappingRule, SyncRun
from apps.accounts.roles.ready import USER, ready
from apps.core.errors import CloudError
from apps.jobs.models import Job
from bootstrap import campus
from tests.directory.campus import Campus
from tests.workers.toys import drive
from workers import operations

SYSTEM = Actor.system("test")
OPERATIONS = operations.__name__  # importing them registers them


def settle(run: SyncRun) -> SyncRun:
    job = Job.objects.get(args__run=str(run.uuid))
    drive(job)
    run.refresh_from_db()
    return run


def previewed(directory: Directory) -> SyncRun:
    run = settle(runs.preview(SYSTEM, directory))
    assert run.outcome == SyncRun.Outcome.PREVIEWED, run.error
    return run


def applied(directory: Directory) -> SyncRun:
    seen = previewed(directory)
    run = settle(runs.apply(SYSTEM, seen, seen=seen.digest))
    assert run.outcome == SyncRun.Outcome.DONE, run.error
    return run


def synced(directory: Directory) -> SyncRun:
    return settle(runs.sync_now(SYSTEM, directory))


def group_key(server: Campus, name: str) -> str:
    found = server.root().search_s(campus.group_dn(name), 0, attrlist=["entryUUID"])
    return str(found[0][1]["entryUUID"][0].decode())


def rule(server: Campus, directory: Directory, group: str = "students", **given: Any) -> MappingRule:
    plain = {
        "name": f"All of {group}",
        "match": "group",
        "match_name": group,
        "match_value": group_key(server, group),
        "gives": "account",
        "role": ready(USER),
    }
    return mapping.add_rule(SYSTEM, directory, **(plain | given))


def members(account: Account) -> set[str]:
    return set(account.users.values_list("username", flat=True))


@contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(CloudError) as error:
        yield
    assert error.value.params["reason"] == reason
