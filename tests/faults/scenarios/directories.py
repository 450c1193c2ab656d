"""Campus directories."""

from __future__ import annotations

from importlib.util import find_spec

from apps.accounts.directory import mapping, runs, services
from apps.accounts.models import (
    Account,
    Directory,
    Grant,
    GroupMember,
    LeftBehind,
    MappedAccount,
    Membership,
    SyncRun,
    User,
)
from apps.accounts.roles.ready import AUDITOR, USER, ready
from apps.jobs.models import Job
from tests.directory.plans import person, snapshot
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


GROUPS = ("students", "staff")


def followed(site: Site) -> None:
    """Students share an account and each has one of their own, staff reads it all; three people have come
    by that, and the directory has changed since."""
    a_directory(site)
    directory = Directory.objects.get()
    students = {"match": "group", "match_name": "students", "match_value": "students"}
    staff = {"match": "group", "match_name": "staff", "match_value": "staff"}
    member = {**students, "role": ready(USER)}
    shared = {"name": "Shared", "gives": "account", "account": site.account}
    own = {"name": "Own", "gives": "template", "domain": site.account.domain, "template": "of-{uid}"}
    mapping.add_rule(site.actor, directory, **member, **shared)
    mapping.add_rule(site.actor, directory, **member, **own)
    mapping.add_rule(site.actor, directory, **staff, name="Staff", gives="grant", role=ready(AUDITOR))
    anna, nikos = person("anna", groups=("students", "staff")), person("nikos", groups=("students",))
    site.notes["shown"] = snapshot(anna, nikos, person("petros", groups=GROUPS), groups=GROUPS)
    seen = runs.preview(site.actor, directory)
    site.to_rest()
    seen.refresh_from_db()
    runs.apply(site.actor, seen, seen=seen.digest)
    site.to_rest()
    assert set(people_of("staff")) == {"anna", "petros"}
    anna = person("anna", groups=("students",), mail="new@campus.example")
    fresh = person("eleni", groups=GROUPS)
    gone = () if find_spec("ldap") else (person("petros", groups=GROUPS),)  # the brake reads DNs
    site.notes["shown"] = snapshot(anna, person("nikos", groups=()), fresh, *gone, groups=GROUPS)


def people_of(group: str) -> list[str]:
    rows = GroupMember.objects.filter(group__name=group, user__is_active=True)
    return sorted(rows.values_list("user__username", flat=True))


def submit_sync(site: Site) -> Job:
    return _job_of(runs.sync_now(site.actor, Directory.objects.get()))


def submit_preview(site: Site) -> Job:
    return _job_of(runs.preview(site.actor, Directory.objects.get()))


def _job_of(run: SyncRun) -> Job:
    return Job.objects.get(args__run=str(run.uuid))


def all_as_shown(site: Site) -> None:
    run = SyncRun.objects.latest("pk")
    assert (run.outcome, run.changes.filter(done=False).exists()) == (SyncRun.Outcome.DONE, False)
    gone = set() if find_spec("ldap") is None else {"petros"}
    here = {each.usernames[0] for each in site.notes["shown"].people}
    there = set(
        User.objects.filter(directory_person__isnull=False, is_active=True).values_list("username", flat=True)
    )
    assert there == here
    assert User.objects.get(username="anna").email == "new@campus.example"
    assert people_of("staff") == sorted({"eleni", "petros"} - gone)
    own = MappedAccount.objects.get(account__name="of-eleni").account
    assert own.users.get().username == "eleni"
    assert not Membership.objects.filter(user__username="nikos", account=site.account).exists()
    assert Grant.objects.get(directory__isnull=False, group__name="staff").role == ready(AUDITOR)
    assert {row.account.name for row in LeftBehind.objects.all()} == {f"of-{name}" for name in gone}
    assert Account.objects.filter(mapped__isnull=False).count() == 4


def only_looked(_site: Site) -> None:
    run = SyncRun.objects.latest("pk")
    assert run.outcome == SyncRun.Outcome.PREVIEWED
    assert run.counts["user.add"] == 1
    assert not run.changes.filter(done=True).exists()
    assert not User.objects.filter(username="eleni").exists()
    assert people_of("staff") == ["anna", "petros"]


add(Scenario("follow a directory", "directory.sync", followed, submit_sync, all_as_shown))
add(Scenario("preview a mapping", "directory.preview", followed, submit_preview, only_looked))
