"""What somebody gave on the strength of a group ends with the sync, or the login, that takes them out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.directory import mapping, running
from apps.accounts.directory.after_login import after_login
from apps.accounts.directory.services import create_directory
from apps.accounts.grants import grant_role
from apps.accounts.models import Directory, DirectoryPerson, Grant, MappingRule, Membership, User
from apps.accounts.recheck import recheck
from apps.accounts.roles.ready import AUDITOR, DOMAIN_ADMIN, PROJECT_ADMIN, ready
from apps.accounts.services import create_root_domain
from tests.directory.plans import person, snapshot
from tests.directory.syncing import SYSTEM, applied, synced
from tests.factories import make_account, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]
STAFF = person("anna", groups=("staff",))
NO_LONGER = person("anna")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The last of it is what the directory shows."""
    what: list[Any] = [snapshot(STAFF, person("nikos", groups=("staff",)), groups=("staff",))]
    monkeypatch.setattr(running, "read", lambda _config: what[-1])
    return what


def followed() -> Directory:
    """Its staff administer the whole tree; anna has let an auditor in."""
    given = {"name": "campus", "servers": ["ldaps://127.0.0.1:1"], "people_bases": ["dc=campus"]}
    directory = create_directory(SYSTEM, kind="openldap", **given)
    staff = {"name": "Staff", "match": "group", "match_name": "staff", "match_value": "staff"}
    root = create_root_domain()
    mapping.add_rule(SYSTEM, directory, **staff, gives="grant", role=ready(DOMAIN_ADMIN), place=root)
    applied(directory)
    anna = User.objects.get(username="anna")
    grant_role(Actor(anna), role=ready(AUDITOR), place=root, user=make_user(make_account()))
    assert auditors() == 1
    return directory


def auditors() -> int:
    return Grant.objects.in_force().filter(role=ready(AUDITOR)).count()


def test_who_leaves_a_group_leaves_nothing_given_behind(shown: list[Any]) -> None:
    directory = followed()
    assert synced(directory).counts == {}
    assert auditors() == 1
    shown.append(snapshot(NO_LONGER, person("nikos", groups=("staff",)), groups=("staff",)))
    assert synced(directory).counts == {"group.remove_people": 1}
    assert auditors() == 0


def test_who_holds_it_otherwise_goes_on_giving(shown: list[Any]) -> None:
    directory = followed()
    Grant.objects.create(
        user=User.objects.get(username="anna"),
        role=ready(DOMAIN_ADMIN),
        scope="domain",
        domain=create_root_domain(),
    )
    shown.append(snapshot(NO_LONGER, person("nikos", groups=("staff",)), groups=("staff",)))
    synced(directory)
    assert auditors() == 1


def test_a_rule_that_goes_takes_what_was_given_on_its_strength(shown: list[Any]) -> None:
    directory = followed()
    mapping.remove_rule(SYSTEM, MappingRule.objects.get())
    assert applied(directory).counts == {"grant.remove": 2}
    assert auditors() == 0


def test_who_is_kept_out_gives_nothing_any_more(shown: list[Any]) -> None:
    directory = followed()
    shown.append(snapshot(person("nikos", groups=("staff",)), groups=("staff",)))
    assert synced(directory).counts["user.keep_out"] == 1
    assert auditors() == 0


def test_a_login_that_finds_somebody_out_of_a_group_does_the_same(shown: list[Any]) -> None:
    directory = followed()
    link = DirectoryPerson.objects.select_related("user").get(stable_id=STAFF.stable_id)
    with transaction.atomic():
        after_login(directory, link.user, NO_LONGER, [])
    assert auditors() == 0


def test_a_membership_that_goes_takes_what_its_holder_gave_in_the_account(shown: list[Any]) -> None:
    directory, account = followed(), make_account()
    lab = {"name": "Lab", "match": "group", "match_name": "staff", "match_value": "staff"}
    mapping.add_rule(SYSTEM, directory, **lab, gives="account", account=account, role=ready(PROJECT_ADMIN))
    applied(directory)
    nikos, other = User.objects.get(username="nikos"), make_user()
    Membership.objects.create(user=other, account=account, role=ready(PROJECT_ADMIN), granted_by=nikos)
    mine = Membership.objects.filter(user=other, account=account, role=ready(PROJECT_ADMIN))
    assert recheck([nikos.pk]) == []
    shown.append(snapshot(STAFF, person("nikos"), groups=("staff",)))
    assert synced(directory).counts["membership.remove"] == 1
    assert not mine.exists()
