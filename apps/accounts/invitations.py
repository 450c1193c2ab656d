"""Invitations into an account: somebody is asked by user name or mail address, and answers for themselves.

Who invites is told nothing of who there is: a name that nobody has is invited like any other. What
was offered counts when it is taken up: whoever invited has to hold it still.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.giving import Place, actor_lacks, misfit, require_gives
from apps.accounts.locks import lock_tree
from apps.accounts.models import (
    Account,
    DirectoryPerson,
    Invitation,
    InvitationState,
    Membership,
    Role,
    Standing,
    User,
)
from apps.accounts.services import USERNAME, clean_email
from apps.accounts.standing import verdict
from apps.core.constraints import insert
from apps.core.errors import InvalidInput, NotFound, PermissionDenied, StateConflict, TooMany

DAYS = 7
PER_HOUR = 30
OPEN_PER_ACCOUNT = 200
MAILS_EACH = 5
PENDING = InvitationState.PENDING
_BETWEEN_MAILS = timedelta(minutes=5)


class InvitationScope(policy.Rows):
    """An invitation lies in its account; whoever it is for knows of it too, until they have answered."""

    def __init__(self) -> None:
        super().__init__("invitation", account="account_id")

    def open_to(self, actor: Actor) -> Q | None:
        return _is_for(actor.user) & _open() if actor.user else None

    def is_open_to(self, actor: Actor, row: Invitation) -> bool:
        return actor.user is not None and is_for(row, actor.user) and row.is_open


def _open() -> Q:
    return Q(state=PENDING, expires_at__gt=timezone.now())


def _is_for(user: User) -> Q:
    mine, address = Q(username=user.username.lower()), _address_of(user)
    return mine | Q(email=address) if address else mine


def is_for(row: Invitation, user: User) -> bool:
    """Whether it names this user, or the mail address that their directory gives them."""
    if row.username:
        return row.username == user.username.lower()
    return bool(row.email) and row.email == _address_of(user)


def _address_of(user: User) -> str:
    """Where the directory says that their mail goes. Any admin may write any address beside a local user's
    name: these answer by the link in the mail."""
    from_directory = user.email and DirectoryPerson.objects.filter(user=user, left_at=None).exists()
    return user.email.lower() if from_directory else ""


def waiting_for(user: User) -> QuerySet[Invitation]:
    """What waits for this person's answer."""
    rows = Invitation.objects.filter(_is_for(user), _open()).select_related("account__domain", "role")
    return rows.select_related("account__project", "invited_by").order_by("-pk")


# What whoever invites does.


@transaction.atomic
def invite(
    actor: Actor, account: Account, *, role: Role, username: str = "", email: str = "", portal: str = ""
) -> Invitation:
    """Ask somebody to join. A mail goes out, if this site sends mails and it is for an address; `portal`
    is where the inviter reached us."""
    policy.require(actor, "invitation.create", account)
    username, email = username.strip().lower(), email.strip().lower()
    if bool(username) == bool(email):
        raise InvalidInput("name_or_email", place="username")
    if username and not USERNAME.fullmatch(username):
        raise InvalidInput("not_a_username", place="username")
    require_gives(actor, role, Place.of(account))
    _lock(account)
    if verdict(account).standing == Standing.CLOSING:
        raise StateConflict(reason="project_closing")
    _refuse_too_many(actor, account)
    if username and account.memberships.filter(user__username__iexact=username).exists():
        raise StateConflict(reason="member_already")
    same = account.invitations.filter(state=PENDING, username=username, email=email)
    same.filter(expires_at__lte=timezone.now()).update(
        state=InvitationState.WITHDRAWN, settled_at=timezone.now()
    )
    row = insert(
        Invitation(
            account=account,
            role=role,
            username=username,
            email=clean_email(email),
            invited_by=actor.user,
            expires_at=timezone.now() + timedelta(days=DAYS),
            mail_due=bool(email),
            portal=portal[:300],
            language=get_language() or "",
        )
    )
    audit.record(actor, "invitation.create", row, role=role.name)
    return row


def _refuse_too_many(actor: Actor, account: Account) -> None:
    """So that nobody tries names, or fills mail boxes."""
    hour = timezone.now() - timedelta(hours=1)
    if Invitation.objects.filter(invited_by=actor.user, created_at__gt=hour).count() >= PER_HOUR:
        raise TooMany(seconds=3600)
    if account.invitations.filter(_open()).count() >= OPEN_PER_ACCOUNT:
        raise StateConflict(reason="too_many_invitations", limit=OPEN_PER_ACCOUNT)


@transaction.atomic
def withdraw(actor: Actor, row: Invitation) -> Invitation:
    """Take it back while nobody has answered: its links are worth nothing from now on."""
    policy.require(actor, "invitation.withdraw", row)
    _settle(actor, row, InvitationState.WITHDRAWN)
    audit.record(actor, "invitation.withdraw", row)
    return row


@transaction.atomic
def resend(actor: Actor, row: Invitation) -> Invitation:
    """Let it wait seven days more, and send the mail again; the link of the one before is worth nothing."""
    policy.require(actor, "invitation.create", row)
    require_gives(actor, row.role, Place.of(row.account))
    now = timezone.now()
    if row.mailed_at and now - row.mailed_at < _BETWEEN_MAILS:
        raise TooMany(seconds=int((row.mailed_at + _BETWEEN_MAILS - now).total_seconds()) + 1)
    if row.mail_tries >= MAILS_EACH:
        raise StateConflict(reason="mailed_often_enough", limit=MAILS_EACH)
    pending = Invitation.objects.filter(pk=row.pk, state=PENDING)
    expires = now + timedelta(days=DAYS)
    if not pending.update(expires_at=expires, mail_due=bool(row.email), invited_by=actor.user):
        raise StateConflict(reason="invitation_settled")
    audit.record(actor, "invitation.resend", row)
    row.refresh_from_db()
    return row


@transaction.atomic
def copy_link(actor: Actor, row: Invitation) -> str:
    """The path of a link to be handed over by other means. It is shown now and never again; the one
    before it is worth nothing. Its secret is in the fragment, which browsers send to no server."""
    policy.require(actor, "invitation.create", row)
    require_gives(actor, row.role, Place.of(row.account))
    text = secrets.token_urlsafe(32)
    if not Invitation.objects.filter(_open(), pk=row.pk).update(copied=digest(text), invited_by=actor.user):
        raise StateConflict(reason="invitation_settled")
    audit.record(actor, "invitation.copy_link", row)
    return path_of(text)


def path_of(text: str) -> str:
    return f"/invitations/link/#{text}"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# What whoever is invited does.


def by_link(actor: Actor, text: str) -> Invitation:
    """The invitation of a link, for who is logged in. One that is for a user name opens to that user alone;
    why a link opens nothing is not told."""
    _require_self(actor)
    wanted = digest(text.strip())
    row = Invitation.objects.filter(_open() & (Q(copied=wanted) | Q(mailed=wanted)))
    found = row.select_related("account__domain", "account__project", "role", "invited_by").first()
    if found is None or actor.user is None or (found.username and not is_for(found, actor.user)):
        raise InvalidInput("invitation_link", place="token")
    return found


@transaction.atomic
def accept(actor: Actor, row: Invitation, *, token: str = "") -> Membership:
    """Join, once: of two who accept at the same time one does. With a mail address the one that whoever
    accepts has here counts, or the link that was sent there."""
    user = _addressed(actor, row, token)
    account = _lock(row.account)
    _settle(actor, row, InvitationState.ACCEPTED)
    if verdict(account).standing == Standing.CLOSING:
        raise StateConflict(reason="project_closing")
    if not _still_given(row, account):
        raise StateConflict(reason="invitation_void")
    if account.memberships.filter(user=user).exists():
        raise StateConflict(reason="member_already")
    member = Membership.objects.create(user=user, account=account, role=row.role, granted_by=row.invited_by)
    audit.record(actor, "invitation.accept", row, role=row.role.name)
    return member


@transaction.atomic
def decline(actor: Actor, row: Invitation, *, token: str = "") -> Invitation:
    _addressed(actor, row, token)
    _settle(actor, row, InvitationState.DECLINED)
    audit.record(actor, "invitation.decline", row)
    return row


def _addressed(actor: Actor, row: Invitation, token: str) -> User:
    """Who answers; NotFound for anybody whom it is not for."""
    user = _require_self(actor)
    if is_for(row, user):
        return user
    if row.email and token and digest(token.strip()) in {row.copied, row.mailed}:
        return user
    raise NotFound(kind="invitation")


def _require_self(actor: Actor) -> User:
    """A person answers, with all the rights that they have: no program, and no token for less."""
    if actor.user is None or not actor.user.is_active or actor.limits is not None or actor.user.is_service:
        raise PermissionDenied(permission="invitation.accept")
    return actor.user


def _still_given(row: Invitation, account: Account) -> bool:
    """Whether the inviter may still invite, and holds what was offered."""
    if row.invited_by is None:
        return False
    inviter, place = Actor(row.invited_by), Place.of(account)
    return (
        policy.may(inviter, "invitation.create", account)
        and not misfit(row.role, place)
        and not actor_lacks(inviter, row.role.allowed, place)
    )


def _settle(actor: Actor, row: Invitation, state: InvitationState) -> None:
    """Compare-and-set: an invitation has one end. One that is too old has none."""
    rows = Invitation.objects.filter(pk=row.pk, state=PENDING)
    if state != InvitationState.WITHDRAWN:
        rows = rows.filter(expires_at__gt=timezone.now())
    settled = {"state": state, "settled_at": timezone.now(), "settled_by": actor.user}
    if not rows.update(**settled, copied=None, mailed=None, mail_due=False):
        raise StateConflict(reason="invitation_settled")
    row.refresh_from_db()


def _lock(account: Account) -> Account:
    """Nobody else changes who belongs to it, or what people hold, until the transaction ends."""
    lock_tree()
    rows = Account.objects.select_for_update(of=("self",)).select_related("domain")
    return rows.get(pk=account.pk)
