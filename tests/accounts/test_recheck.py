"""What somebody gave ends with what they held: at once, through others, and in loops."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import recheck
from apps.accounts.grants import grant_role, revoke_grant
from apps.accounts.members import add_member, change_member, remove_member
from apps.accounts.models import Grant, Group, GroupMember, Membership, User
from apps.accounts.roles.ready import ready
from apps.accounts.services import set_active
from apps.accounts.tenancy import move_domain
from apps.jobs.models import Event
from apps.zones.models import Cluster
from apps.zones.services import remove_cluster
from tests import factories
from tests.accounts.rights import SYSTEM, Campus, acting, custom, give, make_campus, may

pytestmark = pytest.mark.django_db


@pytest.fixture
def campus() -> Campus:
    return make_campus()


def in_force(user: User) -> list[str]:
    return sorted(Grant.objects.in_force().filter(user=user).values_list("role__name", flat=True))


def head_grant(campus: Campus) -> Grant:
    return Grant.objects.get(user=campus.head)


def test_losing_a_role_ends_what_was_given_and_what_that_gave(campus: Campus) -> None:
    give(campus.head, campus.worker, "domain-admin", campus.lab)
    other = factories.make_user(campus.in_lab)
    give(campus.worker, other, "auditor", campus.lab)
    revoke_grant(acting(campus.chief), head_grant(campus))
    assert in_force(campus.worker) == in_force(other) == []
    ended = Event.objects.filter(kind="grant.end")
    assert ended.count() == 2
    assert set(ended.values_list("user", flat=True)) == {None}


def test_what_others_gave_stays(campus: Campus) -> None:
    give(campus.chief, campus.worker, "auditor", campus.lab)
    give(campus.head, campus.worker, "domain-admin", campus.lab)
    revoke_grant(acting(campus.chief), head_grant(campus))
    assert in_force(campus.worker) == ["auditor"]


def test_what_is_held_by_another_way_still_supports(campus: Campus) -> None:
    give(campus.chief, campus.head, "domain-admin", campus.root)
    give(campus.head, campus.worker, "domain-admin", campus.lab)
    revoke_grant(acting(campus.chief), Grant.objects.get(user=campus.head, domain=campus.school))
    assert in_force(campus.worker) == ["domain-admin"]


def test_two_who_gave_it_to_each_other_lose_it_together(campus: Campus) -> None:
    soon = timezone.now() + timedelta(days=1)
    Grant.objects.filter(user=campus.head).update(ends_at=soon)
    give(campus.head, campus.other_head, "domain-admin", campus.school)
    Grant.objects.filter(user=campus.head).update(ends_at=timezone.now(), once="old")
    Grant.objects.create(
        user=campus.head,
        role=ready("domain-admin"),
        scope="domain",
        domain=campus.school,
        granted_by=campus.other_head,
    )
    assert may(campus.head, "account.create", campus.school)
    assert recheck.settle_ended() == 1
    assert in_force(campus.head) == in_force(campus.other_head) == []


def test_a_loop_that_something_supports_stands(campus: Campus) -> None:
    give(campus.head, campus.other_head, "domain-admin", campus.school)
    give(campus.other_head, campus.head, "domain-admin", campus.lab)
    assert recheck.recheck_all() == []
    assert in_force(campus.head) == ["domain-admin", "domain-admin"]


def test_through_a_group(campus: Campus) -> None:
    group = Group.objects.create(name="teachers")
    GroupMember.objects.create(group=group, user=campus.worker)
    grant = grant_role(acting(campus.chief), role=ready("domain-admin"), place=campus.lab, group=group)
    other = factories.make_user(campus.in_lab)
    give(campus.worker, other, "auditor", campus.lab)
    GroupMember.objects.all().delete()
    assert [row.user for row in recheck.recheck_all() if isinstance(row, Grant)] == [other]
    assert Grant.objects.in_force().filter(pk=grant.pk).exists()


def test_an_end_that_came_is_told_once_and_cascades(campus: Campus) -> None:
    give(campus.head, campus.worker, "domain-admin", campus.lab)
    Grant.objects.filter(user=campus.head).update(ends_at=timezone.now())
    assert recheck.settle_ended() == 1
    assert recheck.settle_ended() == 0
    assert in_force(campus.worker) == []
    assert Event.objects.filter(kind="grant.end").count() == 2


def test_a_membership_that_ended_is_removed_with_what_it_gave(campus: Campus) -> None:
    add_member(SYSTEM, campus.in_lab, user=campus.pupil, role=ready("project-admin"))
    other = factories.make_user(campus.in_lab)
    change_member(acting(campus.pupil), campus.in_lab, user=other, role=ready("project-admin"))
    Membership.objects.filter(user=campus.pupil, account=campus.in_lab).update(ends_at=timezone.now())
    assert recheck.settle_ended() == 1
    assert not Membership.objects.filter(user=campus.pupil, account=campus.in_lab).exists()
    assert Membership.objects.get(user=other).role == ready("user")


def test_a_member_without_the_role_that_gave_falls_back_to_user(campus: Campus) -> None:
    add_member(acting(campus.head), campus.in_lab, user=campus.pupil, role=ready("project-admin"))
    auditor = factories.make_user(campus.in_school)
    add_member(acting(campus.head), campus.in_lab, user=auditor, role=ready("auditor"))
    plain = factories.make_user(campus.in_school)
    add_member(acting(campus.head), campus.in_lab, user=plain)
    revoke_grant(acting(campus.chief), head_grant(campus))
    members = dict(Membership.objects.filter(account=campus.in_lab).values_list("user", "role__name"))
    assert members == {campus.worker.pk: "user", campus.pupil.pk: "user", plain.pk: "user"}


def test_who_lets_somebody_in_no_longer_takes_over_what_they_gave(campus: Campus) -> None:
    given = give(campus.head, campus.worker, "domain-admin", campus.lab)
    set_active(acting(campus.chief), campus.head, active=False)
    given.refresh_from_db()
    assert given.granted_by == campus.chief
    assert may(campus.worker, "account.create", campus.lab)


def test_the_remover_takes_over_only_what_they_could_give(campus: Campus) -> None:
    keeper = factories.make_user(factories.make_account(campus.school))
    give(None, keeper, custom(None, "user.*", "account.read"), campus.school)
    give(None, campus.pupil, "project-admin", campus.in_lab)
    change_member(acting(campus.pupil), campus.in_lab, user=campus.worker, role=ready("project-admin"))
    set_active(acting(keeper), campus.pupil, active=False)
    assert Membership.objects.get(user=campus.worker).role == ready("user")


def test_the_system_takes_over_all(campus: Campus) -> None:
    given = give(campus.head, campus.worker, "domain-admin", campus.lab)
    set_active(SYSTEM, campus.head, active=False)
    given.refresh_from_db()
    assert given.granted_by is None
    assert in_force(campus.worker) == ["domain-admin"]


def test_who_removes_the_one_that_raised_them_keeps_it(campus: Campus) -> None:
    second = factories.make_user(factories.make_account(campus.school))
    given = give(campus.head, second, "domain-admin", campus.school)
    set_active(acting(second), campus.head, active=False)
    given.refresh_from_db()
    assert given.granted_by == campus.chief
    assert may(second, "account.create", campus.school)


def test_a_domain_that_moves_away_leaves_the_grants_of_those_above(campus: Campus) -> None:
    give(campus.head, campus.worker, "domain-admin", campus.lab)
    give(campus.chief, campus.worker, "auditor", campus.lab)
    move_domain(acting(campus.chief), campus.lab, parent=campus.sibling)
    assert in_force(campus.worker) == ["auditor"]


def test_a_member_who_leaves_takes_along_what_they_gave(campus: Campus) -> None:
    add_member(acting(campus.head), campus.in_lab, user=campus.pupil, role=ready("project-admin"))
    change_member(acting(campus.pupil), campus.in_lab, user=campus.worker, role=ready("project-admin"))
    remove_member(acting(campus.head), campus.in_lab, user=campus.pupil)
    assert Membership.objects.get(user=campus.worker).role == ready("user")


def test_a_place_that_is_removed_is_forgotten(campus: Campus) -> None:
    zone = factories.make_zone(hosts=0)
    cluster = Cluster.objects.get(pod__zone=zone)
    cluster.primary_storages.all().delete()
    give(campus.chief, campus.worker, "simple-admin", cluster)
    assert may(campus.worker, "cluster.change", cluster)
    remove_cluster(acting(campus.chief), cluster)
    assert in_force(campus.worker) == []


def test_nothing_is_asked_of_the_many_who_gave_nothing(
    campus: Campus, django_assert_max_num_queries: object
) -> None:
    people = [factories.make_user(campus.in_lab) for _ in range(30)]
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        assert recheck.recheck(user.pk for user in people) == []
