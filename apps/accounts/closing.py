"""Accounts, domains and people are disabled at once, and closed for good after a time of grace.

What is disabled or closing starts and makes nothing (apps/accounts/standing.py), and its machines are
stopped. Until `closes_at` everything is there and one act takes it back; from then on nothing does: the
removal releases all that was owned, kind by kind, and the row goes last.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts import audit, background, ownership, policy, recheck
from apps.accounts.actor import Actor
from apps.accounts.giving import fresh_actor
from apps.accounts.locks import lock_tree
from apps.accounts.models import Account, Domain, Standing, User
from apps.accounts.sessions import cut_off
from apps.accounts.standing import require_active
from apps.core.errors import InvalidInput, StateConflict
from apps.core.trees import is_within

Owner = TypeVar("Owner", bound=Account | Domain)


def noun(owner: Account | Domain) -> str:
    return "account" if isinstance(owner, Account) else "domain"


def lock_of(owner: Account | Domain) -> str:
    """Held while it is removed."""
    return f"{noun(owner)}:{owner.uuid}"


def halt_lock_of(owner: Account | Domain) -> str:
    """Held while its machines are stopped, which may wait for a host that is away: a removal does not."""
    return f"{noun(owner)}-halt:{owner.uuid}"


def grace_ends() -> datetime:
    return timezone.now() + timedelta(days=settings.CLOSING_GRACE_DAYS)


@transaction.atomic
def disable(actor: Actor, owner: Owner) -> Owner:
    """Let nothing start or be made there any more, and stop the machines. Its people still log in."""
    _may(actor, "disable", owner)
    rows = type(owner)._default_manager.filter(pk=owner.pk, disabled_at=None)
    if rows.update(disabled_at=timezone.now()):
        _record(actor, "disable", owner, Standing.ACTIVE, Standing.DISABLED)
        _halt(actor, owner)
    owner.refresh_from_db()
    return owner


@transaction.atomic
def enable(actor: Actor, owner: Owner) -> Owner:
    """Let it work again. What was stopped stays so until somebody starts it."""
    _may(actor, "enable", owner)
    rows = type(owner)._default_manager.filter(pk=owner.pk, disabled_at__isnull=False)
    if rows.update(disabled_at=None):
        _record(actor, "enable", owner, Standing.DISABLED, Standing.ACTIVE)
    owner.refresh_from_db()
    return owner


@transaction.atomic
def close(actor: Actor, owner: Owner, *, heir: Account | None = None) -> Owner:
    """Begin to delete it with all it owns: it goes when the time of grace is over. What others use, such
    as an image that their machines are made from, goes to the `heir`; asked again, it only changes that."""
    _may(actor, "close", owner)
    owner.refresh_from_db()
    closing = owner.standing == Standing.CLOSING
    if closing and heir in (None, owner.heir):
        return owner
    _check_heir(actor, owner, heir)
    closes_at = owner.closes_at or grace_ends()
    rows = type(owner)._default_manager.filter(pk=owner.pk, closes_at=owner.closes_at)
    if rows.update(closes_at=closes_at, heir=heir):
        goes = {each.kind: each.count for each in ownership.touched(owner)}
        given = {"heir": str(heir.uuid) if heir else None, "closes_at": closes_at.isoformat()}
        _record(actor, "close", owner, owner.standing, Standing.CLOSING, goes=goes, **given)
    if not closing:
        _halt(actor, owner)
    owner.refresh_from_db()
    return owner


@transaction.atomic
def reopen(actor: Actor, owner: Owner) -> Owner:
    """Take a closing back while there is time: it is as it was before, disabled if it was."""
    _may(actor, "reopen", owner)
    rows = type(owner)._default_manager.filter(pk=owner.pk)
    if rows.filter(closes_at__gt=timezone.now()).update(closes_at=None, heir=None):
        owner.refresh_from_db()
        _record(actor, "reopen", owner, Standing.CLOSING, owner.standing)
    elif rows.filter(closes_at__isnull=False).exists():
        raise StateConflict(reason="grace_is_over")
    owner.refresh_from_db()
    return owner


def _may(actor: Actor, act: str, owner: Account | Domain) -> None:
    """Over a whole domain decides who holds rights above it: none that holds them in it alone opens what
    others closed."""
    policy.require(actor, f"{noun(owner)}.{act}", owner)
    if isinstance(owner, Domain):
        if owner.parent is None:
            raise InvalidInput("root_stays", place="domain")
        require_above(actor, f"domain.{act}", owner)


def _record(
    actor: Actor, act: str, owner: Account | Domain, before: Standing, after: Standing, **data: Any
) -> None:
    changes = audit.compared({"state": before.value}, {"state": after.value})
    audit.record(actor, f"{noun(owner)}.{act}", owner, changes=changes, **data)


def require_above(actor: Actor, permission: str, domain: Domain) -> None:
    """Refused unless the actor may do it to the domain above, too."""
    if not policy.may(actor, permission, domain.parent):
        raise policy.Refused(actor, permission, domain.parent)


def _halt(actor: Actor, owner: Account | Domain) -> None:
    account = owner if isinstance(owner, Account) else None
    kind, keys = f"{noun(owner)}.halt", [halt_lock_of(owner)]
    background.submit(actor, kind, owner, account=account, lock_keys=keys, on_busy="join")


def _check_heir(actor: Actor, owner: Account | Domain, heir: Account | None) -> None:
    if heir is None:
        if ownership.still_needed(owner):
            raise InvalidInput("heir_needed", place="heir")
        return
    inside = heir == owner if isinstance(owner, Account) else is_within(heir.domain.path, owner.path)
    if inside:
        raise InvalidInput("heir_goes_too", place="heir")
    policy.require(actor, "account.receive", heir)
    require_active(heir)


def refuse_unless_due(owner: Account | Domain) -> None:
    """StateConflict unless its time is over, or that of a domain above it: who removes it asks again."""
    domain = owner.domain if isinstance(owner, Account) else owner
    now, keys = timezone.now(), domain.ancestor_ids()
    mine = type(owner)._default_manager.filter(pk=owner.pk, closes_at__lte=now)
    if not mine.exists() and not Domain.objects.filter(pk__in=keys, closes_at__lte=now).exists():
        raise StateConflict(reason="not_closing")


@transaction.atomic
def close_user(actor: Actor, user: User) -> User:
    """Keep a person out at once, and let their user row go when the time of grace is over. What accounts
    own that they belong to stays."""
    policy.require(actor, "user.close", user)
    if actor.user is not None and actor.user.pk == user.pk:
        raise InvalidInput("yourself", place="user")
    closes_at = grace_ends()
    lock_tree()
    policy.require(fresh_actor(actor), "user.close", user)
    if user.is_active:
        recheck.leave(actor, user)
    if User.objects.filter(pk=user.pk, closes_at=None).update(closes_at=closes_at, is_active=False):
        touches = {each.kind: each.count for each in ownership.touched_of_user(user)}
        cut_off(user)
        changes = audit.compared({"is_active": user.is_active}, {"is_active": False})
        audit.record(
            actor, "user.close", user, changes=changes, closes_at=closes_at.isoformat(), touches=touches
        )
    user.refresh_from_db()
    recheck.recheck([user.pk])
    return user


@transaction.atomic
def reopen_user(actor: Actor, user: User) -> User:
    """Let the person in again, with the memberships they had."""
    policy.require(actor, "user.reopen", user)
    rows = User.objects.filter(pk=user.pk)
    if rows.filter(closes_at__gt=timezone.now()).update(closes_at=None, is_active=True):
        changes = audit.compared({"is_active": False}, {"is_active": True})
        audit.record(actor, "user.reopen", user, changes=changes)
    elif rows.filter(closes_at__isnull=False).exists():
        raise StateConflict(reason="grace_is_over")
    user.refresh_from_db()
    return user
