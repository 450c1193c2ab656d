"""Rules whose writers lose what they give: nothing is taken from people, nothing new comes into force, and it
is told until somebody answers for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts import members
from apps.accounts.actor import Actor
from apps.accounts.closing import close_user
from apps.accounts.directory import answering, mapping, runs
from apps.accounts.grants import revoke_grant
from apps.accounts.models import Directory, Grant, Group, GroupMember, MappingRule, SyncRun, User
from apps.accounts.recheck import settle_ended
from apps.accounts.removal import remove_user
from apps.accounts.roles.ready import ready
from apps.accounts.services import set_active
from apps.accounts.tenancy import move_domain
from apps.core.errors import CloudError, PermissionDenied
from apps.jobs.models import Event
from tests import factories
from tests.accounts.rights import SYSTEM, Campus, acting, custom, give, make_campus
from tests.api.client import Api
from tests.portal.browsing import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
FOR = {"match": "group", "match_value": "students"}


@pytest.fixture
def campus() -> Campus:
    return make_campus()


@pytest.fixture
def directory() -> Directory:
    return Directory.objects.create(
        name="campus", kind="openldap", servers=["ldaps://a"], people_bases=["dc=a"], attributes=["dept"]
    )


@pytest.fixture
def keeper(campus: Campus) -> User:
    """Writes rules for the school, whose admin they are."""
    user = factories.make_user(factories.make_account(campus.school))
    give(campus.chief, user, custom(None, "mapping.*", "directory.read"), None)
    give(campus.chief, user, "domain-admin", campus.school)
    return user


def add(actor: Actor, directory: Directory, campus: Campus, **more: Any) -> MappingRule:
    given = {"gives": "account", "account": campus.in_lab, "role": ready("project-admin"), **FOR, **more}
    return mapping.add_rule(actor, directory, name=factories.numbered("rule"), **given)


def admin_grant(user: User) -> Grant:
    return Grant.objects.get(user=user, role=ready("domain-admin"))


def unanswered(rule: MappingRule) -> bool:
    rule.refresh_from_db()
    return rule.unanswered_at is not None


def test_a_rule_stays_and_is_told_once_when_its_writer_loses_what_it_gives(
    campus: Campus, directory: Directory, keeper: User
) -> None:
    rule = add(acting(keeper), directory, campus)
    other = add(SYSTEM, directory, campus)
    before = runs.current_rules(directory)
    revoke_grant(acting(campus.chief), admin_grant(keeper))
    assert (unanswered(rule), unanswered(other)) == (True, False)
    event = Event.objects.get(kind="mapping.unanswered")
    assert event.target_uuid == rule.uuid
    assert runs.current_rules(directory) == before
    set_active(acting(campus.chief), keeper, active=False)
    assert Event.objects.filter(kind="mapping.unanswered").count() == 1


LOSSES: dict[str, Any] = {
    "grant-revoked": lambda campus, user: revoke_grant(SYSTEM, admin_grant(user)),
    "kept-out": lambda campus, user: set_active(acting(clerk(campus)), user, active=False),
    "closed": lambda campus, user: close_user(acting(clerk(campus)), user),
    "domain-moved": lambda campus, user: move_domain(SYSTEM, campus.lab, parent=campus.sibling),
    "grant-ended": lambda campus, user: ended(user),
}


def clerk(campus: Campus) -> User:
    """Acts on people, holds what they do of people, and could give nothing in the lab."""
    found = User.objects.filter(username="clerk").first()
    if found is None:
        found = User.objects.create_user("clerk")
        give(None, found, "super-admin", None)
    return found


def ended(user: User) -> None:
    Grant.objects.filter(pk=admin_grant(user).pk).update(ends_at=timezone.now() - timedelta(minutes=1))
    settle_ended()


@pytest.mark.parametrize("how", ["grant-revoked", "domain-moved", "grant-ended"])
def test_however_the_writer_loses_it(campus: Campus, directory: Directory, keeper: User, how: str) -> None:
    rule = add(acting(keeper), directory, campus)
    LOSSES[how](campus, keeper)
    assert unanswered(rule)


@pytest.mark.parametrize("how", ["kept-out", "closed"])
def test_who_sees_to_somebodys_leaving_answers_for_what_they_hold_themselves(
    campus: Campus, directory: Directory, keeper: User, how: str
) -> None:
    rule = add(acting(keeper), directory, campus)
    LOSSES[how](campus, keeper)
    assert not unanswered(rule)
    assert rule.changed_by == clerk(campus)


def test_what_the_remover_does_not_hold_nobody_answers_for(campus: Campus, directory: Directory) -> None:
    writer = factories.make_user(campus.in_school)
    rules = custom(None, "mapping.*", "directory.read")
    give(campus.chief, writer, rules, None)
    members.change_member(SYSTEM, campus.in_school, user=writer, role=ready("project-admin"))
    rule = add(acting(writer), directory, campus, account=campus.in_school, role=ready("user"))
    remover = factories.make_user(factories.make_account(campus.root))
    give(campus.chief, remover, custom(None, "user.*"), None)
    give(campus.chief, remover, rules, None)
    remove_user(acting(remover), writer)
    assert unanswered(rule)
    assert rule.changed_by is None


def test_a_right_by_a_group_counts_too(campus: Campus, directory: Directory) -> None:
    group, writer = Group.objects.create(name="deans"), factories.make_user(campus.in_lab)
    give(campus.chief, writer, custom(None, "mapping.*", "directory.read"), None)
    GroupMember.objects.create(group=group, user=writer)
    row = Grant(group=group, role=ready("domain-admin"), scope="domain", domain=campus.school)
    row.once = row.identity
    row.save()
    rule = add(acting(writer), directory, campus)
    revoke_grant(SYSTEM, row)
    assert unanswered(rule)


def test_whoever_holds_it_answers_and_nobody_else(campus: Campus, directory: Directory, keeper: User) -> None:
    rule = add(acting(keeper), directory, campus)
    revoke_grant(acting(campus.chief), admin_grant(keeper))
    with pytest.raises(PermissionDenied) as caught:
        answering.answer_for(acting(keeper), rule)
    assert caught.value.params["reason"] == "more_than_you_hold"
    with pytest.raises(CloudError):
        answering.answer_for(acting(campus.head), rule)  # holds it, and writes no rules
    answering.answer_for(acting(campus.chief), rule)
    assert not unanswered(rule)
    assert rule.changed_by == campus.chief
    assert Event.objects.filter(kind="mapping.answer_for", target_uuid=rule.uuid).count() == 1


def test_what_is_not_in_force_yet_waits_for_somebody_to_answer(
    campus: Campus, directory: Directory, keeper: User
) -> None:
    rule = add(acting(keeper), directory, campus)
    run = SyncRun.objects.create(
        directory=directory,
        kind="preview",
        outcome="previewed",
        rules=runs.current_rules(directory),
        digest="seen",
    )
    revoke_grant(acting(campus.chief), admin_grant(keeper))
    with pytest.raises(CloudError) as caught:
        runs.apply(acting(campus.chief), run, seen="seen")
    assert caught.value.params == {"reason": "rule_unanswered", "name": rule.name}
    sync = runs.sync_of(directory)
    sync.rules = run.rules  # in force since before
    sync.save()
    runs.apply(acting(campus.chief), run, seen="seen")


@pytest.mark.parametrize(
    ("rules", "given", "missing"),
    [
        (("vm.*",), {}, "account.add_member"),
        (("account.add_member",), {"limits": {"machines": 1}}, "quota.limit_member"),
        ((), {"gives": "template", "template": "{uid}"}, "account.create"),
        ((), {"gives": "grant"}, "grant.create"),
    ],
)
def test_a_rule_does_nothing_that_its_writer_could_not_do_by_hand(
    campus: Campus, directory: Directory, rules: tuple[str, ...], given: dict[str, Any], missing: str
) -> None:
    writer = factories.make_user(factories.make_account(campus.school))
    give(campus.chief, writer, custom(None, "mapping.*", "directory.read"), None)
    give(campus.chief, writer, "user", campus.school)
    if rules:
        give(campus.chief, writer, custom(campus.school, *rules), campus.school)
    where = {
        "template": {"domain": campus.school, "account": None},
        "grant": {"place": campus.school, "account": None},
    }.get(given.get("gives", ""), {})
    with pytest.raises(PermissionDenied) as caught:
        add(acting(writer), directory, campus, role=ready("user"), **given, **where)
    assert missing in caught.value.params["permissions"]


def test_nobody_removes_a_rule_or_puts_one_first_that_gives_more_than_they_hold(
    campus: Campus, directory: Directory, keeper: User
) -> None:
    low = add(SYSTEM, directory, campus, role=ready("user"))
    more = add(SYSTEM, directory, campus, account=campus.in_sibling)
    high = add(SYSTEM, directory, campus)
    kept = [low.uuid, more.uuid, high.uuid]
    act = acting(keeper)
    for wanted in ([more.uuid, low.uuid, high.uuid], [more.uuid, high.uuid, low.uuid]):
        with pytest.raises(PermissionDenied) as caught:
            mapping.order_rules(act, directory, rules=wanted)
        assert caught.value.params["reason"] == "more_than_you_hold"
    with pytest.raises(PermissionDenied):
        mapping.remove_rule(act, more)
    with pytest.raises(PermissionDenied):
        mapping.change_rule(act, more, account=campus.in_lab)
    assert list(MappingRule.objects.order_by("position").values_list("uuid", flat=True)) == kept
    mapping.order_rules(act, directory, rules=[high.uuid, low.uuid, more.uuid])  # what they hold rises
    mapping.remove_rule(act, low)
    mapping.remove_rule(acting(campus.chief), more)
    assert list(MappingRule.objects.values_list("uuid", flat=True)) == [high.uuid]


def test_a_rule_whose_place_is_gone_is_removed_by_whoever_may_change_it(
    campus: Campus, directory: Directory, keeper: User
) -> None:
    gone = factories.make_domain(campus.school)
    rule = add(SYSTEM, directory, campus, gives="grant", account=None, place=gone, role=ready("domain-admin"))
    MappingRule.objects.update(place=10**9)
    mapping.remove_rule(acting(keeper), rule)
    assert not MappingRule.objects.exists()


def test_a_domain_admin_with_all_of_mappings_there_orders_no_rules_of_a_directory(
    campus: Campus, directory: Directory
) -> None:
    first, second = add(SYSTEM, directory, campus), add(SYSTEM, directory, campus)
    for where in (campus.sibling, campus.school, campus.in_lab):
        user = factories.make_user(factories.make_account(campus.sibling))
        give(campus.chief, user, custom(None, "mapping.*", "directory.*"), where)
        body = {"directory": str(directory.uuid), "rules": [str(second.uuid), str(first.uuid)]}
        assert Api(user).post("mapping-rules/order/", body).status_code == 403
        assert Api(user).post(f"mapping-rules/{first.uuid}/answer-for/").status_code == 403
    assert MappingRule.objects.order_by("position").first() == first


def test_the_pages_and_the_api_tell_of_it(campus: Campus, directory: Directory, keeper: User) -> None:
    rule = add(acting(keeper), directory, campus)
    chief, at = client_of(campus.chief), f"/directories/{directory.uuid}/mapping/"
    assert "Nobody answers for" not in chief.get("/").text + chief.get(at).text
    revoke_grant(acting(campus.chief), admin_grant(keeper))
    assert f'href="{at}#rules"' in chief.get("/").text
    page = chief.get(at).text
    assert "Nobody answers for it" in page
    assert f"written by {keeper.username}" in page
    refused = client_of(keeper).post(f"{at}{rule.uuid}/answer/", follow=True).text
    assert "gives more there than you hold yourself" in refused
    assert unanswered(rule)
    api = Api(campus.chief)
    assert api.get(f"mapping-rules/{rule.uuid}/").json()["unanswered_at"]
    assert Api(keeper).post(f"mapping-rules/{rule.uuid}/answer-for/").status_code == 403
    assert api.post(f"mapping-rules/{rule.uuid}/answer-for/").json()["unanswered_at"] is None
    Api(keeper).get("accounts/")
    MappingRule.objects.update(unanswered_at=timezone.now())
    assert "You answer for" in chief.post(f"{at}{rule.uuid}/answer/", follow=True).text
    assert not unanswered(rule)
