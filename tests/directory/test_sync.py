"""Following a real directory: previewed, applied, held; people renamed, gone, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.directory import mapping, runs
from apps.accounts.models import (
    Account,
    Directory,
    DirectoryPerson,
    DirectorySync,
    Grant,
    LeftBehind,
    MappedAccount,
    Membership,
    SyncRun,
    User,
)
from apps.accounts.roles.ready import AUDITOR, PROJECT_ADMIN, ready
from apps.accounts.services import create_root_domain
from apps.jobs.models import Event, Job, JobState
from bootstrap import campus
from tests.directory.campus import Campus, dn_of, password_of
from tests.directory.campus import person as person_entry
from tests.directory.syncing import SYSTEM, applied, members, previewed, refused, rule, settle, synced
from tests.factories import make_account, make_user
from tests.workers.toys import drive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers, pytest.mark.databases]
Make = Callable[..., Directory]


@pytest.fixture
def shared() -> Account:
    return make_account()


def test_nothing_is_given_before_the_preview_is_applied(
    campus_server: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(campus_server)
    rule(campus_server, directory, account=shared)
    assert runs.rules_wait(directory)
    assert synced(directory).counts.get("membership.add", 0) == 0
    seen = previewed(directory)
    assert (seen.counts["user.add"], seen.counts["membership.add"]) == (4, 4)
    assert not User.objects.exists()
    names = set(seen.changes.filter(kind="membership.add").values_list("name", flat=True))
    assert names == {"anna", "nikos", "eleni", "petros"}
    done = settle(runs.apply(SYSTEM, seen, seen=seen.digest))
    assert done.outcome == SyncRun.Outcome.DONE
    assert members(shared) == names
    assert not runs.rules_wait(directory)
    assert not User.objects.get(username="anna").has_usable_password()
    assert synced(directory).counts == {}
    event = Event.objects.filter(kind="directory.change_memberships").first()
    assert event is not None
    assert event.data["added"] == [shared.name]


def test_changed_rules_are_previewed_again(
    campus_server: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(campus_server)
    one = rule(campus_server, directory, account=shared)
    seen = previewed(directory)
    mapping.change_rule(SYSTEM, one, role=ready(PROJECT_ADMIN))
    with refused("preview_again"):
        runs.apply(SYSTEM, seen, seen=seen.digest)
    again = previewed(directory)
    with refused("preview_again"):
        runs.apply(SYSTEM, seen, seen=seen.digest)
    with refused("other_preview"):
        runs.apply(SYSTEM, again, seen=seen.digest)
    assert not SyncRun.objects.filter(kind=SyncRun.Kind.SYNC).exists()


def test_a_preview_that_the_directory_overtook_does_nothing(
    own_campus: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(own_campus)
    rule(own_campus, directory, account=shared)
    seen = previewed(directory)
    own_campus.set(campus.group_dn("physics-students"), member=[dn_of("anna")])
    run = settle(runs.apply(SYSTEM, seen, seen=seen.digest))
    assert run.outcome == SyncRun.Outcome.OUTDATED
    assert not User.objects.exists()
    assert runs.rules_wait(directory)


def test_personal_accounts_an_ou_an_attribute_and_a_role_for_a_group(
    campus_server: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(campus_server)
    root = create_root_domain()
    rule(campus_server, directory, gives="template", domain=root, template="{uid}")
    rule(
        campus_server,
        directory,
        name="Of law",
        match="ou",
        match_name="",
        match_value=f"OU=Law,  {campus.PEOPLE}",
        account=shared,
    )
    rule(campus_server, directory, "staff", gives="grant", role=ready(AUDITOR), place=root)
    by_kind = {"match": "attribute", "match_name": "EMPLOYEETYPE", "match_value": "TEACHER"}
    rule(
        campus_server,
        directory,
        name="Teachers",
        gives="template",
        domain=root,
        template="lab-{ou}",
        **by_kind,
    )
    applied(directory)
    personal = Account.objects.filter(mapped__template="{uid}")
    assert set(personal.values_list("name", flat=True)) == {"anna", "nikos", "eleni", "petros"}
    assert members(personal.get(name="anna")) == {"anna"}
    assert personal.get(name="anna").quota.used_machines == 0
    assert members(shared) == {"eleni", "petros", "kostas"}
    grant = Grant.objects.get(role=ready(AUDITOR))
    assert grant.group is not None
    assert grant.group.name == "staff"
    assert grant.domain == root


def test_who_is_renamed_stays_the_same_user_with_the_same_account(
    own_campus: Campus, directory_of: Make
) -> None:
    directory = directory_of(own_campus)
    rule(own_campus, directory, gives="template", domain=create_root_domain(), template="{uid}")
    applied(directory)
    anna = User.objects.get(username="anna")
    mine = anna.accounts.get()
    own_campus.rename(dn_of("anna"), "uid=anna.new", below=f"ou=law,{campus.PEOPLE}")
    new_dn = f"uid=anna.new,ou=law,{campus.PEOPLE}"
    own_campus.set(campus.group_dn("law-students"), member=[new_dn, dn_of("eleni"), dn_of("petros")])
    own_campus.set(campus.group_dn("physics-students"), member=[dn_of("nikos")])
    run = synced(directory)
    assert (run.outcome, run.counts["user.change"]) == (SyncRun.Outcome.DONE, 1)
    anna.refresh_from_db()
    assert anna.username == "anna.new"
    assert list(anna.accounts.all()) == [mine]
    assert MappedAccount.objects.filter(account=mine).exists()


def test_a_leaver_is_cut_off_keeps_what_they_had_and_comes_back(
    own_campus: Campus, directory_of: Make
) -> None:
    directory = directory_of(own_campus)
    rule(own_campus, directory, gives="template", domain=create_root_domain(), template="{uid}")
    applied(directory)
    anna = User.objects.get(username="anna")
    mine = anna.accounts.get()
    own_campus.set(dn_of("anna"), shadowExpire=["1"], objectClass=["inetOrgPerson", "shadowAccount"])
    assert synced(directory).counts["user.keep_out"] == 1
    anna.refresh_from_db()
    assert not anna.is_active
    assert list(anna.accounts.all()) == [mine]
    left = LeftBehind.objects.get()
    assert (left.account, left.user) == (mine, anna)
    assert left.stops_at > timezone.now() + timedelta(days=13)
    assert synced(directory).counts == {}
    own_campus.set(dn_of("anna"), shadowExpire=["99999"])
    back = authenticate(HttpRequest(), username="anna", password=password_of("anna"))
    assert back == anna
    anna.refresh_from_db()
    assert anna.is_active
    assert not LeftBehind.objects.exists()
    assert [e.kind for e in Event.objects.filter(kind__contains="_user").order_by("pk")][-2:] == [
        "directory.keep_out_user",
        "directory.let_in_user",
    ]


def test_who_was_kept_out_by_hand_does_not_come_back_by_a_login_or_a_sync(
    campus_server: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(campus_server)
    rule(campus_server, directory, account=shared)
    applied(directory)
    User.objects.filter(username="anna").update(is_active=False)
    assert authenticate(HttpRequest(), username="anna", password=password_of("anna")) is None
    synced(directory)
    assert not User.objects.get(username="anna").is_active


def test_a_vanished_group_is_held_until_it_is_released(
    own_campus: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(own_campus)
    rule(own_campus, directory, "physics-students", account=shared)
    applied(directory)
    by_hand = make_user()
    Membership.objects.create(user=by_hand, account=shared)
    own_campus.delete(campus.group_dn("physics-students"))
    run = synced(directory)
    assert run.outcome == SyncRun.Outcome.HELD
    assert "group_gone" in [reason["code"] for reason in run.held]
    assert members(shared) == {"anna", "nikos", by_hand.username}
    assert runs.due() == []
    released = settle(runs.release(SYSTEM, run))
    assert released.outcome == SyncRun.Outcome.DONE
    assert members(shared) == {by_hand.username}
    run.refresh_from_db()
    assert run.outcome == SyncRun.Outcome.RELEASED
    with refused("run_not_held"):
        runs.reject(SYSTEM, run)


def test_what_is_released_takes_no_more_than_was_shown(
    own_campus: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(own_campus)
    rule(own_campus, directory, "physics-students", account=shared)
    rule(own_campus, directory, "law-students", account=shared)
    applied(directory)
    own_campus.delete(campus.group_dn("physics-students"))
    run = synced(directory)
    own_campus.delete(campus.group_dn("law-students"))
    again = settle(runs.release(SYSTEM, run))
    assert again.outcome == SyncRun.Outcome.HELD
    assert len(members(shared)) == 4
    runs.reject(SYSTEM, again)
    assert len(members(shared)) == 4


def test_a_directory_that_answers_empty_is_held(
    own_campus: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(own_campus)
    rule(own_campus, directory, account=shared)
    applied(directory)
    Directory.objects.filter(pk=directory.pk).update(people_filter="(uid=nobody-at-all)")
    run = synced(directory)
    assert run.outcome == SyncRun.Outcome.HELD
    assert "empty_directory" in [reason["code"] for reason in run.held]
    assert User.objects.filter(is_active=True).count() == 4


def test_a_base_that_is_gone_fails_and_changes_nothing(
    own_campus: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(own_campus)
    rule(own_campus, directory, account=shared)
    applied(directory)
    Directory.objects.filter(pk=directory.pk).update(people_bases=["ou=elsewhere,dc=campus,dc=example"])
    run = runs.sync_now(SYSTEM, directory)
    job = Job.objects.get(args__run=str(run.uuid))
    Job.objects.filter(pk=job.pk).update(retries=100)
    drive(job)
    run.refresh_from_db()
    assert (run.outcome, job.state) == (SyncRun.Outcome.FAILED, JobState.FAILED)
    assert run.error is not None
    assert run.error["code"] == "directory_unavailable"
    assert len(members(shared)) == 4
    assert DirectorySync.objects.get().rules


def test_a_login_brings_memberships_up_to_date_at_once(
    own_campus: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(own_campus)
    rule(own_campus, directory, "physics-students", account=shared)
    applied(directory)
    own_campus.set(campus.group_dn("physics-students"), member=[dn_of("eleni"), dn_of("nikos")])
    for name in ("eleni", "anna"):
        assert authenticate(HttpRequest(), username=name, password=password_of(name))
    assert members(shared) == {"eleni", "nikos"}
    assert DirectorySync.objects.get().removed_at_login == 1
    assert synced(directory).outcome == SyncRun.Outcome.DONE
    assert DirectorySync.objects.get().removed_at_login == 0


def test_logins_take_no_more_than_the_brake_allows(
    own_campus: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(own_campus)
    rule(own_campus, directory, account=shared)
    applied(directory)
    runs.change_sync(SYSTEM, directory, brake_least=1, brake_percent=1)
    own_campus.delete(campus.group_dn("students"))
    for name in ("anna", "eleni"):
        assert authenticate(HttpRequest(), username=name, password=password_of(name))
    assert members(shared) == {"eleni", "nikos", "petros"}


def test_who_logs_in_while_a_run_is_under_way_is_not_changed_by_it(
    own_campus: Campus, directory_of: Make, shared: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run read the directory before anna came into the group; her login is the newer truth."""
    from apps.accounts.directory import running

    directory = directory_of(own_campus)
    rule(own_campus, directory, "physics-students", account=shared)
    own_campus.set(campus.group_dn("physics-students"), member=[dn_of("nikos"), dn_of("anna")])
    applied(directory)
    read = running.read

    def slow(config: Any) -> Any:
        own_campus.set(campus.group_dn("physics-students"), member=[dn_of("nikos")])
        found = read(config)
        own_campus.set(campus.group_dn("physics-students"), member=[dn_of("nikos"), dn_of("anna")])
        assert authenticate(HttpRequest(), username="anna", password=password_of("anna"))
        return found

    monkeypatch.setattr(running, "read", slow)
    run = synced(directory)
    assert run.outcome == SyncRun.Outcome.HELD or run.counts.get("membership.remove")
    if run.outcome == SyncRun.Outcome.HELD:
        run = settle(runs.release(SYSTEM, run))
    assert members(shared) == {"anna", "nikos"}


def test_duplicate_mails_and_look_alike_names(
    own_campus: Campus, directory_of: Make, shared: Account
) -> None:
    directory = directory_of(own_campus)
    User.objects.create_user("zeta")
    twice: Any = (("dup1", {"mail": ["x@a.example"]}), ("dup2", {"mail": ["x@a.example"]}), ("zeta", {}))
    for uid, more in twice:
        own_campus.add_person(uid, **more)
    own_campus.add_person("\u0430nna2", mail=["x@b.example"])  # a Cyrillic letter
    below = {"match": "ou", "match_name": "", "match_value": f"ou=physics,{campus.PEOPLE}"}
    rule(own_campus, directory, name="Physics", account=shared, **below)
    run = applied(directory)
    assert {"dup1", "dup2"} <= members(shared)
    assert "zeta" not in members(shared)
    assert User.objects.filter(email="x@a.example").count() == 2
    assert sorted(note[0] for note in run.notes) == ["name_taken", "not_a_username"]
    assert not User.objects.filter(username__startswith="\u0430").exists()


@pytest.mark.parametrize("many", [1_200, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_large_group_and_groups_that_loop(directory_of: Make, shared: Account, many: int) -> None:
    """More than a page of the directory's and more than two portions of a run."""
    crowd = [
        (f"uid=c{number},ou=law,{campus.PEOPLE}", person_entry(f"c{number}", hashed=False))
        for number in range(many)
    ]
    names = ("big", "loop")
    big, loop = ({"objectClass": ["groupOfNames"], "cn": [name]} for name in names)
    big["member"] = [*(dn for dn, _attributes in crowd), campus.group_dn("loop")]
    loop["member"] = [campus.group_dn("big")]
    groups = [(campus.group_dn(name), entry) for name, entry in zip(names, (big, loop), strict=True)]
    with Campus([*crowd, *groups]) as server:
        directory = directory_of(server, deadline_seconds=30)
        rule(server, directory, "loop", account=shared)
        run = applied(directory)
    assert run.counts["membership.add"] == many
    assert shared.memberships.count() == many
    assert DirectoryPerson.objects.count() == many
