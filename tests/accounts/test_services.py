"""Users, accounts, domains and quotas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.members import add_member
from apps.accounts.models import Account, Domain, Membership, Quota, User
from apps.accounts.quota_services import set_quota
from apps.accounts.services import (
    create_account,
    create_domain,
    create_root_domain,
    create_user,
    set_active,
)
from apps.compute import placement
from apps.core.errors import CloudError, InvalidInput, NameTaken, NotFound
from apps.jobs.models import Event
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system("a test")


@pytest.fixture
def root() -> Domain:
    return create_root_domain()


def test_there_is_one_root(root: Domain) -> None:
    assert create_root_domain() == root
    assert root.path == f"/{root.pk}/"
    assert Quota.objects.filter(domain=root).count() == 1


def test_a_domains_path_is_the_chain_of_its_parents(root: Domain) -> None:
    school = create_domain(OPERATOR, name="School", parent=root)
    lab = create_domain(OPERATOR, name="Lab", parent=school)
    assert lab.ancestor_ids() == [root.pk, school.pk, lab.pk]


def test_names_are_taken_whatever_their_accents_and_capitals(root: Domain) -> None:
    create_domain(OPERATOR, name="Σχολή", parent=root)
    create_account(OPERATOR, name="Φυσική", domain=root)
    create_user(OPERATOR, username="anna")
    with pytest.raises(NameTaken):
        create_domain(OPERATOR, name="ΣΧΟΛΗ", parent=root)
    with pytest.raises(NameTaken):
        create_account(OPERATOR, name="φυσικη", domain=root)
    with pytest.raises(NameTaken) as caught:
        create_user(OPERATOR, username="anna")
    assert caught.value.place == "username"
    assert User.objects.count() == 1


def test_a_new_user_has_an_account_and_no_password(root: Domain) -> None:
    user = create_user(OPERATOR, username="eleni", full_name="Ελένη", email="eleni@example.org")
    assert not user.has_usable_password()
    account = user.accounts.get()
    assert (account.name, account.domain) == ("eleni", root)
    assert Quota.objects.filter(account=account).exists()
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {"user.create", "account.create"} <= kinds


def test_two_users_do_not_differ_by_capitals_alone(root: Domain) -> None:
    create_user(OPERATOR, username="eleni", domain=root)
    with pytest.raises(NameTaken) as caught:
        create_user(OPERATOR, username="eLeni", domain=root)
    assert caught.value.place == "username"


def test_a_user_joins_an_account_that_is_given(root: Domain) -> None:
    account = create_account(OPERATOR, name="Lab", domain=root)
    user = create_user(OPERATOR, username="nikos", account=account)
    assert list(user.accounts.all()) == [account]
    add_member(OPERATOR, account, user=user)
    assert Membership.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"username": ""}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "Ελένη"}, "username"),
        ({"username": "\u0430nna"}, "username"),  # a Cyrillic letter
        ({"username": "ann\uff41"}, "username"),
        ({"username": "anna\u200b"}, "username"),
        ({"username": "\u212aate"}, "username"),  # the Kelvin sign, whose small letter is k
        ({"username": "x" * 101}, "username"),
        ({"username": "a", "email": "nobody"}, "email"),
        ({"username": "a", "full_name": "a\nb"}, "full_name"),
    ],
)
def test_a_user_that_makes_no_sense_is_refused(given: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        create_user(OPERATOR, **given)
    assert caught.value.place == place
    assert not User.objects.exists()


def test_members_do_none_of_this(root: Domain) -> None:
    account = create_account(OPERATOR, name="Lab", domain=root)
    user = create_user(OPERATOR, username="nikos", account=account)
    actor = Actor(user)
    acts: list[Callable[[], object]] = [
        lambda: create_user(actor, username="friend"),
        lambda: create_account(actor, name="Mine", domain=root),
        lambda: create_domain(actor, name="Mine", parent=root),
        lambda: set_quota(actor, account, limits={"vcpus": None}),
        lambda: add_member(actor, account, user=user),
        lambda: set_active(actor, user, active=False),
    ]
    before = (User.objects.count(), Account.objects.count(), Domain.objects.count(), Event.objects.count())
    for act in acts:
        with pytest.raises(CloudError) as caught:
            act()
        assert caught.value.status in {403, 404}
    assert before == (
        User.objects.count(),
        Account.objects.count(),
        Domain.objects.count(),
        Event.objects.count(),
    )


def test_an_operator_does_not_lock_himself_out(root: Domain) -> None:
    admin = factories.make_user(super_admin=True)
    with pytest.raises(InvalidInput):
        set_active(Actor(admin), admin, active=False)
    assert set_active(OPERATOR, admin, active=False).is_active is False
    with pytest.raises(NotFound):
        create_user(Actor(admin), username="friend")


def test_setting_a_quota_counts_what_is_used_anew() -> None:
    """Also for an account that had no quota row, and one whose count had drifted."""
    zone = factories.make_zone()
    account = factories.make_account()
    factories.make_vm(zone, account=account, vcpus=2, memory_mib=2048, disks_gib=(10, 5), nics=2)
    Quota.objects.filter(account=account).delete()
    row = set_quota(OPERATOR, account, limits={"vcpus": 3, "machines": None})
    expected = {"machines": 1, "vcpus": 2, "memory_mib": 2048, "storage_gib": 15, "addresses": 2}
    assert {name: getattr(row, f"used_{name}") for name in expected} == expected
    assert (row.max_vcpus, row.max_machines) == (3, None)
    Quota.objects.filter(domain=account.domain).update(used_vcpus=77)
    assert set_quota(OPERATOR, account.domain, limits={}).used_vcpus == 2
    assert placement.recount() == []


def test_a_limit_below_what_is_used_only_stops_growth() -> None:
    zone = factories.make_zone()
    account = factories.make_account()
    vm = factories.make_vm(zone, account=account, vcpus=4)
    assert set_quota(OPERATOR, account, limits={"vcpus": 1}).used_vcpus == 4
    vm.refresh_from_db()
    assert vm.state == "Starting"


@pytest.mark.parametrize("limits", [{"cores": 1}, {"vcpus": -1}, {"vcpus": 10**13}, {"vcpus": "5"}])
def test_limits_have_names_and_bounds(limits: dict[str, int | None]) -> None:
    with pytest.raises(InvalidInput):
        set_quota(OPERATOR, factories.make_account(), limits=limits)
