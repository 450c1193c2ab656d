"""A role that reaches everybody is no way to keep out, or to take rights from, somebody who is more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts import policy, view_as
from apps.accounts.actor import Actor
from apps.accounts.closing import close_user, reopen_user
from apps.accounts.grants import revoke_grant
from apps.accounts.limits import Limits
from apps.accounts.lockout import unlock_user
from apps.accounts.models import Grant, Group, GroupMember, Session, User
from apps.accounts.passwords import create_password_link, set_password
from apps.accounts.removal import remove_user
from apps.accounts.roles.services import change_role
from apps.accounts.services import set_active
from apps.accounts.sessions import revoke, revoke_all
from apps.accounts.tokens import create_login_link, issue_token, revoke_token
from apps.accounts.why import why
from apps.core.errors import CloudError
from apps.jobs.people import erase_names
from tests import factories
from tests.accounts.rights import SYSTEM, Campus, acting, custom, give, make_campus

pytestmark = pytest.mark.django_db
Act = Callable[[Actor, User], Any]

ACTS: dict[str, Act] = {
    "keep-out": lambda actor, user: set_active(actor, user, active=False),
    "let-in": lambda actor, user: set_active(actor, user, active=True),
    "close": close_user,
    "reopen": reopen_user,
    "remove": remove_user,
    "erase": erase_names,
    "view-as": view_as.begin,
    "end-sessions": revoke_all,
    "unlock": unlock_user,
    "password": lambda actor, user: set_password(actor, user, new="nine green kettles sing"),
    "password-link": lambda actor, user: create_password_link(actor, user=user),
    "login-link": lambda actor, user: create_login_link(actor, user=user),
}
ALL_OF_PEOPLE = ("user.*", "session.*", "token.*", "password.*", "login.*", "login_link.*", "account.read")


@pytest.fixture
def campus() -> Campus:
    return make_campus()


@pytest.fixture
def keeper(campus: Campus) -> User:
    """Everything over people, in the whole cloud, and nothing else."""
    user = factories.make_user(factories.make_account(campus.root))
    give(campus.chief, user, custom(None, *ALL_OF_PEOPLE), None)
    return user


def reason_of(act: Callable[[], Any]) -> str:
    with pytest.raises(CloudError) as caught:
        act()
    return str(caught.value.params.get("reason", ""))


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_nothing_is_done_to_a_super_admin_or_to_who_was_granted_more(
    campus: Campus, keeper: User, act: Act
) -> None:
    granted = factories.make_user()
    give(campus.chief, granted, "super-admin", None)
    for target in (campus.chief, granted, campus.head):
        before = User.objects.filter(pk=target.pk).values().get()
        assert reason_of(partial(act, acting(keeper), target)) == "user_is_more_than_you"
        assert User.objects.filter(pk=target.pk).values().get() == before


@pytest.mark.parametrize("name", ["keep-out", "close", "end-sessions", "unlock", "view-as", "erase"])
def test_ordinary_people_and_their_own_kind_are_acted_on(campus: Campus, keeper: User, name: str) -> None:
    factories.make_user(campus.in_school)
    colleague = factories.make_user(factories.make_account(campus.root))
    give(campus.chief, colleague, Grant.objects.get(user=keeper).role, None)
    give(campus.chief, campus.worker, "project-admin", campus.in_lab)  # of an account: no office
    for user in (campus.pupil, campus.worker, colleague):
        ACTS[name](acting(keeper), user)
    for user in (campus.chief, campus.head):
        ACTS[name](SYSTEM, user) if name != "view-as" else None


def test_one_session_and_one_token_of_a_super_admin_stay(campus: Campus, keeper: User) -> None:
    session = Session.objects.create(
        session_key="k", session_data="", expire_date=timezone.now(), user=campus.chief
    )
    token, _text = issue_token(SYSTEM, user=campus.chief, name="mine")
    assert reason_of(lambda: revoke(acting(keeper), session)) == "user_is_more_than_you"
    assert reason_of(lambda: revoke_token(acting(keeper), token)) == "user_is_more_than_you"
    assert Session.objects.filter(pk=session.pk).exists()


def test_a_group_that_is_more_protects_who_is_in_it(campus: Campus, keeper: User) -> None:
    group = Group.objects.create(name="heads")
    GroupMember.objects.create(group=group, user=campus.pupil)
    row = Grant(group=group, role=Grant.objects.get(user=campus.head).role, scope="domain")
    row.domain = campus.school
    row.once = row.identity
    row.save()
    assert reason_of(lambda: close_user(acting(keeper), campus.pupil)) == "user_is_more_than_you"


def test_a_narrow_token_of_who_is_enough_still_acts(campus: Campus) -> None:
    factories.make_user(campus.in_school)
    narrow = Actor(campus.chief, limits=Limits(("user.set_active",), None))
    set_active(narrow, campus.head, active=False)
    assert not User.objects.get(pk=campus.head.pk).is_active


def test_nobody_takes_away_a_grant_or_changes_a_role_that_is_more(campus: Campus) -> None:
    registrar = factories.make_user(factories.make_account(campus.root))
    give(campus.chief, registrar, custom(None, "grant.*", "role.*", "user.read"), None)
    granted = factories.make_user()
    top = give(campus.chief, granted, "super-admin", None)
    office = custom(None, "zone.*", "grant.read")
    held = give(campus.chief, granted, office, None)
    for grant in (top, held, Grant.objects.get(user=campus.head)):
        assert reason_of(partial(revoke_grant, acting(registrar), grant)) == "gives_more_than_you_hold"
    less = [["allow", "grant.read"]]
    refused = reason_of(lambda: change_role(acting(registrar), office, rules=less))
    assert refused == "gives_more_than_you_hold"
    revoke_grant(acting(granted), top)  # whoever holds one gives it back
    reader = custom(None, "grant.read", "role.read")
    revoke_grant(acting(registrar), give(campus.chief, campus.pupil, reader, campus.school))
    assert change_role(acting(registrar), reader, rules=less).rules == less


def test_the_refusal_says_why(campus: Campus, keeper: User) -> None:
    told = why(acting(keeper), "user.close", campus.chief)
    assert (told.allowed, told.decided_by) == (False, "above")
    assert policy.may(acting(keeper), "session.read", campus.chief)  # to see is not to act
