"""People go for good: nothing is orphaned, and the record keeps what was done without their names."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import closing
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Grant, Invitation, Membership, User
from apps.accounts.projects import create_project
from apps.accounts.removal import remove_due, remove_user
from apps.accounts.roles.ready import DOMAIN_ADMIN, PROJECT_ADMIN, ready
from apps.core.errors import InvalidInput, NotFound, PermissionDenied, StateConflict
from apps.jobs.models import Event, Person
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system("a test")


@pytest.fixture
def account() -> Account:
    account = factories.make_account()
    factories.make_user(account)
    return account


def admin_of(account: Account) -> User:
    user = factories.make_user()
    Grant.objects.create(user=user, role=ready(DOMAIN_ADMIN), scope="domain", domain=account.domain)
    return user


def test_who_owns_nothing_alone_goes_and_their_names_with_them(account: Account) -> None:
    user = factories.make_user(account)
    create_project(Actor.system("x"), name="p", domain=account.domain, owner=admin_of(account))
    event = Event.objects.get(kind="project.create")
    Event.objects.filter(pk=event.pk).update(user=user)
    name = user.username
    remove_user(Actor(admin_of(account)), user)
    assert not User.objects.filter(username=name).exists()
    assert account.memberships.count() == 1
    assert not Person.objects.filter(words__contains=name).exists()
    event.refresh_from_db()
    assert event.user is None
    assert Event.objects.filter(kind="user.remove").count() == 1


def test_what_somebody_owns_alone_is_named_and_stays(account: Account) -> None:
    own = factories.make_account()
    user = factories.make_user(account, own)
    with pytest.raises(StateConflict) as refused:
        remove_user(OPERATOR, user)
    assert refused.value.params == {"reason": "owns_alone", "names": own.name}
    assert User.objects.filter(pk=user.pk).exists()
    Membership.objects.create(user=factories.make_user(), account=own)
    remove_user(OPERATOR, user)
    assert not User.objects.filter(pk=user.pk).exists()


def test_invitations_of_who_goes_are_worth_nothing(account: Account) -> None:
    user = factories.make_user()
    Membership.objects.create(user=user, account=account, role=ready(PROJECT_ADMIN))
    soon = timezone.now() + timedelta(days=1)
    given = {"role": ready("user"), "username": "x", "invited_by": user, "expires_at": soon}
    row = Invitation.objects.create(account=account, copied="0" * 64, **given)
    remove_user(OPERATOR, user)
    row.refresh_from_db()
    assert (row.state, row.copied, row.invited_by) == ("withdrawn", None, None)


def test_only_who_governs_all_of_a_person_removes_them(account: Account) -> None:
    user = factories.make_user(account)
    member, boss = (
        account.users.exclude(pk=user.pk)[0],
        admin_of(factories.make_account(factories.make_domain())),
    )
    for other in (member, boss):
        with pytest.raises((PermissionDenied, NotFound)):
            remove_user(Actor(other), user)
    with pytest.raises(InvalidInput, match="yourself"):
        remove_user(Actor(factories.make_user(account, super_admin=True)), User.objects.latest("pk"))
    assert User.objects.filter(pk=user.pk).exists()


def test_after_the_grace_what_they_own_alone_is_closed_first_and_then_they_go(account: Account) -> None:
    own = factories.make_account()
    user = factories.make_user(account, own)
    closing.close_user(OPERATOR, user)
    assert remove_due() == 0
    User.objects.filter(pk=user.pk).update(closes_at=timezone.now() - timedelta(seconds=1))
    assert remove_due() == 0
    own.refresh_from_db()
    assert own.closes_at is not None
    own.delete()
    assert remove_due() == 1
    assert not User.objects.filter(pk=user.pk).exists()
