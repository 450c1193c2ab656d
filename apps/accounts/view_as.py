"""Looking at the portal as another user: to read only, for half an hour at most, and never unseen.

The session keeps whom and until when; the middleware asks at every request whether it may still be. Nothing
is written meanwhile, by no method and no statement.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.core.errors import InvalidInput, PermissionDenied

MINUTES = 30
KEY = "view_as"
BEGIN, END = "user.view_as", "user.view_as_end"
READS = ("SELECT", "WITH", "EXPLAIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "PRAGMA", "SET", "SHOW")
WRITES = ("INSERT ", "UPDATE ", "DELETE ", " FOR UPDATE", " FOR NO KEY UPDATE")


class OnlyReading(PermissionDenied):
    """The portal is looked at as somebody else: nothing is changed, and secrets are not shown."""

    def __init__(self) -> None:
        super().__init__(reason="only_reading")


@transaction.atomic
def begin(actor: Actor, user: User) -> dict[str, Any]:
    """What the session is to remember. Not of oneself, nor of who may everything, nor from within."""
    policy.require(actor, "user.view_as", user)
    if actor.behalf is not None or actor.user is None:
        raise OnlyReading
    if user.pk == actor.user.pk:
        raise InvalidInput("view_as_yourself", place="user")
    if Actor(user).is_operator:
        raise InvalidInput("view_as_operator", place="user")
    if not user.is_active:
        raise InvalidInput("user_is_inactive", place="user")
    until = timezone.now() + timedelta(minutes=MINUTES)
    audit.record(Actor(actor.user, behalf=user), "user.view_as", user, until=until.isoformat())
    return {"user": user.pk, "until": until.isoformat()}


@transaction.atomic
def end(actor: Actor, kept: dict[str, Any]) -> None:
    """Told once, whoever ends it: the viewer, the time, or a right that is gone."""
    user = User.objects.filter(pk=kept.get("user") or 0).first()
    if user is not None:
        audit.record(Actor(actor.user, behalf=user), "user.view_as_end", user)


def viewed(viewer: User, kept: Any) -> User | None:
    """As whom this viewer looks now; None if the time is over or the right is gone."""
    try:
        until = datetime.fromisoformat(kept["until"])
        user = User.objects.get(pk=kept["user"], is_active=True)
    except (KeyError, TypeError, ValueError, User.DoesNotExist):
        return None
    actor = Actor(viewer)
    if until <= timezone.now() or not policy.may(actor, "user.view_as", user) or Actor(user).is_operator:
        return None
    return user


def refuse_writing(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """For `connection.execute_wrapper`: a statement that only reads, or OnlyReading."""
    text = sql.lstrip("( \n").upper()
    if not text.startswith(READS) or any(word in text for word in WRITES):
        raise OnlyReading
    return execute(sql, params, many, context)
