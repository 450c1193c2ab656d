"""What a sync of a large directory costs the database, for each person who changed in it.

The directory's answer is made here; all that follows is what the job does with it. Runs against the database
of Django's settings and leaves there what it made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from django.db import connection

from apps.accounts.actor import Actor
from apps.accounts.directory import mapping, running, runs, services
from apps.accounts.directory.entries import PersonEntry
from apps.accounts.directory.plan import Snapshot
from apps.accounts.directory.present import ShownGroup
from apps.accounts.models import Directory, SyncRun
from apps.accounts.roles.ready import AUDITOR, USER, ready
from apps.jobs import dispatch
from apps.jobs.models import Job
from tests.factories import make_account, make_domain, numbered, root_domain
from tests.workers.toys import drive
from workers import operations

Measured = tuple[dict[str, float], dict[str, Any]]
PEOPLE, GROUPS = 10_000, 500
SYSTEM = Actor.system("it is measured")
OPERATIONS = operations.__name__  # importing them registers them
BASE = "ou=people,dc=campus"
TEN = 10
"""Of so many who change four have another name, two are in another group, one came by another mail address,
one is disabled, one is gone, one is new."""


@dataclass(frozen=True, slots=True)
class Crowd:
    people: dict[str, PersonEntry]
    groups: dict[str, ShownGroup]

    @classmethod
    def of(cls, people: int, groups: int) -> Crowd:
        """Everybody is in the group of all and in one more."""
        shown = {f"g{number}": ShownGroup(f"group {number}", f"cn=g{number}") for number in range(groups)}
        own = list(shown)[1:]
        known = (_person(f"u{number}", "g0", own[number % len(own)]) for number in range(people))
        return cls({each.stable_id: each for each in known}, shown)

    def changed(self, people: int, groups: int) -> Crowd:
        """The same with so many people changed, and so many groups with another name."""
        found, names = dict(self.people), list(self.groups)
        for number, key in enumerate(list(found)[: people - people // TEN]):
            _change(found, key, number % (TEN - 1), names)
        for number in range(people // TEN):
            new = _person(f"new{number}", "g0", names[1])
            found[new.stable_id] = new
        renamed = {key: replace(self.groups[key], name=f"{key} anew") for key in names[-groups:]}
        return Crowd(found, self.groups | renamed)

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(tuple(self.people.values()), self.groups)


def _person(name: str, *groups: str) -> PersonEntry:
    return PersonEntry(
        stable_id=f"id-{name}",
        dn=f"uid={name},{BASE}",
        usernames=(name,),
        mail=f"{name}@campus.example",
        full_name=name.title(),
        disabled=False,
        group_keys=frozenset(groups),
    )


def _change(people: dict[str, PersonEntry], key: str, how: int, groups: list[str]) -> None:
    person = people[key]
    if how < 4:
        people[key] = replace(person, full_name=f"{person.full_name} Another")
    elif how < 6:
        people[key] = replace(person, group_keys=frozenset(groups[1:2]))
    elif how == 6:
        people[key] = replace(person, mail=f"other.{person.mail}")
    elif how == 7:
        people[key] = replace(person, disabled=True)
    else:
        del people[key]


def a_directory() -> Directory:
    """With a rule of each kind for its people: an account that all share, one of each person's own, and a
    role for a group."""
    found = services.create_directory(
        SYSTEM,
        kind="openldap",
        name=numbered("campus"),
        servers=["ldaps://ldap.campus.example"],
        people_bases=[BASE],
    )
    everybody = {"match": "group", "match_name": "group 0", "match_value": "g0"}
    user, domain = ready(USER), make_domain(root_domain())
    mapping.add_rule(
        SYSTEM, found, name="All", gives="account", account=make_account(), role=user, **everybody
    )
    own = {"gives": "template", "domain": domain, "template": "{uid}", "role": user}
    mapping.add_rule(SYSTEM, found, name="Own", **own, **everybody)
    one = {"match": "group", "match_name": "group 1", "match_value": "g1", "role": ready(AUDITOR)}
    mapping.add_rule(SYSTEM, found, name="Auditors", gives="grant", domain=domain, **one)
    sync = runs.sync_of(found)
    sync.rules = runs.current_rules(found)
    sync.save(update_fields=["rules"])
    return found


def follow(directory: Directory, crowd: Crowd) -> SyncRun:
    """A sync, with the crowd in place of what the directory answers."""
    with dispatch.held(), _answering(crowd):
        run = runs.sync_now(SYSTEM, directory)
        drive(Job.objects.get(args__run=str(run.uuid)), rounds=2000)
    run.refresh_from_db()
    if run.outcome != SyncRun.Outcome.DONE:
        raise RuntimeError(f"the sync came to {run.outcome}: {run.held} {run.error}")
    return run


def _answering(crowd: Crowd) -> AbstractContextManager[object]:
    return patch.object(running, "read", lambda _config: crowd.snapshot)


def counted(act: Callable[[], object]) -> list[str]:
    """The statements that it sends to the database."""
    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(sql[:120])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        act()
    return sent


def queries_per_change(people: int, groups: int, *, percent: int = 1) -> Measured:
    changed = people * percent // 100
    directory, crowd = a_directory(), Crowd.of(people, groups)
    seconds = [_timed(lambda: follow(directory, crowd))]
    later = crowd.changed(changed, max(1, groups * percent // 100))
    sent: list[str] = []
    seconds.append(_timed(lambda: sent.extend(counted(lambda: follow(directory, later)))))
    idle = counted(lambda: follow(directory, later))
    figures = {"ldap_sync_queries_per_change": len(sent) / changed}
    samples = {"first_and_second_s": seconds, "queries": len(sent), "queries_of_no_change": len(idle)}
    return figures, samples


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return round(time.perf_counter() - begun, 3)


def run() -> Measured:
    return queries_per_change(PEOPLE, GROUPS)
