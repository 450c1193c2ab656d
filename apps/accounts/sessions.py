"""Sessions of which the database keeps only a digest of the key: who reads it cannot take one over. Each
row says whose session it is, so that it can be listed, and ended from elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY, login
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.models import ApiToken, LoginLink, Session, User
from apps.core.client_address import address_of
from apps.core.errors import NotFound

LOGIN = "login"
"""Under this name a session's data say how and from where it was begun."""
SEEN_EVERY = timedelta(minutes=1)


def stored_key(session_key: str) -> str:
    """What stands in the database for a session's key: as many characters as its column takes."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


def valid() -> QuerySet[Session]:
    """Sessions that work: not run out, nobody's or an active user's, and not begun through a directory that
    is disabled now."""
    rows = Session.objects.filter(Q(user=None) | Q(user__is_active=True), expire_date__gt=timezone.now())
    return rows.exclude(way=Session.Way.DIRECTORY, user__directory_person__directory__enabled=False)


class SessionStore(DatabaseStore):
    """Django's own store, but for the key it looks up and writes, and for the columns beside the data."""

    row: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        found = valid().filter(session_key=stored_key(self.session_key or "")).first()
        self.row = found
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return super().exists(stored_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row that the data make; what they do not tell is as in a new one."""
        told = data.get(LOGIN, {})
        row = Session(
            session_key=stored_key(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            user_id=int(data[SESSION_KEY]) if data.get(SESSION_KEY) else None,
            address=told.get("address", ""),
            agent=told.get("agent", ""),
            way=told.get("way", Session.Way.OTHER),
        )
        if "begun" in told:
            row.begun_at = datetime.fromisoformat(told["begun"])
        return row

    def save(self, must_create: bool = False) -> None:
        """As Django's, but a change leaves alone what the row alone knows."""
        if self.session_key is None:
            self.create()
            return
        row = self.create_model_instance(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        if must_create:
            try:
                with transaction.atomic():
                    row.save(force_insert=True)
            except IntegrityError:
                raise CreateError from None
            return
        columns = {name: getattr(row, name) for name in ("session_data", "expire_date", "user_id")}
        if not Session.objects.filter(pk=row.pk).update(**columns):
            raise UpdateError

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            super().delete(stored_key(key))

    async def _aget_session_from_db(self) -> Session | None:
        return await sync_to_async(self._get_session_from_db)()

    async def aexists(self, session_key: str) -> bool:
        return await sync_to_async(self.exists)(session_key)

    async def acreate_model_instance(self, data: dict[str, Any]) -> Session:
        return await sync_to_async(self.create_model_instance)(data)

    async def asave(self, must_create: bool = False) -> None:
        await sync_to_async(self.save)(must_create)

    async def adelete(self, session_key: str | None = None) -> None:
        await sync_to_async(self.delete)(session_key)


def begin(request: HttpRequest, user: User, *, way: str, backend: str) -> None:
    """Log the user in under a new key: whatever session the browser came with is ended, so that nobody who
    planted its key is logged in with them."""
    request.session.flush()
    request.session[LOGIN] = {
        "way": way,
        "begun": timezone.now().isoformat(),
        "address": address_of(request),
        "agent": short_agent(request.headers.get("User-Agent", "")),
    }
    login(request, user, backend=backend)
    audit.record(Actor(user), "session.begin", user, way=way)


def note_seen(request: HttpRequest) -> None:
    """Note that the request's session is in use, at most once a minute."""
    row = getattr(getattr(request, "session", None), "row", None)
    now = timezone.now()
    if row is None or row.user_id is None or now - row.last_seen_at < SEEN_EVERY:
        return
    Session.objects.filter(pk=row.pk).update(last_seen_at=now, address=address_of(request))


def short_agent(text: str) -> str:
    """The browser and its system as people know them: "Firefox, Linux"."""
    browser = next((name for mark, name in _BROWSERS if mark in text), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    found = ", ".join(part for part in (browser, system) if part)
    plain = "".join(char for char in text if char.isprintable())
    return found or plain[:60]


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def is_of(session: Any, user: User) -> bool:
    """Whether the request's session is the user's own."""
    row = getattr(session, "row", None)
    return row is not None and row.user_id == user.pk


def sessions_of(user: User) -> QuerySet[Session]:
    """The user's sessions that work, the one seen last first."""
    return valid().filter(user=user).order_by("-last_seen_at", "pk")


def find(user: User, uuid: UUID) -> Session:
    """A session of the user's; NotFound for anybody else's."""
    row = sessions_of(user).filter(uuid=uuid).first()
    if row is None:
        raise NotFound(kind="session")
    return row


@transaction.atomic
def revoke(actor: Actor, session: Session) -> None:
    """End one session: one's own, or with “session.revoke” on its user."""
    assert session.user is not None  # noqa: S101 - only users' sessions are listed
    require_self_or(actor, "session.revoke", session.user)
    session.delete()
    audit.record(actor, "session.revoke", session.user, count=1)


@transaction.atomic
def revoke_all(actor: Actor, user: User, *, but_key: str = "") -> int:
    """End all sessions of the user's but the one of this key, as the browser holds it; how many."""
    require_self_or(actor, "session.revoke", user)
    count = end_sessions(user, but_key=but_key)
    audit.record(actor, "session.revoke", user, count=count)
    return count


def end_sessions(user: User, *, but_key: str = "") -> int:
    """End the user's sessions and links, in the transaction of what makes it necessary."""
    LoginLink.objects.filter(user=user, used_at=None).delete()
    rows = Session.objects.filter(user=user)
    if but_key:
        rows = rows.exclude(session_key=stored_key(but_key))
    return rows.delete()[0]


def end_sessions_of_each(users: Collection[int]) -> int:
    """All sessions and unused links of many users, by their keys; how many sessions."""
    LoginLink.objects.filter(user__in=users, used_at=None).delete()
    return Session.objects.filter(user__in=users).delete()[0]


def cut_off(user: User) -> None:
    """End every session, link and token of the user's at once. Tokens stay listed as run out, and stay so
    if the user comes back."""
    cut_off_each([user.pk])


@transaction.atomic
def cut_off_each(users: Collection[int]) -> None:
    """The same of many users, by their keys."""
    now = timezone.now()
    end_sessions_of_each(users)
    tokens = ApiToken.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), user__in=users)
    tokens.update(expires_at=now)


def require_self_or(actor: Actor, kind: str, user: User) -> None:
    """Everybody may do this to themselves; to others who has the permission."""
    own = actor.user is not None and actor.user.is_active and actor.user.pk == user.pk
    if own and (actor.limits is None or actor.limits.allow(kind)):
        return
    policy.require(actor, kind, user)
