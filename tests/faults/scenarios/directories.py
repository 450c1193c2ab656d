"""Campus directories."""

from __future__ import annotations

from importlib.util import find_spec

from apps.accounts.directory import services
from apps.accounts.models import Directory
from apps.jobs.models import Job
from tests.faults.scenario import Scenario, add
from tests.faults.site import Site

NOBODY_LISTENS = "ldaps://127.0.0.1:1"


def a_directory(site: Site) -> None:
    services.create_directory(
        site.actor, kind="openldap", name="campus", servers=[NOBODY_LISTENS], people_bases=["dc=campus"]
    )


def submit_test(site: Site) -> Job:
    job = services.test_directory(site.actor, Directory.objects.get())
    assert isinstance(job, Job)
    return job


def the_failed_step_is_kept(_site: Site) -> None:
    row = Directory.objects.get()
    assert row.test is not None
    assert row.tested_at is not None
    (server,) = row.test["servers"]
    if find_spec("ldap") is None:
        assert server["reason"] == "resolve_no_library"
        return
    assert [(step["step"], step["ok"]) for step in server["steps"]] == [("resolve", True), ("connect", False)]
    assert server["reason"] == "connect_refused"


add(Scenario("test a directory", "directory.test", a_directory, submit_test, the_failed_step_is_kept))
