"""Ways around “nobody gives more than they hold”: another's login, a service's token or what it gave, a
project that is handed over, people who are kept out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.closing import close_user, reopen_user
from apps.accounts.limits import Limits
from apps.accounts.members import add_member, change_member
from apps.accounts.models import Account, Membership, Project, ProjectRules, User
from apps.accounts.passwords import create_password_link
from apps.accounts.projects import hand_over, leave, set_rules
from apps.accounts.quota_services import set_member_quota
from apps.accounts.roles.ready import ready
from apps.accounts.service_accounts import create_service_account, remove_service_account
from apps.accounts.services import set_active
from apps.accounts.sessions import sessions_of
from apps.accounts.tokens import create_login_link, issue_token, token_of
from apps.core.errors import CloudError, PermissionDenied, StateConflict
from tests import factories
from tests.accounts.rights import SYSTEM, Campus, acting, custom, give, make_campus, may

pytestmark = pytest.mark.django_db
LINKS = pytest.mark.parametrize("link", [create_password_link, create_login_link])


@pytest.fixture
def campus() -> Campus:
    return make_campus()


def reason_of(act: Callable[[], Any]) -> str:
    with pytest.raises(CloudError) as caught:
        act()
    return str(caught.value.params.get("reason", ""))


# Coming in as somebody else.


def help_desk(campus: Campus, place: Any) -> User:
    helper = factories.make_user(campus.in_lab)
    role = custom(place, "user.read", "account.read", "password.reset", "login_link.create")
    give(campus.chief, helper, role, place)
    return helper


@LINKS
def test_who_helps_people_in_does_not_come_in_as_who_is_more(campus: Campus, link: Any) -> None:
    helper = help_desk(campus, campus.school)
    assert reason_of(lambda: link(acting(helper), user=campus.head)) == "user_is_more_than_you"
    assert reason_of(lambda: link(acting(helper), user=campus.pupil)) == "user_is_more_than_you"
    assert link(acting(campus.head), user=campus.pupil).startswith("/login/")


@LINKS
def test_who_helps_everybody_in_does_not_come_in_as_a_super_admin(campus: Campus, link: Any) -> None:
    helper = help_desk(campus, None)
    User.objects.filter(pk=campus.chief.pk).update(is_active=False)
    campus.chief.refresh_from_db()
    assert reason_of(lambda: link(acting(helper), user=campus.chief)) == "user_is_more_than_you"


def test_a_service_that_is_more_than_its_account_has_no_token_from_there(campus: Campus) -> None:
    add_member(SYSTEM, campus.in_school, user=campus.worker, role=ready("project-admin"))
    service = create_service_account(SYSTEM, account=campus.in_school, username="robot")
    issue_token(acting(campus.worker), user=service, name="first")
    give(campus.chief, service, "auditor", None)
    refused = reason_of(lambda: issue_token(acting(campus.worker), user=service, name="second"))
    assert refused == "user_is_more_than_you"


def test_who_is_more_and_kept_out_is_not_let_in_by_who_is_less(campus: Campus) -> None:
    give(campus.chief, campus.pupil, "auditor", None)
    set_active(acting(campus.chief), campus.pupil, active=False)
    campus.pupil.refresh_from_db()
    with pytest.raises(PermissionDenied):
        set_active(acting(campus.head), campus.pupil, active=True)


# Services that are removed.


def test_what_a_service_gave_ends_with_what_its_remover_held(campus: Campus) -> None:
    head, worker, friend = acting(campus.head), campus.worker, campus.other_head
    for user in (worker, friend):
        add_member(head, campus.in_school, user=user)
    change_member(head, campus.in_school, user=worker, role=ready("project-admin"))
    service = create_service_account(acting(worker), account=campus.in_school, username="robot")
    change_member(acting(worker), campus.in_school, user=service, role=ready("project-admin"))
    change_member(acting(service), campus.in_school, user=friend, role=ready("project-admin"))
    remove_service_account(acting(worker), service)
    assert may(friend, "account.add_member", campus.in_school)
    change_member(head, campus.in_school, user=worker, role=ready("user"))
    assert not may(friend, "account.add_member", campus.in_school)


# Projects.


def make_project(campus: Campus, *members: User) -> Project:
    account = factories.make_account(campus.school)
    Account.objects.filter(pk=account.pk).update(kind=Account.Kind.PROJECT)
    account.refresh_from_db()
    for user in members:
        add_member(SYSTEM, account, user=user)
    return Project.objects.create(account=account, begun_by=campus.pupil)


def test_who_hands_a_project_over_holds_all_of_it(campus: Campus) -> None:
    friend = factories.make_user()
    project = make_project(campus, campus.worker, friend)
    give(campus.head, campus.worker, custom(campus.school, "account.read", "project.*"), project.account)
    assert reason_of(lambda: hand_over(acting(campus.worker), project, to=friend)) == "more_than_you_hold"


def test_the_rules_of_a_domain_let_nobody_begin_what_their_writer_could_not_give(campus: Campus) -> None:
    begins = factories.make_user(campus.in_school)
    give(campus.head, begins, custom(campus.school, "domain.read", "project.*"), campus.school)
    rules: dict[str, Any] = {"self_service": True, "per_person": 1, "limits": {}}
    refused = reason_of(lambda: set_rules(acting(begins), campus.school, **rules))
    assert refused == "more_than_you_hold"
    only_rules = factories.make_user(campus.in_school)
    give(campus.head, only_rules, "project-admin", campus.school)
    give(campus.head, only_rules, custom(campus.school, "domain.read", "project.*"), campus.school)
    with pytest.raises(PermissionDenied) as caught:
        set_rules(acting(only_rules), campus.school, **rules | {"limits": {"machines": 9}})
    assert caught.value.params["permission"] == "quota.set"
    assert not ProjectRules.objects.exists()
    set_rules(acting(begins), campus.school, **rules | {"self_service": False})
    set_rules(acting(only_rules), campus.school, **rules)
    set_rules(acting(campus.head), campus.school, **rules | {"limits": {"machines": 9}})


def test_a_project_is_handed_over_until_its_admin_would_have_ended(campus: Campus) -> None:
    friend = factories.make_user()
    project = make_project(campus, campus.worker, friend)
    soon = timezone.now() + timedelta(days=1)
    role = ready("project-admin")
    change_member(SYSTEM, project.account, user=campus.worker, role=role, ends_at=soon)
    hand_over(acting(campus.worker), project, to=friend)
    heir = Membership.objects.get(user=friend, account=project.account)
    assert (heir.role, heir.ends_at) == (role, soon)


def test_a_token_for_another_account_leaves_no_project(campus: Campus) -> None:
    project = make_project(campus, campus.worker)
    kept = Limits(("project.leave",), frozenset({campus.in_lab.pk}))
    with pytest.raises(CloudError):
        leave(Actor(campus.worker, limits=kept), project)
    assert project.account.memberships.filter(user=campus.worker).exists()


def test_nobody_raises_the_limit_that_they_stand_below_themselves(campus: Campus) -> None:
    admin = factories.make_user(campus.in_school)
    change_member(SYSTEM, campus.in_school, user=admin, role=ready("project-admin"))
    set_member_quota(acting(campus.head), campus.in_school, user=admin, limits={"vcpus": 2})
    with pytest.raises(PermissionDenied):
        set_member_quota(acting(admin), campus.in_school, user=admin, limits={"vcpus": None})
    set_member_quota(acting(admin), campus.in_school, user=campus.pupil, limits={"vcpus": 1})
    add_member(SYSTEM, campus.in_school, user=campus.head)
    set_member_quota(acting(campus.head), campus.in_school, user=campus.head, limits={"vcpus": 1})


# People who are about to go.


def test_who_is_kept_after_all_logs_in_anew(campus: Campus, client: Client) -> None:
    client.force_login(campus.worker)
    close_user(acting(campus.chief), campus.worker)
    reopen_user(acting(campus.chief), campus.worker)
    assert not sessions_of(campus.worker).exists()


@pytest.mark.parametrize("how", ["kept-out", "closed"])
def test_a_token_from_before_does_not_work_again_when_its_user_is_let_in(campus: Campus, how: str) -> None:
    _row, stolen = issue_token(SYSTEM, user=campus.worker, name="laptop")
    chief = acting(campus.chief)
    if how == "closed":
        close_user(chief, campus.worker)
        reopen_user(chief, campus.worker)
    else:
        set_active(chief, campus.worker, active=False)
        set_active(chief, campus.worker, active=True)
    assert User.objects.get(pk=campus.worker.pk).is_active
    assert token_of(stolen) is None


def test_who_is_about_to_be_deleted_is_not_let_in_until_then(campus: Campus) -> None:
    close_user(acting(campus.chief), campus.worker)
    with pytest.raises(StateConflict):
        set_active(acting(campus.chief), campus.worker, active=True)
