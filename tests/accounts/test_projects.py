"""Projects: who begins, changes, suspends, hands over and leaves them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from apps.accounts import closing, policy, projects
from apps.accounts.actor import Actor
from apps.accounts.limits import Limits
from apps.accounts.models import Account, Domain, Grant, Membership, Project, ProjectState, User
from apps.accounts.project_dates import follow_dates
from apps.accounts.roles.ready import DOMAIN_ADMIN, PROJECT_ADMIN, USER, ready
from apps.accounts.standing import verdict
from apps.core.errors import InvalidInput, NameTaken, NotFound, PermissionDenied, StateConflict
from apps.jobs.models import Event, Job
from tests import factories

pytestmark = pytest.mark.django_db


def state_of(project: Project) -> ProjectState:
    return project.state


def today(days: int = 0) -> date:
    return timezone.now().date() + timedelta(days=days)


def domain_admin(domain: Domain) -> User:
    user = factories.make_user()
    Grant.objects.create(user=user, role=ready(DOMAIN_ADMIN), scope="domain", domain=domain)
    return user


@pytest.fixture
def domain() -> Domain:
    return factories.make_domain()


@pytest.fixture
def boss(domain: Domain) -> User:
    return domain_admin(domain)


@pytest.fixture
def owner(domain: Domain) -> User:
    return factories.make_user(factories.make_account(domain))


@pytest.fixture
def project(domain: Domain, boss: User, owner: User) -> Project:
    return projects.create_project(
        Actor(boss), name="Wind tunnel", domain=domain, owner=owner, limits={"machines": 5}
    )


def role_of(user: User, project: Project) -> str | None:
    row = Membership.objects.filter(user=user, account=project.account).select_related("role").first()
    return row.role.key if row else None


def member(project: Project, role: str = USER) -> User:
    user = factories.make_user()
    Membership.objects.create(user=user, account=project.account, role=ready(role))
    return user


def test_a_domain_admin_begins_a_project_that_somebody_else_runs(
    project: Project, owner: User, boss: User
) -> None:
    account = project.account
    assert (account.kind, account.quota.max_machines) == (Account.Kind.PROJECT, 5)
    assert role_of(owner, project) == PROJECT_ADMIN
    assert role_of(boss, project) is None
    assert policy.may(Actor(owner), "vm.deploy", account)
    assert policy.may(Actor(owner), "invitation.create", account)
    event = Event.objects.get(kind="project.create")
    assert (event.user, event.target_uuid) == (boss, account.uuid)


def test_nobody_begins_a_project_where_they_hold_no_role(domain: Domain, owner: User, boss: User) -> None:
    sibling = factories.make_domain()
    with pytest.raises(NotFound):
        projects.create_project(Actor(boss), name="x", domain=sibling)
    with pytest.raises((PermissionDenied, NotFound)):
        projects.create_project(Actor(owner), name="x", domain=domain)
    assert not Project.objects.exists()


def test_a_project_needs_a_name_that_is_free_and_a_last_day_that_can_come(
    project: Project, boss: User, domain: Domain
) -> None:
    with pytest.raises(NameTaken):
        projects.create_project(Actor(boss), name="WIND tunnel", domain=domain)
    for day in (today(-1), today(9999)):
        with pytest.raises(InvalidInput, match="ends_on: out_of_range"):
            projects.create_project(Actor(boss), name="x", domain=domain, ends_on=day)
    with pytest.raises(InvalidInput, match="unknown_field"):
        projects.create_project(Actor(boss), name="x", domain=domain, limits={"cats": 1})
    assert Project.objects.count() == 1


class TestBySelfService:
    @pytest.fixture(autouse=True)
    def _rules(self, domain: Domain, boss: User) -> None:
        given = {"self_service": True, "per_person": 2, "limits": {"machines": 3, "vcpus": None}}
        projects.set_rules(Actor(boss), domain, **given)  # type: ignore[arg-type]

    def test_people_of_the_domain_begin_some_with_its_limits(self, domain: Domain, owner: User) -> None:
        project = projects.create_project(Actor(owner), name="Mine", domain=domain)
        assert (project.account.quota.max_machines, project.account.quota.max_vcpus) == (3, None)
        assert role_of(owner, project) == PROJECT_ADMIN
        assert list(projects.domains_for(Actor(owner))) == [domain]
        projects.create_project(Actor(owner), name="Mine too", domain=domain)
        with pytest.raises(StateConflict) as refused:
            projects.create_project(Actor(owner), name="A third", domain=domain)
        assert refused.value.params["reason"] == "no_more_projects"
        assert not projects.domains_for(Actor(owner))

    def test_limits_and_owner_are_not_theirs_to_choose(self, domain: Domain, owner: User) -> None:
        friend = factories.make_user()
        with pytest.raises((PermissionDenied, NotFound)):
            projects.create_project(Actor(owner), name="Big", domain=domain, limits={"machines": 100})
        project = projects.create_project(Actor(owner), name="Mine", domain=domain, owner=friend)
        assert (role_of(owner, project), role_of(friend, project)) == (PROJECT_ADMIN, None)

    def test_a_closed_project_still_counts(self, domain: Domain, owner: User) -> None:
        for name in ("a", "b"):
            project = projects.create_project(Actor(owner), name=name, domain=domain)
            closing.close(Actor.system("a test"), project.account)
        with pytest.raises(StateConflict):
            projects.create_project(Actor(owner), name="c", domain=domain)

    def test_others_and_narrowed_tokens_begin_none(self, domain: Domain, owner: User) -> None:
        stranger = factories.make_user(factories.make_account())
        narrowed = Actor(owner, limits=Limits(("vm.*",), None))
        for actor in (Actor(stranger), narrowed):
            with pytest.raises((PermissionDenied, NotFound)):
                projects.create_project(actor, name="x", domain=domain)

    def test_the_nearest_rules_hold(self, domain: Domain, boss: User) -> None:
        below = factories.make_domain(domain)
        person = factories.make_user(factories.make_account(below))
        assert projects.own_left(Actor(person), below) == 2
        projects.set_rules(Actor(boss), below, self_service=False, per_person=1, limits={})
        assert projects.own_left(Actor(person), below) == 0

    def test_only_who_looks_after_the_domain_sets_rules(self, domain: Domain, owner: User) -> None:
        with pytest.raises((PermissionDenied, NotFound)):
            projects.set_rules(Actor(owner), domain, self_service=True, per_person=9, limits={})


def test_who_runs_it_renames_it_and_a_member_does_not(project: Project, owner: User) -> None:
    projects.change_project(Actor(owner), project, name="Wind channel", description=" Air \n flows ")
    assert (project.account.name, project.description) == ("Wind channel", "Air flows")
    user = member(project)
    with pytest.raises(PermissionDenied):
        projects.change_project(Actor(user), project, name="Mine now")
    with pytest.raises(NotFound):
        projects.change_project(Actor(factories.make_user()), project, name="Mine now")
    assert Event.objects.filter(kind="project.change").count() == 1


def test_who_runs_it_ends_it_earlier_and_only_the_domain_later(
    project: Project, owner: User, boss: User
) -> None:
    projects.set_end(Actor(owner), project, ends_on=today(30))
    projects.set_end(Actor(owner), project, ends_on=today(10))
    for later in (today(31), None):
        with pytest.raises(PermissionDenied):
            projects.set_end(Actor(owner), project, ends_on=later)
    projects.set_end(Actor(boss), project, ends_on=today(60))
    assert project.ends_on == today(60)


def test_a_suspended_project_starts_nothing_and_its_machines_are_stopped(
    project: Project, owner: User
) -> None:
    projects.suspend(Actor(owner), project)
    assert state_of(project) == ProjectState.SUSPENDED
    assert not verdict(project.account).is_active
    assert Job.objects.get(kind="account.halt").account == project.account
    projects.suspend(Actor(owner), project)
    assert Event.objects.filter(kind="project.suspend").count() == 1
    projects.resume(Actor(owner), project)
    assert state_of(project) == ProjectState.ACTIVE


@pytest.mark.parametrize("paused_before", [True, False])
def test_who_runs_it_does_not_undo_what_the_domain_suspended(
    project: Project, owner: User, boss: User, paused_before: bool
) -> None:
    if paused_before:
        projects.suspend(Actor(owner), project)
    projects.suspend(Actor(boss), project)
    with pytest.raises(PermissionDenied):
        projects.resume(Actor(owner), project)
    projects.resume(Actor(boss), project)
    assert state_of(project) == ProjectState.ACTIVE


def test_what_an_administrator_disabled_is_not_resumed_by_who_runs_it(project: Project, owner: User) -> None:
    closing.disable(Actor.system("a test"), project.account)
    with pytest.raises(PermissionDenied):
        projects.resume(Actor(owner), project)


class TestLastDay:
    def test_people_are_warned_twice_and_once_each(self, project: Project, boss: User) -> None:
        projects.set_end(Actor(boss), project, ends_on=today(20))
        assert follow_dates(today(0)) == []
        assert follow_dates(today(6)) == [(project, 14)]
        assert follow_dates(today(7)) == []
        assert follow_dates(today(18)) == [(project, 2)]
        assert follow_dates(today(18)) == []
        assert Event.objects.filter(kind="project.warn").count() == 2
        projects.set_end(Actor(boss), project, ends_on=today(30))
        assert follow_dates(today(18)) == [(project, 12)]

    def test_it_works_through_its_last_day_and_is_suspended_after(
        self, project: Project, owner: User, boss: User
    ) -> None:
        projects.set_end(Actor(boss), project, ends_on=today(5))
        follow_dates(today(5))
        project.account.refresh_from_db()
        assert state_of(project) == ProjectState.ACTIVE
        follow_dates(today(6))
        project.account.refresh_from_db()
        assert state_of(project) == ProjectState.SUSPENDED
        assert Event.objects.filter(kind="project.end").count() == 1
        follow_dates(today(6))
        assert Event.objects.filter(kind="project.end").count() == 1
        with pytest.raises(PermissionDenied):
            projects.resume(Actor(owner), project)

    def test_a_later_last_day_lets_it_work_again(self, project: Project, boss: User) -> None:
        Project.objects.filter(pk=project.pk).update(ends_on=today(-1))
        follow_dates()
        with pytest.raises(StateConflict) as refused:
            projects.resume(Actor(boss), project)
        assert refused.value.params["reason"] == "project_is_over"
        projects.set_end(Actor(boss), project, ends_on=today(9))
        projects.resume(Actor(boss), project)
        assert (project.state, project.ended_at) == (ProjectState.ACTIVE, None)

    def test_after_its_grace_it_is_closed_and_that_can_be_taken_back(
        self, project: Project, boss: User
    ) -> None:
        long_ago = timezone.now() - timedelta(days=400)
        Project.objects.filter(pk=project.pk).update(ends_on=today(-400))
        follow_dates()
        Project.objects.filter(pk=project.pk).update(ended_at=long_ago)
        follow_dates()
        account = project.account
        account.refresh_from_db()
        assert state_of(project) == ProjectState.ENDED
        closing.reopen(Actor(boss), account)
        assert state_of(project) == ProjectState.SUSPENDED


class TestHandOver:
    def test_another_member_runs_it_and_the_old_one_stays(self, project: Project, owner: User) -> None:
        heir = member(project)
        projects.hand_over(Actor(owner), project, to=heir)
        assert (role_of(owner, project), role_of(heir, project)) == (USER, PROJECT_ADMIN)
        with pytest.raises(PermissionDenied):
            projects.hand_over(Actor(owner), project, to=owner)

    def test_the_old_one_leaves_and_what_they_gave_stays(self, project: Project, owner: User) -> None:
        heir, helper = member(project), member(project, PROJECT_ADMIN)
        Membership.objects.filter(user=helper).update(granted_by=owner)
        projects.hand_over(Actor(owner), project, to=heir, leave=True)
        assert [role_of(each, project) for each in (owner, heir, helper)] == [
            None,
            PROJECT_ADMIN,
            PROJECT_ADMIN,
        ]
        assert Membership.objects.get(user=helper).granted_by == heir

    def test_only_to_another_member_who_may_log_in(self, project: Project, owner: User) -> None:
        gone = member(project)
        User.objects.filter(pk=gone.pk).update(is_active=False)
        for to in (owner, factories.make_user(), gone):
            with pytest.raises(InvalidInput, match="not_another_member"):
                projects.hand_over(Actor(owner), project, to=to)

    def test_not_by_a_member_nor_by_a_stranger(self, project: Project) -> None:
        user = member(project)
        with pytest.raises(PermissionDenied):
            projects.hand_over(Actor(user), project, to=user)
        with pytest.raises(NotFound):
            projects.hand_over(Actor(factories.make_user()), project, to=user)

    def test_the_domains_admin_hands_over_what_somebody_else_ran(self, project: Project, boss: User) -> None:
        heir = member(project)
        projects.hand_over(Actor(boss), project, to=heir)
        assert role_of(heir, project) == PROJECT_ADMIN


def test_a_member_leaves_and_the_last_who_runs_it_does_not(project: Project, owner: User) -> None:
    user = member(project)
    projects.leave(Actor(user), project)
    assert role_of(user, project) is None
    with pytest.raises(StateConflict) as refused:
        projects.leave(Actor(owner), project)
    assert refused.value.params["reason"] == "last_admin"
    member(project, PROJECT_ADMIN)
    projects.leave(Actor(owner), project)
    assert role_of(owner, project) is None
    with pytest.raises(NotFound):
        projects.leave(Actor(factories.make_user()), project)
