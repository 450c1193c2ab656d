"""Invitations: by name and by mail, answered once, by whom they are for."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from apps.accounts import closing, invitations, policy
from apps.accounts.actor import Actor
from apps.accounts.invitation_mail import send_pending
from apps.accounts.limits import Limits
from apps.accounts.models import (
    Account,
    Directory,
    DirectoryPerson,
    Invitation,
    InvitationState,
    Membership,
    Role,
    User,
)
from apps.accounts.roles.ready import AUDITOR, DOMAIN_ADMIN, PROJECT_ADMIN, SUPER_ADMIN, USER, ready
from apps.core.errors import CloudError, InvalidInput, NotFound, PermissionDenied, StateConflict, TooMany
from apps.jobs.models import Event
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def host(account: Account) -> User:
    user = factories.make_user()
    Membership.objects.create(user=user, account=account, role=ready(PROJECT_ADMIN))
    return user


@pytest.fixture
def guest() -> User:
    user = factories.make_user(factories.make_account())
    User.objects.filter(pk=user.pk).update(email="Guest@Example.org")
    user.refresh_from_db()
    return user


def asked(host: User, account: Account, role: str = USER, **to: str) -> Invitation:
    return invitations.invite(Actor(host), account, role=ready(role), **to)


def secret(path: str) -> str:
    return path.partition("#")[2]


def reason(error: pytest.ExceptionInfo[CloudError]) -> Any:
    return error.value.params.get("reason")


def test_who_is_invited_by_name_sees_it_and_joins_with_its_role(
    host: User, guest: User, account: Account
) -> None:
    row = asked(host, account, PROJECT_ADMIN, username=guest.username.upper())
    assert list(policy.visible(Actor(guest), Invitation.objects.all())) == [row]
    assert list(invitations.waiting_for(guest)) == [row]
    invitations.accept(Actor(guest), row)
    member = Membership.objects.get(user=guest, account=account)
    assert (member.role.key, member.granted_by) == (PROJECT_ADMIN, host)
    assert Event.objects.get(kind="invitation.accept").user == guest
    assert not invitations.waiting_for(guest)


def test_by_mail_counts_the_address_that_the_directory_gives(
    host: User, guest: User, account: Account
) -> None:
    """Any admin may write any address beside a local user's name."""
    row = asked(host, account, email="guest@example.ORG")
    assert not invitations.waiting_for(guest)
    assert not policy.visible(Actor(guest), Invitation.objects.all())
    with pytest.raises(NotFound):
        invitations.accept(Actor(guest), row)
    directory = Directory.objects.create(name="campus", kind="openldap")
    DirectoryPerson.objects.create(directory=directory, user=guest, stable_id="1", dn="uid=guest")
    assert list(invitations.waiting_for(guest)) == [row]
    invitations.accept(Actor(guest), row)
    assert account.memberships.filter(user=guest, role__key=USER).exists()


def test_others_do_not_know_of_it_and_cannot_answer(host: User, guest: User, account: Account) -> None:
    row = asked(host, account, username=guest.username)
    other = factories.make_user(factories.make_account())
    User.objects.filter(pk=other.pk).update(email="")
    other.refresh_from_db()
    assert not policy.visible(Actor(other), Invitation.objects.all())
    for act in (invitations.accept, invitations.decline):
        with pytest.raises(NotFound):
            act(Actor(other), row)
    with pytest.raises(NotFound):
        invitations.withdraw(Actor(other), row)
    assert not Membership.objects.filter(user=other, account=account).exists()


def test_names_that_only_look_alike_are_not_the_same(host: User, account: Account) -> None:
    with pytest.raises(InvalidInput, match="not_a_username"):
        asked(host, account, username="\u0430da")
    row = asked(host, account, email="ada@ex\u0430mple.org")
    ada = factories.make_user()
    ada.email = "ada@example.org"
    with pytest.raises(NotFound):
        invitations.accept(Actor(ada), row)


@pytest.mark.parametrize(
    ("to", "fault"),
    [
        ({}, "name_or_email"),
        ({"username": "a", "email": "a@b.cc"}, "name_or_email"),
        ({"username": "a b"}, "not_a_username"),
        ({"email": "nope"}, "not_an_email"),
        ({"username": "x" * 200}, "not_a_username"),
    ],
)
def test_bad_input(host: User, account: Account, to: dict[str, str], fault: str) -> None:
    with pytest.raises(InvalidInput, match=fault):
        asked(host, account, **to)
    assert not Invitation.objects.exists()


def test_the_answer_is_the_same_whether_there_is_such_a_user(
    host: User, guest: User, account: Account
) -> None:
    known, unknown = (
        asked(host, account, username=guest.username),
        asked(host, account, username="nobody-at-all"),
    )
    shown = [(row.state, row.role_id, row.settled_by) for row in (known, unknown)]
    assert shown[0] == shown[1]


class TestLinks:
    def test_a_link_is_stored_as_a_digest_and_opens_once(
        self, host: User, guest: User, account: Account
    ) -> None:
        row = asked(host, account, email="somebody@else.org")
        text = secret(invitations.copy_link(Actor(host), row))
        assert text not in str(list(Invitation.objects.values())) + str(list(Event.objects.values()))
        found = invitations.by_link(Actor(guest), text)
        invitations.accept(Actor(guest), found, token=text)
        with pytest.raises(InvalidInput, match="invitation_link"):
            invitations.by_link(Actor(factories.make_user()), text)
        assert Membership.objects.filter(account=account).count() == 2

    def test_without_the_link_another_address_does_not_answer(
        self, host: User, guest: User, account: Account
    ) -> None:
        row = asked(host, account, email="somebody@else.org")
        for token in ("", "wrong"):
            with pytest.raises(NotFound):
                invitations.accept(Actor(guest), row, token=token)

    def test_the_link_of_a_name_opens_to_that_user_alone(
        self, host: User, guest: User, account: Account
    ) -> None:
        row = asked(host, account, username=guest.username)
        text = secret(invitations.copy_link(Actor(host), row))
        with pytest.raises(InvalidInput, match="invitation_link"):
            invitations.by_link(Actor(factories.make_user()), text)
        assert invitations.by_link(Actor(guest), text) == row

    def test_a_new_link_ends_the_one_before(self, host: User, guest: User, account: Account) -> None:
        row = asked(host, account, email="somebody@else.org")
        first, second = (secret(invitations.copy_link(Actor(host), row)) for _ in range(2))
        with pytest.raises(InvalidInput):
            invitations.by_link(Actor(guest), first)
        assert invitations.by_link(Actor(guest), second) == row

    def test_one_that_is_too_old_opens_nothing(self, host: User, guest: User, account: Account) -> None:
        row = asked(host, account, username=guest.username)
        text = secret(invitations.copy_link(Actor(host), row))
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        with pytest.raises(InvalidInput, match="invitation_link"):
            invitations.by_link(Actor(guest), text)
        with pytest.raises(StateConflict) as refused:
            invitations.accept(Actor(guest), row)
        assert reason(refused) == "invitation_settled"
        assert not policy.visible(Actor(guest), Invitation.objects.all())


class TestOneEnd:
    def test_what_was_withdrawn_is_not_accepted(self, host: User, guest: User, account: Account) -> None:
        row = asked(host, account, username=guest.username)
        text = secret(invitations.copy_link(Actor(host), row))
        invitations.withdraw(Actor(host), row)
        with pytest.raises(StateConflict):
            invitations.accept(Actor(guest), row)
        with pytest.raises(InvalidInput):
            invitations.by_link(Actor(guest), text)

    def test_what_was_accepted_is_neither_withdrawn_nor_accepted_again(
        self, host: User, guest: User, account: Account
    ) -> None:
        row = asked(host, account, username=guest.username)
        invitations.accept(Actor(guest), row)
        for act, who in (
            (invitations.withdraw, host),
            (invitations.decline, guest),
            (invitations.accept, guest),
        ):
            with pytest.raises(StateConflict):
                act(Actor(who), row)
        assert Membership.objects.filter(user=guest, account=account).count() == 1

    def test_who_declined_can_be_invited_again(self, host: User, guest: User, account: Account) -> None:
        invitations.decline(Actor(guest), asked(host, account, username=guest.username))
        asked(host, account, username=guest.username)
        with pytest.raises(CloudError):
            asked(host, account, username=guest.username)
        assert Invitation.objects.filter(state=InvitationState.PENDING).count() == 1


class TestEscalation:
    @pytest.mark.parametrize("key", [SUPER_ADMIN, DOMAIN_ADMIN])
    def test_no_role_is_offered_that_does_not_belong_in_an_account(
        self, host: User, account: Account, key: str
    ) -> None:
        with pytest.raises((InvalidInput, PermissionDenied)):
            asked(host, account, key, username="x")

    def test_no_role_is_offered_that_holds_more_than_the_inviter(self, host: User, account: Account) -> None:
        more = Role.objects.create(name="more", domain=account.domain, rules=[["allow", "account.*"]])
        with pytest.raises(PermissionDenied):
            invitations.invite(Actor(host), account, role=more, username="x")

    @pytest.mark.parametrize("key", [USER, AUDITOR])
    def test_members_who_may_not_invite_do_not(self, account: Account, key: str) -> None:
        user = factories.make_user()
        Membership.objects.create(user=user, account=account, role=ready(key))
        with pytest.raises(PermissionDenied):
            asked(user, account, username="x")

    def test_nobody_invites_into_an_account_they_do_not_see(self, host: User) -> None:
        with pytest.raises(NotFound):
            asked(host, factories.make_account(), username="x")

    def test_what_the_inviter_lost_is_not_taken_up(self, host: User, guest: User, account: Account) -> None:
        row = asked(host, account, PROJECT_ADMIN, username=guest.username)
        Membership.objects.filter(user=host).update(role=ready(USER))
        with pytest.raises(StateConflict) as refused:
            invitations.accept(Actor(guest), row)
        assert reason(refused) == "invitation_void"
        row.refresh_from_db()
        assert row.state == InvitationState.PENDING
        assert not Membership.objects.filter(user=guest, account=account).exists()

    def test_accepting_never_changes_what_a_member_holds(
        self, host: User, guest: User, account: Account
    ) -> None:
        row = asked(host, account, PROJECT_ADMIN, username=guest.username)
        Membership.objects.create(user=guest, account=account, role=ready(USER))
        with pytest.raises(StateConflict) as refused:
            invitations.accept(Actor(guest), row)
        assert reason(refused) == "member_already"
        assert Membership.objects.get(user=guest, account=account).role.key == USER

    def test_a_narrowed_token_and_the_system_answer_none(
        self, host: User, guest: User, account: Account
    ) -> None:
        row = asked(host, account, username=guest.username)
        for actor in (Actor(guest, limits=Limits(("*",), None)), Actor.system("a test")):
            with pytest.raises(PermissionDenied):
                invitations.accept(actor, row)

    def test_who_is_kept_out_does_not_answer(self, host: User, guest: User, account: Account) -> None:
        row = asked(host, account, username=guest.username)
        guest.is_active = False
        with pytest.raises(PermissionDenied):
            invitations.accept(Actor(guest), row)


def test_an_account_that_closes_lets_nobody_in(host: User, guest: User, account: Account) -> None:
    row = asked(host, account, username=guest.username)
    closing.close(Actor.system("a test"), account)
    with pytest.raises(StateConflict):
        invitations.accept(Actor(guest), row)
    with pytest.raises(StateConflict):
        asked(host, account, username="x")


def test_somebody_does_not_invite_without_end(host: User, account: Account) -> None:
    for number in range(invitations.PER_HOUR):
        asked(host, account, username=f"name-{number}")
    with pytest.raises(TooMany):
        asked(host, account, username="one-more")
    invitations.withdraw(Actor(host), Invitation.objects.all()[0])
    with pytest.raises(TooMany):
        asked(host, account, username="one-more")


class TestMail:
    @pytest.fixture(autouse=True)
    def _portal(self, settings: Any) -> None:
        settings.PORTAL_URL = "https://cloud.example.org"

    def test_the_mail_holds_a_link_that_is_stored_nowhere(
        self, host: User, guest: User, account: Account
    ) -> None:
        row = asked(host, account, email="somebody@else.org")
        assert (send_pending(), send_pending()) == (1, 0)
        (sent,) = mail.outbox
        found = re.search(r"https://cloud\.example\.org/invitations/link/#([\w-]{40,})\n", str(sent.body))
        assert found
        assert sent.to == ["somebody@else.org"]
        assert found[1] not in str(list(Invitation.objects.values())) + str(list(Event.objects.values()))
        assert invitations.by_link(Actor(guest), found[1]) == row

    def test_none_goes_out_for_a_name_nor_once_withdrawn(self, host: User, account: Account) -> None:
        asked(host, account, username="ada")
        invitations.withdraw(Actor(host), asked(host, account, email="a@b.cc"))
        assert send_pending() == 0

    def test_a_server_that_fails_is_asked_again_but_not_for_ever(
        self, host: User, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked(host, account, email="a@b.cc")
        tries: list[int] = []

        def refuse(*given: object, **more: object) -> int:
            tries.append(1)
            raise ConnectionRefusedError

        monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
        for _ in range(invitations.MAILS_EACH + 3):
            assert send_pending() == 0
        assert len(tries) == invitations.MAILS_EACH

    def test_it_is_sent_again_after_a_while_and_the_first_link_is_worth_nothing(
        self, host: User, guest: User, account: Account
    ) -> None:
        row = asked(host, account, email="a@b.cc")
        send_pending()
        row.refresh_from_db()
        with pytest.raises(TooMany):
            invitations.resend(Actor(host), row)
        Invitation.objects.update(mailed_at=timezone.now() - timedelta(hours=1))
        row.refresh_from_db()
        invitations.resend(Actor(host), row)
        send_pending()
        first, second = (re.search(r"#([\w-]+)", str(each.body))[1] for each in mail.outbox)  # type: ignore[index]
        with pytest.raises(InvalidInput):
            invitations.by_link(Actor(guest), first)
        assert invitations.by_link(Actor(guest), second) == row
