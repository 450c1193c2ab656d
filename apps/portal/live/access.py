"""Who may hold a stream open, and whether that is still so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.utils import timezone

from apps.accounts import view_as
from apps.accounts.actor import Actor
from apps.accounts.held import Held, held_by_each
from apps.accounts.models import Session, User
from apps.accounts.sessions import SessionStore, stored_key


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is logged in, with what decides over what they see. `session` is the key as the
    database has it."""

    session: str
    user: int
    operator: bool
    held: tuple[Held, ...]

    @property
    def is_wide(self) -> bool:
        """Holds something beyond single accounts. Such a reader is told of every change of a list, and asks
        for the list again: what it then has is the policy's answer."""
        return self.operator or any(each.scope != "account" for each in self.held)

    @property
    def accounts(self) -> frozenset[int | None]:
        return frozenset(each.key for each in self.held if each.scope == "account")


def request_of(scope: Any) -> ASGIRequest:
    """The request, without a body. DisallowedHost if it names a host that is not ours."""
    request = ASGIRequest(scope, BytesIO())
    request.get_host()
    return request


def reader_of(request: ASGIRequest) -> tuple[Reader, Actor] | None:
    """Whom the request's session belongs to; None for nobody who is logged in and active."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request.session = SessionStore(key)
    user = get_user(request)
    if not isinstance(user, User) or view_as.KEY in request.session:
        return None
    actor = Actor(user)
    return Reader(stored_key(key), user.pk, user.is_super_admin, actor.held), actor


def gone_and_changed(readers: Iterable[Reader]) -> tuple[set[Reader], set[Reader]]:
    """Those of the readers who are logged in no longer, and those who may see other things than before."""
    readers = set(readers)
    users = {reader.user for reader in readers}
    keys = {reader.session for reader in readers}
    valid = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions = set(valid.values_list("session_key", flat=True))
    active = {user.pk: user for user in User.objects.filter(pk__in=users, is_active=True)}
    held = held_by_each(active.values())
    gone = {reader for reader in readers if reader.session not in sessions or reader.user not in active}
    changed = {
        reader
        for reader in readers - gone
        if reader.operator != active[reader.user].is_super_admin or reader.held != held.get(reader.user, ())
    }
    return gone, changed
