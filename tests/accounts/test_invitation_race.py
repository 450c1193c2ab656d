"""Answers to an invitation at the same time: it has one end, and nobody is let in twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.accounts import invitations, projects
from apps.accounts.actor import Actor
from apps.accounts.models import Invitation, Membership, Project, User
from apps.accounts.roles.ready import PROJECT_ADMIN, USER, ready
from apps.core.errors import CloudError
from tests import factories
from tests.race import race, shared_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


def invited() -> Invitation:
    """Somebody, by mail, of whom several know the link."""
    host = factories.make_user()
    account = factories.make_account()
    Membership.objects.create(user=host, account=account, role=ready(PROJECT_ADMIN))
    soon = timezone.now() + timedelta(days=1)
    given = {"email": "a@b.cc", "invited_by": host, "expires_at": soon, "copied": invitations.digest("link")}
    return Invitation.objects.create(account=account, role=ready(USER), **given)


def answer(pair: tuple[str, int]) -> str:
    act, who = pair
    actor, row = Actor(User.objects.get(pk=who)), Invitation.objects.get()
    try:
        if act == "withdraw":
            invitations.withdraw(actor, row)
        else:
            invitations.accept(actor, row, token="link")
    except CloudError as error:
        return error.code
    return act


@pytest.mark.parametrize("other", ["accept", "withdraw"])
def test_an_invitation_has_one_end(tmp_path: Path, other: str) -> None:
    row = invited()
    assert row.invited_by
    guests = [factories.make_user().pk for _ in range(2)]
    second = row.invited_by.pk if other == "withdraw" else guests[1]
    with shared_database(tmp_path):
        answers = race(answer, [[("accept", guests[0])], [(other, second)]])
        done = [each for each in answers if each in {"accept", "withdraw"}]
        assert len(done) == 1
        joined = Membership.objects.filter(account=row.account, user__in=guests).count()
        assert joined == (done == ["accept"])
        assert Invitation.objects.get().state == ("accepted" if done == ["accept"] else "withdrawn")


def leave(who: int) -> str:
    try:
        projects.leave(Actor(User.objects.get(pk=who)), Project.objects.select_related("account").get())
    except CloudError as error:
        return str(error.params.get("reason", error.code))
    return "left"


def test_of_the_last_two_who_run_a_project_one_stays(tmp_path: Path) -> None:
    owner, other = factories.make_user(), factories.make_user()
    domain = factories.root_domain()
    project = projects.create_project(Actor.system("a race"), name="p", domain=domain, owner=owner)
    Membership.objects.create(user=other, account=project.account, role=ready(PROJECT_ADMIN))
    with shared_database(tmp_path):
        assert sorted(race(leave, [[owner.pk], [other.pk]])) == ["last_admin", "left"]
        assert projects.admins(project.account).count() == 1
