"""The pages of mappings and leavers, for those who may and those who may not."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.directory import leavers, mapping, running, runs, services
from apps.accounts.directory.entries import PersonEntry
from apps.accounts.models import (
    Account,
    Directory,
    DirectoryGroup,
    Grant,
    Group,
    LeftBehind,
    MappingRule,
    Membership,
    SyncRun,
    User,
)
from apps.accounts.roles.ready import AUDITOR, DOMAIN_ADMIN, USER, ready
from apps.core.errors import PermissionDenied
from apps.portal.mapping.forms import SHOWN_FOR
from tests.directory.plans import BASE, person, snapshot
from tests.factories import make_account, make_domain, make_user

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")


@pytest.fixture
def campus() -> Directory:
    found = services.create_directory(
        SYSTEM, kind="openldap", name="Campus", servers=["ldaps://a.example.org"], people_bases=[BASE]
    )
    group = Group.objects.create(name="students")
    DirectoryGroup.objects.create(group=group, directory=found, key="students", dn="cn=students")
    return found


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user(super_admin=True))
    return client


def look(run: SyncRun, *people: PersonEntry) -> SyncRun:
    """What the job does, with these people in place of the directory's answer."""
    running.observe(run)
    running.keep_plan(run, snapshot(*people))
    running.make_portion(run)
    running.finish(run)
    return run


def given(own: Account, **more: str) -> dict[str, str]:
    plain = {"name": "Students", "match": "group", "group": "students", "gives": "account"}
    rest = {"account": str(own.uuid), "role": str(ready(USER).uuid), "days_after_leaving": "0"}
    return plain | rest | {"enabled": "on"} | more


def test_the_form_marks_what_belongs_to_a_kind_and_takes_nothing_of_the_others(
    admin: Client, campus: Directory
) -> None:
    account = make_account()
    at = f"/directories/{campus.uuid}/mapping/new/"
    page = admin.get(at).content.decode()
    for name, kinds in SHOWN_FOR.items():
        tag = re.search(rf'<(?:select|input)[^>]*name="{name}"[^>]*>', page)
        assert tag, name
        assert f'data-shown-for="{kinds}"' in tag[0], name
    assert "portal/shown-for" in page
    more = {"base": "ou=nowhere", "attribute": "", "value": "x", "template": "{uid}"}
    assert admin.post(at, given(account, **more)).status_code == 302
    rule = MappingRule.objects.get()
    assert (rule.match_value, rule.template, rule.domain) == ("students", "", None)


def test_rules_and_runs_are_cards_on_a_phone(admin: Client, campus: Directory) -> None:
    account = make_account()
    admin.post(f"/directories/{campus.uuid}/mapping/new/", given(account))
    look(runs.preview(SYSTEM, campus))
    page = admin.get(f"/directories/{campus.uuid}/mapping/").content.decode()
    assert page.count('<table class="table align-middle list"') == 2
    assert "portal/lists" in page
    for body in page.split("<tbody>")[1:]:
        inside = body.split("</tbody>")[0]
        assert all("data-label=" in tag for tag in re.findall(r"<t[dh] ?[^>]*>", inside))


def test_a_rule_is_added_previewed_and_applied(admin: Client, campus: Directory) -> None:
    account = make_account()
    home = f"/directories/{campus.uuid}/mapping/"
    answer = admin.post(f"{home}new/", given(account), follow=True)
    assert answer.status_code == 200
    assert "The rules were changed since they were last applied" in answer.content.decode()
    assert MappingRule.objects.get().match_name == "students"
    answer = admin.post(f"/directories/{campus.uuid}/preview/", {"act": "preview"}, follow=True)
    run = look(SyncRun.objects.get(), person("ada", groups=("students",)))
    page = admin.get(f"/directories/{campus.uuid}/runs/{run.uuid}/").content.decode()
    assert "Memberships given" in page
    assert "ada" in page
    assert run.digest in page
    from apps.jobs.models import Job, JobLock

    JobLock.objects.all().delete()
    Job.objects.all().delete()
    admin.post(f"/directories/{campus.uuid}/runs/{run.uuid}/", {"act": "apply", "digest": run.digest})
    done = look(SyncRun.objects.get(kind="sync"), person("ada", groups=("students",)))
    assert done.outcome == SyncRun.Outcome.DONE
    assert account.users.get().username == "ada"
    assert "The rules were changed" not in admin.get(home).content.decode()
    assert admin.get(f"/directories/{campus.uuid}/runs/").status_code == 200


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        ({"group": ""}, "group", "must be given"),
        ({"match": "ou", "base": "physics"}, "base", "not a distinguished name"),
        ({"match": "attribute", "value": "x", "attribute": ""}, "attribute", "is not read of people"),
        ({"account": ""}, "account", "must be given"),
        ({"gives": "template", "template": "same"}, "domain", "must be given"),
        ({"match": "ou", "base": BASE, "gives": "grant"}, "match", "given to a group"),
        ({"role": ""}, "role", "required"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(
    admin: Client, campus: Directory, more: dict[str, str], field: str, said: str
) -> None:
    answer = admin.post(f"/directories/{campus.uuid}/mapping/new/", given(make_account(), **more))
    assert answer.status_code == 422
    assert said in str(answer.context["form"].errors[field])
    assert not MappingRule.objects.exists()


def test_rules_are_ordered_and_removed(admin: Client, campus: Directory) -> None:
    home = f"/directories/{campus.uuid}/mapping/"
    for name in ("One", "Two"):
        admin.post(f"{home}new/", given(make_account(), name=name))
    two = MappingRule.objects.get(name="Two")
    admin.post(f"{home}{two.uuid}/move/", {"to": "up"})
    assert [rule.name for rule in MappingRule.objects.order_by("position")] == ["Two", "One"]
    assert admin.get(f"{home}{two.uuid}/").status_code == 200
    assert "taken away once" in admin.get(f"{home}{two.uuid}/remove/").content.decode()
    admin.post(f"{home}{two.uuid}/remove/")
    assert [rule.name for rule in MappingRule.objects.all()] == ["One"]
    settings = {"period_minutes": 30, "brake_percent": 20, "brake_least": 9, "leaver_grace_days": 3}
    assert admin.post(f"{home}settings/", settings).status_code == 302
    assert runs.sync_of(campus).brake_least == 9
    assert admin.post(f"{home}settings/", settings | {"brake_percent": 0}).status_code == 422


def test_a_role_for_a_group_is_told_with_its_place(admin: Client, campus: Directory) -> None:
    physics = make_domain()
    about = {"match": "group", "match_value": "students", "gives": "grant"}
    mapping.add_rule(SYSTEM, campus, name="Here", role=ready(DOMAIN_ADMIN), place=physics, **about)
    mapping.add_rule(SYSTEM, campus, name="All", role=ready(AUDITOR), place=None, **about)
    page = admin.get(f"/directories/{campus.uuid}/mapping/").content.decode()
    assert f"Domain admin in {physics.name}, for the group" in page
    assert "Auditor in the whole cloud, for the group" in page
    physics.delete()
    page = admin.get(f"/directories/{campus.uuid}/mapping/").content.decode()
    assert "Domain admin for the group, in a place that is gone" in page


def test_a_run_that_brings_groups_alone_does_not_say_that_nothing_changes(
    admin: Client, campus: Directory
) -> None:
    run = runs.preview(SYSTEM, campus)
    running.observe(run)
    running.keep_plan(run, snapshot(groups=("students", "teachers")))
    running.finish(run)
    page = admin.get(f"/directories/{campus.uuid}/runs/{run.uuid}/").content.decode()
    assert "only groups change" in page
    assert "teachers" in page
    assert "Nothing is to be changed" not in page


@pytest.mark.parametrize("path", ["mapping/", "mapping/new/", "mapping/settings/", "preview/", "runs/"])
def test_to_everybody_else_there_is_nothing_here(client: Client, campus: Directory, path: str) -> None:
    client.force_login(make_user(make_account()))
    assert client.get(f"/directories/{campus.uuid}/{path}").status_code == 404
    assert client.post(f"/directories/{campus.uuid}/{path}").status_code == 404
    assert not SyncRun.objects.exists()


def test_an_auditor_looks_and_changes_nothing(client: Client, campus: Directory) -> None:
    auditor = make_user()
    Grant.objects.create(user=auditor, role=ready(AUDITOR), scope="global")
    client.force_login(auditor)
    assert client.get(f"/directories/{campus.uuid}/mapping/").status_code == 200
    assert client.get(f"/directories/{campus.uuid}/mapping/new/").status_code == 403
    assert client.post(f"/directories/{campus.uuid}/preview/").status_code == 403
    assert not SyncRun.objects.exists()


def test_nobody_writes_a_rule_that_gives_more_than_they_hold(campus: Directory) -> None:
    from apps.accounts.models import Role

    role = Role.objects.create(name="Mappers", rules=[["allow", "mapping.*"], ["allow", "*.read"]])
    user = make_user()
    Grant.objects.create(user=user, role=role, scope="global")
    rule = {"name": "Me", "match": "group", "match_value": "students", "gives": "account"}
    with pytest.raises(PermissionDenied) as refused:
        mapping.add_rule(Actor(user), campus, **rule, account=make_account(), role=ready(USER))
    assert refused.value.params["reason"] == "more_than_you_hold"


@pytest.fixture
def left(campus: Directory) -> LeftBehind:
    domain = make_domain()
    account = make_account(domain)
    gone = make_user(account)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    return LeftBehind.objects.create(account=account, user=gone, directory=campus, stops_at=timezone.now())


def test_a_domains_admin_hands_over_what_a_leaver_left(client: Client, left: LeftBehind) -> None:
    domain = left.account.domain
    boss, heir = make_user(), make_user(make_account(domain))
    Grant.objects.create(user=boss, role=ready(DOMAIN_ADMIN), scope="domain", domain=domain)
    client.force_login(boss)
    assert left.account.name in client.get("/leavers/").content.decode()
    page = f"/leavers/{left.uuid}/"
    assert client.get(page).status_code == 200
    wrong = client.post(page, {"act": "hand_over", "username": "nobody-here"})
    assert wrong.status_code == 422
    assert client.post(page, {"act": "keep"}).status_code == 302
    left.refresh_from_db()
    assert left.kept_at
    assert client.post(page, {"act": "hand_over", "username": heir.username}).status_code == 302
    assert Membership.objects.filter(user=heir, account=left.account).exists()
    assert not LeftBehind.objects.exists()
    assert client.get(page).status_code == 404


def test_a_siblings_admin_sees_nothing_of_it(client: Client, left: LeftBehind) -> None:
    other = make_user()
    Grant.objects.create(user=other, role=ready(DOMAIN_ADMIN), scope="domain", domain=make_domain())
    client.force_login(other)
    assert left.account.name not in client.get("/leavers/").content.decode()
    page = f"/leavers/{left.uuid}/"
    assert client.get(page).status_code == 404
    assert client.post(page, {"act": "keep"}).status_code == 404
    left.refresh_from_db()
    assert left.kept_at is None


def test_what_somebody_has_again_is_handed_over_to_nobody(left: LeftBehind) -> None:
    Membership.objects.create(user=make_user(), account=left.account)
    with pytest.raises(Exception, match="state"):
        leavers.hand_over(SYSTEM, left, user=make_user())
