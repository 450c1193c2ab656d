"""Nobody gives more than they hold: scopes and permissions included, whatever way they try."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.grants import extend, grant_role, revoke_grant
from apps.accounts.limits import Limits
from apps.accounts.models import Grant, Group, GroupMember
from apps.accounts.roles.ready import ready
from apps.core.errors import CloudError, InvalidInput, NotFound, PermissionDenied, StateConflict
from apps.jobs.models import Event
from tests import factories
from tests.accounts.rights import SYSTEM, Campus, acting, custom, give, make_campus, may

pytestmark = pytest.mark.django_db


@pytest.fixture
def campus() -> Campus:
    return make_campus()


def refused(campus: Campus, role: Any, place: Any, kind: type[CloudError] = PermissionDenied) -> CloudError:
    with pytest.raises(kind) as caught:
        give(campus.head, campus.worker, role, place)
    assert not Grant.objects.filter(user=campus.worker).exists()
    return caught.value


def test_a_domain_admin_grants_within_the_domain(campus: Campus) -> None:
    assert not may(campus.worker, "account.create", campus.lab)
    grant = give(campus.head, campus.worker, "domain-admin", campus.lab)
    assert may(campus.worker, "account.create", campus.lab)
    assert not may(campus.worker, "account.create", campus.school)
    assert grant.granted_by == campus.head
    event = Event.objects.get(kind="grant.create", target_uuid=grant.uuid)
    assert event.user == campus.head
    assert (event.data["role"], event.data["scope"]) == ("domain-admin", "domain")


def test_not_above_nor_beside_what_one_holds(campus: Campus) -> None:
    refused(campus, "domain-admin", campus.sibling, NotFound)
    refused(campus, "auditor", campus.in_sibling, NotFound)
    refused(campus, "domain-admin", campus.root, NotFound)
    refused(campus, "auditor", None)
    refused(campus, "super-admin", None)


def test_not_more_verbs_than_one_holds(campus: Campus) -> None:
    error = refused(campus, custom(campus.school, "vm.*"), campus.lab)
    assert error.params["reason"] == "more_than_you_hold"
    assert error.params["permissions"] == "vm.pin, vm.record_power, vm.start_paused"
    give(campus.head, campus.worker, custom(campus.school, "-vm.pin", "-vm.*_x", "vm.start"), campus.lab)


@pytest.mark.parametrize(
    "rules", [("*",), ("*.*",), ("-vm.read", "*"), ("-zone.read", "*.*"), ("host.change",)]
)
def test_patterns_are_judged_over_every_permission(campus: Campus, rules: tuple[str, ...]) -> None:
    refused(campus, custom(campus.school, *rules), campus.lab)


def test_everything_is_given_only_by_who_has_everything(campus: Campus) -> None:
    nearly = factories.make_user(factories.make_account())
    give(None, nearly, custom(None, "*.*"), None)
    with pytest.raises(PermissionDenied):
        give(nearly, campus.worker, "super-admin", None)
    give(campus.chief, campus.worker, "super-admin", None)
    assert may(campus.worker, "zone.create")


def test_a_role_of_a_domain_is_given_there_and_below_alone(campus: Campus) -> None:
    role = custom(campus.lab, "vm.start")
    assert refused(campus, role, campus.school, InvalidInput).params["reason"] == "role_of_another_domain"
    with pytest.raises(InvalidInput):
        give(campus.chief, campus.worker, role, None)
    assert give(campus.head, campus.worker, role, campus.in_lab).pk


def test_a_ready_role_is_held_where_it_makes_sense(campus: Campus) -> None:
    with pytest.raises(InvalidInput) as caught:
        give(campus.chief, campus.worker, "simple-admin", campus.school)
    assert caught.value.params["reason"] == "role_not_for_scope"


def test_a_role_of_elsewhere_is_not_known_here(campus: Campus) -> None:
    refused(campus, custom(campus.sibling, "vm.read"), campus.lab, NotFound)


def test_somebody_unseen_is_not_granted_to(campus: Campus) -> None:
    with pytest.raises(NotFound):
        give(campus.head, campus.stranger, "auditor", campus.lab)


def test_nobody_raises_themselves(campus: Campus) -> None:
    with pytest.raises(InvalidInput) as caught:
        give(campus.head, campus.head, "auditor", campus.lab)
    assert caught.value.params["reason"] == "not_to_yourself"
    give(campus.chief, campus.other_head, "domain-admin", campus.school)
    mine = Grant.objects.get(user=campus.head)
    Grant.objects.filter(pk=mine.pk).update(ends_at=timezone.now() + timedelta(days=1))
    with pytest.raises(InvalidInput):
        extend(acting(campus.head), mine, ends_at=None)


def test_members_without_the_right_grant_nothing(campus: Campus) -> None:
    with pytest.raises(PermissionDenied):
        give(campus.pupil, campus.pupil, "user", campus.in_school)
    with pytest.raises(NotFound):
        give(campus.pupil, campus.pupil, "user", campus.in_lab)


def test_a_token_gives_no_more_than_it_may(campus: Campus) -> None:
    narrow = Actor(campus.head, limits=Limits(patterns=("grant.*", "role.read", "user.read", "domain.read")))
    with pytest.raises(PermissionDenied):
        grant_role(narrow, role=ready("auditor"), place=campus.lab, user=campus.worker)


def test_a_group_holds_what_is_granted_to_it(campus: Campus) -> None:
    group = Group.objects.create(name="teachers")
    GroupMember.objects.create(group=group, user=campus.worker)
    grant_role(acting(campus.head), role=ready("domain-admin"), place=campus.lab, group=group)
    assert may(campus.worker, "account.create", campus.lab)


@pytest.mark.parametrize("both", [True, False])
def test_one_holder_is_named(campus: Campus, both: bool) -> None:
    group = Group.objects.create(name="g")
    who = {"user": campus.worker, "group": group} if both else {}
    with pytest.raises(InvalidInput) as caught:
        grant_role(acting(campus.head), role=ready("auditor"), place=campus.lab, **who)  # type: ignore[arg-type]
    assert caught.value.params["reason"] == "one_holder"


def test_the_same_is_granted_once(campus: Campus) -> None:
    give(campus.head, campus.worker, "auditor", campus.lab)
    with pytest.raises(StateConflict) as caught:
        give(campus.head, campus.worker, "auditor", campus.lab)
    assert caught.value.params["reason"] == "granted_already"


def test_a_grant_ends_on_its_day_and_can_be_given_anew(campus: Campus) -> None:
    with pytest.raises(InvalidInput):
        give(campus.head, campus.worker, "auditor", campus.lab, ends_at=timezone.now())
    soon = timezone.now() + timedelta(days=1)
    grant = give(campus.head, campus.worker, "domain-admin", campus.lab, ends_at=soon)
    assert may(campus.worker, "account.create", campus.lab)
    Grant.objects.filter(pk=grant.pk).update(ends_at=timezone.now())
    assert not may(campus.worker, "account.create", campus.lab)
    give(campus.head, campus.worker, "domain-admin", campus.lab)
    assert may(campus.worker, "account.create", campus.lab)


def test_who_extends_answers_for_it(campus: Campus) -> None:
    soon = timezone.now() + timedelta(days=1)
    grant = give(campus.chief, campus.worker, "auditor", campus.lab, ends_at=soon)
    grant = extend(acting(campus.head), grant, ends_at=None)
    assert (grant.ends_at, grant.granted_by) == (None, campus.head)
    more = give(campus.chief, campus.worker, custom(campus.lab, "vm.pin"), campus.lab, ends_at=soon)
    with pytest.raises(PermissionDenied):
        extend(acting(campus.head), more, ends_at=None)


def test_a_grant_is_taken_away_by_who_may_there(campus: Campus) -> None:
    grant = give(campus.chief, campus.worker, "domain-admin", campus.lab)
    with pytest.raises(NotFound):
        revoke_grant(acting(campus.stranger), grant)
    revoke_grant(acting(campus.head), grant)
    assert not may(campus.worker, "account.create", campus.lab)
    assert Event.objects.filter(kind="grant.revoke", target_uuid=grant.uuid, user=campus.head).exists()
    with pytest.raises(StateConflict):
        revoke_grant(acting(campus.chief), grant)


def test_a_holder_may_give_back(campus: Campus) -> None:
    grant = give(campus.head, campus.worker, "auditor", campus.lab)
    revoke_grant(acting(campus.worker), grant)
    assert not Grant.objects.in_force().filter(user=campus.worker).exists()


def test_the_grant_of_somebody_higher_is_out_of_reach(campus: Campus) -> None:
    grant = give(None, campus.worker, "auditor", None)
    with pytest.raises(NotFound):
        revoke_grant(acting(campus.head), grant)
    grant_role(SYSTEM, role=ready("auditor"), place=campus.root, user=campus.other_head)
    assert Grant.objects.in_force().filter(pk=grant.pk).exists()
