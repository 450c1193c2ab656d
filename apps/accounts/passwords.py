"""Passwords that the portal keeps: set, changed with the present one, set anew by a link. None is ever
chosen by the portal, written to an event, or told again."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts import audit, policy, sessions
from apps.accounts.actor import Actor
from apps.accounts.backends import MAX_PASSWORD
from apps.accounts.giving import require_holds_all_of
from apps.accounts.lockout import prove
from apps.accounts.models import DirectoryPerson, LoginLink, Session, User
from apps.accounts.tokens import create_link, fresh_links, refuse_limited
from apps.core.errors import InvalidInput, PermissionDenied

RESET_MINUTES = 60
FRESH = timedelta(minutes=15)
"""How long after a login by link a first password can be chosen without another proof."""


def is_local(user: User) -> bool:
    """Whether the user has, or may have, a password here: no service, and nobody of a campus' directory."""
    return not user.is_service and not DirectoryPerson.objects.filter(user=user).exists()


def _require_local(user: User) -> None:
    if user.is_service:
        raise InvalidInput("service_has_no_password", place="user")
    if not is_local(user):
        raise InvalidInput("password_elsewhere", place="user")


def _store(user: User, text: str) -> None:
    """Judge and keep a new password, in the transaction of its event."""
    _require_local(user)
    if len(text) > MAX_PASSWORD:
        raise InvalidInput("too_long", place="new_password", limit=MAX_PASSWORD)
    try:
        validate_password(text, user)
    except ValidationError as error:
        raise InvalidInput("weak_password", place="new_password", said=" ".join(error.messages)) from None
    user.set_password(text)
    user.save(update_fields=["password"])


def needs_present(request: HttpRequest, user: User) -> bool:
    """Whether the user must give the present password to set another: always, if there is one."""
    return user.has_usable_password() or not _came_by_link_just_now(request, user)


def _came_by_link_just_now(request: HttpRequest, user: User) -> bool:
    row = getattr(getattr(request, "session", None), "row", None)
    return (
        row is not None
        and row.user_id == user.pk
        and row.way == Session.Way.LINK
        and timezone.now() - row.begun_at < FRESH
    )


def change_own_password(request: HttpRequest, actor: Actor, *, present: str, new: str) -> User:
    """One's own password. The session that changes it stays, the user's others end. A wrong present
    password counts as a failed login."""
    refuse_limited(actor)
    assert actor.user is not None  # noqa: S101 - nobody else has one
    user = User.objects.get(pk=actor.user.pk)
    _require_local(user)
    if needs_present(request, user):
        if not user.has_usable_password():
            raise PermissionDenied(reason="log_in_by_link_first")
        if prove(request, user.username, present) != user:
            raise InvalidInput("wrong_password", place="present_password")
    session = getattr(request, "session", None)
    key = session.session_key if session is not None and sessions.is_of(session, user) else ""
    with transaction.atomic():
        _store(user, new)
        ended = sessions.end_sessions(user, but_key=key or "")
        audit.record(actor, "password.change", user, sessions_ended=ended)
    if key:
        update_session_auth_hash(request, user)
    return user


@transaction.atomic
def set_password(actor: Actor, user: User, *, new: str) -> User:
    """A password from whoever runs the portal's machine: how a local super admin gets one."""
    policy.require(actor, "password.set", user)
    refuse_limited(actor)
    require_holds_all_of(actor, user)
    _store(user, new)
    ended = sessions.end_sessions(user)
    audit.record(actor, "password.set", user, sessions_ended=ended)
    return user


@transaction.atomic
def create_password_link(actor: Actor, *, user: User) -> str:
    """The path of a link by which the user sets a password, once, within RESET_MINUTES. Who holds less
    than the user makes none: they could use it themselves."""
    policy.require(actor, "password.reset", user)
    refuse_limited(actor)
    require_holds_all_of(actor, user)
    _require_local(user)
    text = create_link(user, LoginLink.Purpose.PASSWORD, RESET_MINUTES)
    audit.record(actor, "password.reset", user)
    return f"/login/password/#{text}"


@transaction.atomic
def redeem_password_link(text: str, *, new: str) -> User:
    """Set the password that the link is for, once. A password that is refused leaves the link as it was;
    one that is taken ends the user's sessions and their other links."""
    fresh = fresh_links(text, LoginLink.Purpose.PASSWORD)
    link = fresh.select_related("user").first()
    if link is None or not link.user.is_active or not is_local(link.user):
        raise PermissionDenied(reason="password_link")
    _store(link.user, new)
    if not fresh.update(used_at=timezone.now()):
        raise PermissionDenied(reason="password_link")
    ended = sessions.end_sessions(link.user)
    audit.record(Actor(link.user), "password.change", link.user, by_link=True, sessions_ended=ended)
    return link.user
