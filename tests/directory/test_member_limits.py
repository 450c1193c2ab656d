"""Limits that a rule sets of members, the order of rules, and memberships that were changed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts import members
from apps.accounts.directory import mapping, running, runs
from apps.accounts.directory.differences import differences
from apps.accounts.directory.services import create_directory
from apps.accounts.models import Account, Directory, MappingRule, Membership, Quota, User
from apps.accounts.roles.ready import PROJECT_ADMIN, USER, ready
from apps.core.errors import InvalidInput
from apps.jobs.models import Event
from apps.jobs.people import told
from tests import factories
from tests.api.client import Api
from tests.directory.plans import person, snapshot
from tests.directory.syncing import SYSTEM, applied, settle, synced
from tests.portal.browsing import client_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]
ANNA, NIKOS = person("anna", groups=("staff",)), person("nikos", groups=("staff",))


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The last of it is what the directory shows."""
    what: list[Any] = [snapshot(ANNA, NIKOS, groups=("staff",))]
    monkeypatch.setattr(running, "read", lambda _config: what[-1])
    return what


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def directory() -> Directory:
    given = {"name": "campus", "servers": ["ldaps://127.0.0.1:1"], "people_bases": ["dc=campus"]}
    return create_directory(SYSTEM, kind="openldap", **given)


def add_rule(directory: Directory, account: Account, **more: Any) -> MappingRule:
    given: dict[str, Any] = {"name": "Staff", "match": "group"}
    given |= {"match_name": "staff", "match_value": "staff"}
    given |= {"gives": "account", "account": account, "role": ready(USER)}
    return mapping.add_rule(SYSTEM, directory, **{**given, **more})


def limits_of(account: Account) -> dict[str, dict[str, int]]:
    rows = Quota.objects.filter(within=account).select_related("user")
    return {
        str(row.user): {name: found for name in Quota.RESOURCES if (found := row.limit(name)) is not None}
        for row in rows
    }


def test_each_member_gets_the_limits_of_the_rule_and_follows_its_changes(
    directory: Directory, account: Account
) -> None:
    rule = add_rule(directory, account, limits={"machines": 2, "vcpus": 4, "volumes": None})
    assert rule.limits == {"machines": 2, "vcpus": 4}
    applied(directory)
    both = {"anna": {"machines": 2, "vcpus": 4}, "nikos": {"machines": 2, "vcpus": 4}}
    assert limits_of(account) == both
    assert synced(directory).counts == {}
    Quota.objects.filter(within=account, user__username="anna").update(max_machines=50)
    assert synced(directory).counts == {"membership.change": 1}
    assert limits_of(account) == both
    mapping.change_rule(SYSTEM, rule, limits={"machines": 3})
    assert applied(directory).counts == {"membership.change": 2}
    assert limits_of(account) == {"anna": {"machines": 3}, "nikos": {"machines": 3}}
    data = told(Event.objects.filter(kind="directory.change_memberships").order_by("-id")[0])[0]
    assert data["limited"] == [account.name]


def test_previews_and_events_say_from_what_to_what_a_limit_changes(
    directory: Directory, account: Account
) -> None:
    rule = add_rule(directory, account, limits={"machines": 2, "vcpus": 4})
    applied(directory)
    mapping.change_rule(SYSTEM, rule, limits={"machines": 3})
    chief = factories.make_user(super_admin=True)
    preview = settle(runs.preview(SYSTEM, directory))
    rows = Api(chief).get(f"sync-runs/{preview.uuid}/changes/").json()["changes"]
    assert [row["changes"] for row in rows] == [{"max_machines": [2, 3], "max_vcpus": [4, None]}] * 2
    browser = client_of(chief)
    page = browser.get(f"/directories/{directory.uuid}/runs/{preview.uuid}/").text
    assert page.count("Virtual machines: 2 → 3") == 2
    assert page.count("vCPUs: 4 → no limit") == 2
    settle(runs.apply(SYSTEM, preview, seen=preview.digest))
    events = Event.objects.filter(kind="quota.limit_member").order_by("-id")
    assert [event.changes for event in events] == [
        *[{"max_machines": [2, 3], "max_vcpus": [4, None]}] * 2,
        *[{"max_machines": [None, 2], "max_vcpus": [None, 4]}] * 2,
    ]
    assert {told(event)[0]["user"] for event in events} == {"anna", "nikos"}
    assert {event.account for event in events} == {account}
    lines = browser.get("/events/", {"kind": "quota.limit_member"}).text
    assert lines.count("Virtual machines: 2 → 3 · vCPUs: 4 → no limit") == 2
    rule_line = browser.get("/events/", {"kind": "mapping.change_rule"}).text
    assert "Virtual machines: 2 → 3 · vCPUs: 4 → no limit" in rule_line


def test_a_preview_is_outdated_where_a_limit_was_changed_by_hand_since(
    directory: Directory, account: Account
) -> None:
    rule = add_rule(directory, account, limits={"machines": 2})
    applied(directory)
    mapping.change_rule(SYSTEM, rule, limits={"machines": 3})
    preview = settle(runs.preview(SYSTEM, directory))
    Quota.objects.filter(within=account, user__username="anna").update(max_machines=50)
    assert settle(runs.apply(SYSTEM, preview, seen=preview.digest)).outcome == "outdated"


def test_the_first_limits_of_a_member_are_previewed_from_no_limit(
    directory: Directory, account: Account
) -> None:
    add_rule(directory, account, limits={"machines": 2})
    preview = settle(runs.preview(SYSTEM, directory))
    stored = preview.changes.filter(kind="membership.add")
    assert [found["max_machines"] for found in differences(stored)] == [[None, 2]] * 2
    assert [found["role"] for found in differences(stored)] == [[None, "user"]] * 2


def test_a_rule_without_limits_leaves_those_set_by_hand(directory: Directory, account: Account) -> None:
    add_rule(directory, account)
    applied(directory)
    Quota.objects.create(within=account, user=User.objects.get(username="anna"), max_vcpus=1)
    assert synced(directory).counts == {}
    assert limits_of(account) == {"anna": {"vcpus": 1}}


def test_what_a_new_member_has_there_already_is_counted(directory: Directory, account: Account) -> None:
    add_rule(directory, account)
    applied(directory)
    anna = User.objects.get(username="anna")
    factories.make_vm(factories.make_zone(), account=account, created_by=anna)
    mapping.change_rule(SYSTEM, MappingRule.objects.get(), limits={"machines": 5})
    applied(directory)
    assert Quota.objects.get(within=account, user=anna).used_machines == 1
    assert Quota.objects.get(within=account, user__username="nikos").used_machines == 0


@pytest.mark.parametrize("limits", [{"pizzas": 1}, {"machines": -1}, {"machines": "2"}, [1], "all"])
def test_limits_that_are_none_are_refused(directory: Directory, account: Account, limits: Any) -> None:
    with pytest.raises(InvalidInput):
        add_rule(directory, account, limits=limits)
    assert not MappingRule.objects.exists()


def test_the_role_of_a_group_limits_nobody(directory: Directory, account: Account) -> None:
    rule = add_rule(directory, account, limits={"machines": 2})
    mapping.change_rule(SYSTEM, rule, gives="grant", place=account.domain)
    rule.refresh_from_db()
    assert rule.limits == {}


def test_over_rest_limits_are_set_and_rules_are_put_in_order(directory: Directory, account: Account) -> None:
    api = Api(factories.make_user(super_admin=True))
    first, second = add_rule(directory, account), add_rule(directory, account, name="Others")
    changed = api.patch(f"mapping-rules/{first.uuid}/", {"limits": {"machines": 2, "vcpus": None}})
    assert (changed.status_code, changed.json()["limits"]) == (200, {"machines": 2})
    wrong = api.patch(f"mapping-rules/{first.uuid}/", {"limits": {"pizzas": 2}})
    assert wrong.status_code == 422
    order = [str(second.uuid), str(first.uuid)]
    answer = api.post("mapping-rules/order/", {"directory": str(directory.uuid), "rules": order})
    assert [row["id"] for row in answer.json()["rules"]] == order
    assert list(MappingRule.objects.order_by("position")) == [second, first]
    lost = api.post("mapping-rules/order/", {"directory": str(directory.uuid), "rules": order[:1]})
    assert (lost.status_code, lost.json()["params"]["reason"]) == (422, "not_all_rules")
    member = Api(factories.make_user(account))
    refused = member.post("mapping-rules/order/", {"directory": str(directory.uuid), "rules": order})
    assert refused.status_code == 403


def test_the_page_sets_limits(directory: Directory, account: Account) -> None:
    browser, rule = client_of(factories.make_user(super_admin=True)), add_rule(directory, account)
    rule = mapping.change_rule(SYSTEM, rule, match="ou", match_value="ou=a,dc=a")
    given = {
        "name": "Staff",
        "match": "ou",
        "base": "ou=a,dc=a",
        "gives": "account",
        "account": str(account.uuid),
        "role": str(ready(USER).uuid),
        "days_after_leaving": "0",
        "enabled": "on",
    }
    at = f"/directories/{directory.uuid}/mapping/{rule.uuid}/"
    assert browser.post(at, {**given, "machines": "7", "vcpus": ""}).status_code == 302
    rule.refresh_from_db()
    assert rule.limits == {"machines": 7}
    assert 'value="7"' in browser.get(at).text
    refused = browser.post(at, {**given, "machines": "-1"})
    assert (refused.status_code, 'id="id_machines_error"' in refused.text) == (422, True)


def test_a_membership_says_which_rule_gave_it_and_changed_by_hand_is_no_syncs_any_more(
    directory: Directory, account: Account, shown: list[Any]
) -> None:
    add_rule(directory, account)
    applied(directory)
    chief = factories.make_user(super_admin=True)
    anna = User.objects.get(username="anna")
    rows = Api(chief).get(f"accounts/{account.uuid}/members/").json()["members"]
    assert {row["user"]["name"]: row["rule"] for row in rows} == {"anna": "Staff", "nikos": "Staff"}
    browser = client_of(chief)
    assert "by the rule Staff" in browser.get(f"/accounts/{account.uuid}/").text
    at = f"/accounts/{account.uuid}/members/{anna.uuid}/"
    assert "comes from the rule Staff" in browser.get(at).text
    members.change_member(SYSTEM, account, user=anna, role=ready(PROJECT_ADMIN))
    changes = told(Event.objects.filter(kind="account.change_member").order_by("-id")[0])[1]
    assert changes["rule"] == ["Staff", None]
    assert synced(directory).counts == {}
    assert "comes from the rule" not in browser.get(at).text
    shown.append(snapshot(person("anna"), person("nikos"), groups=("staff",)))
    synced(directory)
    assert list(Membership.objects.filter(account=account).values_list("user__username", flat=True)) == [
        "anna"
    ]


def test_a_membership_removed_by_hand_comes_again(directory: Directory, account: Account) -> None:
    add_rule(directory, account)
    applied(directory)
    members.remove_member(SYSTEM, account, user=User.objects.get(username="anna"))
    assert synced(directory).counts == {"membership.add": 1}
