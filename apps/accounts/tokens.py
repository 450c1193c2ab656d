"""Credentials that are shown once: API tokens and login links. The database has only their SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.models import ApiToken, LoginLink, User
from apps.core.errors import InvalidInput, PermissionDenied
from apps.core.middleware import token_name
from apps.core.names import clean_name

LINK_MINUTES = 15
MAX_DAYS = 3650
_SEEN_EVERY = timedelta(minutes=1)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def issue_token(actor: Actor, *, user: User, name: str, days: int | None = None) -> tuple[ApiToken, str]:
    """A new API token of the user's and its text, which nobody can read again."""
    _require_self_or_operator(actor, "token.issue", user)
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidInput("out_of_range", place="days", low=1, high=MAX_DAYS)
    text = secrets.token_urlsafe(32)
    expires = None if days is None else timezone.now() + timedelta(days=days)
    row = ApiToken.objects.create(user=user, name=clean_name(name), digest=digest(text), expires_at=expires)
    audit.record(actor, "token.issue", row, user=user)
    return row, text


@transaction.atomic
def revoke_token(actor: Actor, token: ApiToken) -> None:
    _require_self_or_operator(actor, "token.revoke", token.user)
    audit.record(actor, "token.revoke", token, user=token.user)
    token.delete()


def user_of_token(text: str) -> User | None:
    """The active user whose valid token this is. Notes its use at most once a minute."""
    now = timezone.now()
    valid = Q(expires_at=None) | Q(expires_at__gt=now)
    token = ApiToken.objects.select_related("user").filter(valid, digest=digest(text)).first()
    if token is None or not token.user.is_active:
        return None
    if token.last_used_at is None or now - token.last_used_at > _SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    token_name.set(token.name)
    return token.user


@transaction.atomic
def create_login_link(actor: Actor, *, user: User) -> str:
    """The path of a link that logs the user in once within LINK_MINUTES. Its secret is in the
    fragment: browsers send that to no server, so no log sees it."""
    policy.require(actor, "login_link.create", user)
    text = secrets.token_urlsafe(32)
    expires = timezone.now() + timedelta(minutes=LINK_MINUTES)
    LoginLink.objects.filter(expires_at__lt=timezone.now()).delete()
    row = LoginLink.objects.create(user=user, digest=digest(text), expires_at=expires)
    audit.record(actor, "login_link.create", row, user=user)
    return f"/login/link/#{text}"


@transaction.atomic
def redeem_login_link(text: str) -> User:
    """The link's user, once; PermissionDenied if it was used, is too old, or never was. Which of
    these is not told."""
    now = timezone.now()
    fresh = LoginLink.objects.filter(digest=digest(text), used_at=None, expires_at__gt=now)
    link = fresh.select_related("user").first()
    if link is None or not link.user.is_active or not fresh.update(used_at=now):
        raise PermissionDenied(reason="login_link")
    audit.record(Actor(link.user), "login_link.redeem", link, user=link.user)
    return link.user


def _require_self_or_operator(actor: Actor, kind: str, user: User) -> None:
    if actor.user is None or not actor.user.is_active or actor.user.pk != user.pk:
        policy.require(actor, kind, user)
