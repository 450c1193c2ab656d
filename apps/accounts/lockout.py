"""Lock-out after failed logins, by django-axes: for a name at an address, and for an address whatever the
names. Nobody can lock somebody else out from elsewhere. An attempt leaves its count and nothing of what
was typed: one that names nobody is kept as a digest, for it may be a password in the wrong field."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.base import AbstractAxesHandler, AxesBaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.core.client_address import address_of
from apps.core.errors import LockedOut


def user_named(text: object) -> User | None:
    """The user of this name as it is typed at a login: capitals make no difference, and nothing but ASCII
    is ever a match, so that no letter that looks or folds alike finds anybody."""
    if not isinstance(text, str) or not text.isascii() or not text.isprintable():
        return None
    if not 0 < len(text.strip()) <= 100:
        return None
    return User.objects.filter(username__iexact=text.strip()).first()


def name_key(request: HttpRequest | None, credentials: Mapping[str, Any] | None = None) -> str:
    """Under which name attempts are counted. django-axes asks for it by settings."""
    typed = str((credentials or {}).get("username") or "")
    user = user_named(typed)
    if user is not None:
        return user.username.lower()
    return "?" + hashlib.sha256(typed.strip().casefold().encode()).hexdigest()[:40]


def _since() -> datetime:
    return timezone.now() - _cool_off()


def _cool_off() -> timedelta:
    return timedelta(minutes=settings.LOGIN_LOCK_MINUTES)


def _attempts(address: str, name: str = "") -> QuerySet[Any]:
    rows: QuerySet[Any] = AccessAttempt.objects.filter(ip_address=address or None, attempt_time__gt=_since())
    return rows.filter(username=name) if name else rows


def locked_until(address: str, name: str) -> datetime | None:
    """When the lock on this name here, or on the address, ends; None if there is none."""
    ends = [
        end
        for rows, limit in (
            (_attempts(address, name), settings.LOGIN_FAILURES),
            (_attempts(address), settings.LOGIN_ADDRESS_FAILURES),
        )
        if (end := _end(rows, limit))
    ]
    return max(ends, default=None)


def _end(rows: QuerySet[Any], limit: int) -> datetime | None:
    """When so many of the latest have run out that the rest is below the limit."""
    count = 0
    latest = rows.order_by("-attempt_time").values_list("failures_since_start", "attempt_time")
    for failures, at in latest[: limit + 1]:
        count += failures
        if count >= limit:
            end: datetime = at + _cool_off()
            return end
    return None


class Handler(AbstractAxesHandler, AxesBaseHandler):  # type: ignore[misc]
    """What django-axes asks and tells. Attempts while locked are not counted: the lock ends when it says."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        return locked_until(address_of(request), name_key(request, credentials)) is not None

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        rows = _attempts(address_of(request), name_key(request, credentials))
        return sum(rows.values_list("failures_since_start", flat=True))

    def user_login_failed(
        self,
        sender: Any,
        credentials: dict[str, Any],
        request: HttpRequest | None = None,
        **options: Any,
    ) -> None:
        if request is None or getattr(request, "axes_locked_out", False):
            return
        address, name = address_of(request), name_key(request, credentials)
        with transaction.atomic():
            AccessAttempt.objects.filter(attempt_time__lte=_since()).delete()
            _count(address, name)
            if locked_until(address, name) is not None:
                request.axes_locked_out = True  # type: ignore[attr-defined]
                user = user_named(credentials.get("username"))
                audit.record(Actor.system("too many failed logins"), "login.lock", user)

    def user_logged_in(self, sender: Any, request: HttpRequest, user: User, **options: Any) -> None:
        """What was failed under this name here is forgotten; what was under others still counts."""
        name = user.get_username().lower()
        AccessAttempt.objects.filter(ip_address=address_of(request) or None, username=name).delete()

    def user_logged_out(self, sender: Any, request: HttpRequest, user: User, **options: Any) -> None:
        """Nothing: logging out proves nothing."""

    def post_save_access_attempt(self, instance: AccessAttempt, **options: Any) -> None:
        """Nothing: the count is all there is."""

    def post_delete_access_attempt(self, instance: AccessAttempt, **options: Any) -> None:
        """Nothing either."""


def _count(address: str, name: str) -> None:
    """One failure more. `user_agent` is part of the rows' key in django-axes, and not of ours."""
    key = {"username": name, "ip_address": address or None, "user_agent": ""}
    now = timezone.now()
    more = {"failures_since_start": F("failures_since_start") + 1, "attempt_time": now}
    if AccessAttempt.objects.filter(**key).update(**more):
        return
    try:
        with transaction.atomic():
            AccessAttempt.objects.create(**key, failures_since_start=1, get_data="", post_data="")
    except IntegrityError:
        AccessAttempt.objects.filter(**key).update(**more)


def prove(request: HttpRequest, username: str, password: str) -> User | None:
    """The user whose name and password these are, by whichever place keeps the password; None if they are
    nobody's. A name that is not ASCII is nobody's, however it may look or fold. LockedOut after too many
    failures."""
    name = username.strip()
    found = authenticate(request, username=name if name.isascii() else "", password=password)
    if getattr(request, "axes_locked_out", False):
        address = address_of(request)
        until = locked_until(address, name_key(request, {"username": username})) or timezone.now()
        raise LockedOut(until=until.isoformat(timespec="minutes"), minutes=_minutes_to(until))
    return found if isinstance(found, User) else None


def _minutes_to(moment: datetime) -> int:
    return max(1, -int(-(moment - timezone.now()).total_seconds() // 60))


def locks_of(user: User) -> list[tuple[str, datetime]]:
    """The addresses at which the user's name is locked, and until when."""
    name = user.username.lower()
    rows = AccessAttempt.objects.filter(username=name, attempt_time__gt=_since())
    found = [(row.ip_address or "", locked_until(row.ip_address or "", name)) for row in rows]
    return [(address, until) for address, until in found if until is not None]


@transaction.atomic
def unlock_user(actor: Actor, user: User) -> int:
    """Let the user try again from everywhere, also from addresses that are locked whatever the name."""
    policy.require(actor, "login.unlock", user)
    name = user.username.lower()
    addresses = [address for address, _until in locks_of(user)]
    count = int(AccessAttempt.objects.filter(username=name).delete()[0])
    for address in addresses:
        count += _forget_address(address)
    audit.record(actor, "login.unlock", user, addresses=len(addresses))
    return count


@transaction.atomic
def unlock_address(actor: Actor, address: str) -> int:
    """Let everybody at this address try again."""
    policy.require(actor, "login.unlock")
    count = _forget_address(address)
    audit.record(actor, "login.unlock", None, address=address)
    return count


def _forget_address(address: str) -> int:
    return int(AccessAttempt.objects.filter(ip_address=address or None).delete()[0])
