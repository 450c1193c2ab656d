"""Who acts for an account, and who decides on that."""

from __future__ import annotations

import pytest

from apps.accounts.members import add_member, change_member, is_last_admin, remove_member
from apps.accounts.models import Account, Membership, User
from apps.accounts.roles.ready import ready
from apps.accounts.services import create_account, create_user
from apps.core.errors import InvalidInput, NotFound, PermissionDenied
from apps.jobs.models import Event
from tests import factories
from tests.accounts.rights import SYSTEM, Campus, acting, custom, give, make_campus, may

pytestmark = pytest.mark.django_db


@pytest.fixture
def campus() -> Campus:
    return make_campus()


def role_of(user: User, account: Account) -> str:
    return Membership.objects.get(user=user, account=account).role.name


def test_a_member_is_added_as_user_unless_a_role_is_given(campus: Campus) -> None:
    add_member(acting(campus.head), campus.in_lab, user=campus.pupil)
    assert role_of(campus.pupil, campus.in_lab) == "user"
    add_member(acting(campus.head), campus.in_lab, user=campus.head, role=ready("project-admin"))
    assert role_of(campus.head, campus.in_lab) == "project-admin"
    assert Event.objects.filter(kind="account.add_member", account=campus.in_lab).count() == 2


def test_plain_members_add_nobody(campus: Campus) -> None:
    with pytest.raises(PermissionDenied):
        add_member(acting(campus.pupil), campus.in_school, user=campus.pupil)
    with pytest.raises(NotFound):
        add_member(acting(campus.pupil), campus.in_lab, user=campus.pupil)


def test_a_project_admin_gives_no_more_than_that(campus: Campus) -> None:
    add_member(SYSTEM, campus.in_lab, user=campus.pupil, role=ready("project-admin"))
    greater = custom(None, "vm.*", "account.move")
    with pytest.raises(PermissionDenied) as caught:
        change_member(acting(campus.pupil), campus.in_lab, user=campus.worker, role=greater)
    assert caught.value.params["reason"] == "more_than_you_hold"
    change_member(acting(campus.pupil), campus.in_lab, user=campus.worker, role=ready("project-admin"))
    assert may(campus.worker, "account.add_member", campus.in_lab)


def test_a_role_that_no_account_can_give_is_refused(campus: Campus) -> None:
    for key in ("domain-admin", "super-admin", "simple-admin"):
        with pytest.raises(InvalidInput):
            change_member(acting(campus.chief), campus.in_lab, user=campus.worker, role=ready(key))


def test_nobody_changes_their_own_role(campus: Campus) -> None:
    add_member(SYSTEM, campus.in_lab, user=campus.pupil, role=ready("project-admin"))
    with pytest.raises(InvalidInput) as caught:
        change_member(acting(campus.pupil), campus.in_lab, user=campus.pupil, role=ready("user"))
    assert caught.value.params["reason"] == "not_to_yourself"


def test_who_is_more_is_neither_changed_nor_removed(campus: Campus) -> None:
    add_member(SYSTEM, campus.in_lab, user=campus.pupil, role=ready("project-admin"))
    Membership.objects.filter(user=campus.worker).update(role=custom(None, "vm.*", "quota.set"))
    for act in (change_member, remove_member):
        more = {"role": ready("user")} if act is change_member else {}
        with pytest.raises(PermissionDenied) as caught:
            act(acting(campus.pupil), campus.in_lab, user=campus.worker, **more)
        assert caught.value.params["reason"] == "member_is_more_than_you"


def test_a_role_with_the_right_to_add_gives_no_more_than_itself(campus: Campus) -> None:
    """The default is a role too: who may not start machines lets nobody in who may."""
    clerk = factories.make_user(factories.make_account(campus.school))
    give(None, clerk, custom(None, "account.*", "user.*"), campus.school)
    with pytest.raises(PermissionDenied):
        add_member(acting(clerk), campus.in_school, user=clerk)
    with pytest.raises(PermissionDenied):
        create_user(acting(clerk), username="friend", account=campus.in_school)
    with pytest.raises(PermissionDenied):
        create_account(acting(clerk), name="mine", domain=campus.school, members=[clerk])


def test_a_domain_admin_makes_users_in_accounts_of_the_domain(campus: Campus) -> None:
    user = create_user(acting(campus.head), username="new", account=campus.in_lab)
    assert Membership.objects.get(user=user).granted_by == campus.head
    with pytest.raises(NotFound):
        create_user(acting(campus.head), username="other", account=campus.in_sibling)


def test_the_last_admin_is_known_and_can_go(campus: Campus) -> None:
    add_member(SYSTEM, campus.in_lab, user=campus.pupil, role=ready("project-admin"))
    row = Membership.objects.select_related("role").get(user=campus.pupil, account=campus.in_lab)
    assert is_last_admin(row)
    change_member(acting(campus.head), campus.in_lab, user=campus.worker, role=ready("project-admin"))
    assert not is_last_admin(row)
    remove_member(acting(campus.pupil), campus.in_lab, user=campus.pupil)
    with pytest.raises(NotFound):
        remove_member(acting(campus.head), campus.in_lab, user=campus.pupil)
