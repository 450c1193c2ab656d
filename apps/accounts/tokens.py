"""Credentials that are shown once: API tokens and login links. The database has only their SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.giving import require_holds_all_of
from apps.accounts.limits import Limits
from apps.accounts.models import Account, ApiToken, LoginLink, User
from apps.accounts.roles.rules import checked
from apps.accounts.sessions import require_self_or
from apps.core.errors import InvalidInput, NotFound, PermissionDenied
from apps.core.names import clean_name

LINK_MINUTES = 15
MAX_DAYS = 3650
MAX_TOKENS = 100
MAX_PATTERNS = 50
EVERYTHING = "*"
_SEEN_EVERY = timedelta(minutes=1)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def refuse_limited(actor: Actor) -> None:
    """A token that is kept from anything never makes a credential or changes one."""
    if actor.limits is not None:
        raise PermissionDenied(reason="limited_token")


@transaction.atomic
def issue_token(
    actor: Actor,
    *,
    user: User,
    name: str,
    days: int | None = None,
    verbs: Sequence[str] = (EVERYTHING,),
    accounts: Sequence[Account] | None = None,
    until: datetime | None = None,
) -> tuple[ApiToken, str]:
    """A new API token of the user's and its text, which nobody can read again. People issue their own and
    those of service accounts; nobody issues another person's but the system itself. Who comes by a token
    makes none that lives beyond that one's own end, `until`."""
    _require_issuer(actor, user)
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidInput("out_of_range", place="days", low=1, high=MAX_DAYS)
    expires = None if days is None else timezone.now() + timedelta(days=days)
    if until is not None and (expires is None or expires > until):
        raise InvalidInput("outlives_token", place="days", until=until.isoformat(timespec="minutes"))
    if ApiToken.objects.filter(user=user).count() >= MAX_TOKENS:
        raise InvalidInput("too_many_tokens", place="name", limit=MAX_TOKENS)
    text = secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user,
        name=clean_name(name),
        digest=digest(text),
        expires_at=expires,
        verbs=clean_patterns(verbs),
        every_account=accounts is None,
    )
    row.accounts.set(accounts or ())
    audit.record(actor, "token.issue", row, user=user, verbs=row.verbs, days=days)
    return row, text


def _require_issuer(actor: Actor, user: User) -> None:
    refuse_limited(actor)
    if not user.is_active:
        raise InvalidInput("no_such_user", place="user")
    if user.service_of is not None:
        policy.require(actor, "service_account.issue_token", user.service_of)
        require_holds_all_of(actor, user)
        return
    if actor.is_system or (actor.user is not None and actor.user.is_active and actor.user.pk == user.pk):
        return
    if not policy.sees(actor, user):
        raise NotFound(kind="user")
    raise PermissionDenied(reason="token_of_another")


def clean_patterns(given: object, *, place: str = "verbs") -> list[str]:
    """Patterns of permissions as they are stored: sorted, each once."""
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= MAX_PATTERNS:
        raise InvalidInput("not_patterns", place=place, limit=MAX_PATTERNS)
    for pattern in given:
        try:
            checked([("allow", pattern)])
        except InvalidInput as error:
            params = {"pattern": pattern} if isinstance(pattern, str) else {}
            raise InvalidInput(error.params["reason"], place=place, **params) from None
    return sorted(set(given))


@transaction.atomic
def revoke_token(actor: Actor, token: ApiToken) -> None:
    """End a token: one's own, a service account's, or with “token.revoke” on its user."""
    if token.user.service_of is not None:
        policy.require(actor, "service_account.revoke_token", token.user.service_of)
    else:
        require_self_or(actor, "token.revoke", token.user)
    audit.record(actor, "token.revoke", token, user=token.user)
    token.delete()


def token_of(text: str) -> ApiToken | None:
    """The valid token of an active user that this is. Notes its use at most once a minute."""
    now = timezone.now()
    valid = Q(expires_at=None) | Q(expires_at__gt=now)
    token = ApiToken.objects.select_related("user").filter(valid, digest=digest(text)).first()
    if token is None or not token.user.is_active:
        return None
    if token.last_used_at is None or now - token.last_used_at > _SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def user_of_token(text: str) -> User | None:
    """The active user whose valid token this is."""
    token = token_of(text)
    return None if token is None else token.user


def limits_of(token: ApiToken) -> Limits | None:
    """What the token is kept to; None if it is kept from nothing."""
    keys = None if token.every_account else frozenset(token.accounts.values_list("pk", flat=True))
    patterns = None if EVERYTHING in token.verbs else tuple(token.verbs)
    return None if patterns is None and keys is None else Limits(patterns, keys)


def create_link(user: User, purpose: LoginLink.Purpose, minutes: int) -> str:
    """The secret of a new one-time link. It goes into a URL's fragment: browsers send that to no server,
    so no log sees it."""
    text = secrets.token_urlsafe(32)
    now = timezone.now()
    LoginLink.objects.filter(expires_at__lt=now).delete()
    LoginLink.objects.create(
        user=user, digest=digest(text), expires_at=now + timedelta(minutes=minutes), purpose=purpose
    )
    return text


def fresh_links(text: str, purpose: LoginLink.Purpose) -> QuerySet[LoginLink]:
    """The link of this secret if it can still be used: none or one."""
    now = timezone.now()
    return LoginLink.objects.filter(digest=digest(text), used_at=None, expires_at__gt=now, purpose=purpose)


@transaction.atomic
def create_login_link(actor: Actor, *, user: User) -> str:
    """The path of a link that logs the user in once within LINK_MINUTES. Who holds less than the user makes
    none."""
    policy.require(actor, "login_link.create", user)
    refuse_limited(actor)
    require_holds_all_of(actor, user)
    if user.is_service:
        raise InvalidInput("service_has_no_password", place="user")
    text = create_link(user, LoginLink.Purpose.LOGIN, LINK_MINUTES)
    audit.record(actor, "login_link.create", user)
    return f"/login/link/#{text}"


@transaction.atomic
def redeem_login_link(text: str) -> User:
    """The link's user, once; PermissionDenied if it was used, is too old, or never was. Which of
    these is not told."""
    fresh = fresh_links(text, LoginLink.Purpose.LOGIN)
    link = fresh.select_related("user").first()
    if link is None or not link.user.is_active or not fresh.update(used_at=timezone.now()):
        raise PermissionDenied(reason="login_link")
    audit.record(Actor(link.user), "login_link.redeem", link.user)
    return link.user
