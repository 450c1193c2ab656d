"""Custom roles: who makes and changes them, and what a change means for who holds them."""

from __future__ import annotations

import pytest

from apps.accounts.models import Grant
from apps.accounts.roles.ready import READY, ready
from apps.accounts.roles.services import change_role, copy_role, create_role
from apps.core.errors import InvalidInput, NotFound, PermissionDenied
from tests.accounts.rights import Campus, acting, custom, give, make_campus, may

pytestmark = pytest.mark.django_db


@pytest.fixture
def campus() -> Campus:
    return make_campus()


def test_a_role_is_made_in_ones_domain(campus: Campus) -> None:
    role = create_role(acting(campus.head), name="tutor", rules=[["allow", "vm.start"]], domain=campus.lab)
    assert role.allowed.permissions() == {"vm.start"}
    with pytest.raises(NotFound):
        create_role(acting(campus.head), name="x", rules=[["allow", "vm.start"]], domain=campus.sibling)
    with pytest.raises(PermissionDenied):
        create_role(acting(campus.pupil), name="x", rules=[["allow", "vm.start"]], domain=None)


def test_a_ready_role_is_copied_with_its_rules(campus: Campus) -> None:
    role = copy_role(acting(campus.head), ready("user"), name="tutor", domain=campus.school)
    assert role.allowed.permissions() == READY["user"].rules.permissions()
    assert role.key is None
    with pytest.raises(PermissionDenied):
        copy_role(acting(campus.head), ready("super-admin"), name="god", domain=campus.school)


@pytest.mark.parametrize(
    "rules", [[], "vm.*", [["allow"]], [["may", "vm.*"]], [["allow", "vm"]], [["allow", 7]]]
)
def test_bad_rules_are_named(campus: Campus, rules: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        create_role(acting(campus.chief), name="x", rules=rules)
    assert caught.value.place.startswith("rules")


def test_a_change_is_everybodys_who_holds_it(campus: Campus) -> None:
    role = custom(campus.school, "vm.start")
    give(campus.head, campus.pupil, role, campus.in_school)
    change_role(acting(campus.head), role, rules=[["allow", "vm.start"], ["allow", "quota.set"]])
    assert may(campus.pupil, "quota.set", campus.in_school)


def test_who_changes_the_rules_answers_for_what_its_giver_does_not_hold(campus: Campus) -> None:
    role = custom(campus.school, "vm.start")
    grant = give(campus.head, campus.pupil, role, campus.in_school)
    with pytest.raises(PermissionDenied):
        change_role(acting(campus.head), role, rules=[["allow", "vm.pin"]])
    change_role(acting(campus.chief), role, rules=[["allow", "vm.pin"]])
    grant.refresh_from_db()
    assert grant.granted_by == campus.chief
    assert may(campus.pupil, "vm.pin", campus.in_school)


def test_a_narrower_role_ends_what_its_holders_gave(campus: Campus) -> None:
    role = custom(campus.school, "grant.*", "vm.start", "user.read", "role.read", "account.read")
    give(campus.head, campus.pupil, role, campus.in_school)
    lower = custom(campus.school, "grant.create")
    given = Grant.objects.create(
        user=campus.worker, role=lower, scope="account", account=campus.in_school, granted_by=campus.pupil
    )
    change_role(acting(campus.chief), role, name="the same rights")
    assert Grant.objects.in_force().filter(pk=given.pk).exists()
    change_role(acting(campus.head), role, rules=[["allow", "account.read"]])
    assert not Grant.objects.in_force().filter(pk=given.pk).exists()


def test_the_editor_does_not_take_over_their_own_grant(campus: Campus) -> None:
    role = custom(campus.school, "vm.start")
    grant = give(campus.head, campus.other_head, role, campus.school)
    give(campus.chief, campus.other_head, "domain-admin", campus.school)
    give(campus.chief, campus.other_head, custom(None, "vm.pin"), campus.school)
    change_role(acting(campus.other_head), role, rules=[["allow", "vm.pin"]])
    assert not Grant.objects.in_force().filter(pk=grant.pk).exists()
