"""Who holds which role where: granted, extended, taken away.

A grant needs `grant.create` in all of its scope, and all that the role allows there: nobody gives more than
they hold, nor anything to themselves.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.giving import Place, fresh_actor, require_gives
from apps.accounts.locks import lock_tree
from apps.accounts.models import Grant, Group, Role, User
from apps.accounts.recheck import ENDED, end, givers_among_holders, recheck, told
from apps.core.constraints import refusal
from apps.core.errors import InvalidInput, NotFound, StateConflict


@transaction.atomic
def grant_role(
    actor: Actor,
    *,
    role: Role,
    place: Model | None,
    user: User | None = None,
    group: Group | None = None,
    ends_at: datetime | None = None,
) -> Grant:
    """Give a role to a user or a group in a region, zone, cluster, host, domain or account, or, without a
    place, in the whole cloud. StateConflict if they hold just that already."""
    policy.require(actor, "grant.create", place)
    lock_tree()
    actor = fresh_actor(actor)
    policy.require(actor, "grant.create", place)
    _known(actor, role, user, group)
    where = Place.of(place)
    require_gives(actor, _as_it_is(role), where)
    grant = Grant(
        user=user,
        group=group,
        role=role,
        scope=where.scope,
        ends_at=checked_end(ends_at),
        granted_by=actor.user,
    )
    if place is not None:
        column = where.scope if where.scope in {"domain", "account"} else "place"
        setattr(grant, column, place if column != "place" else place.pk)
    _forget_ended(grant)
    try:
        with transaction.atomic():
            grant.save()
    except IntegrityError as error:
        if "once" in str(error):
            raise StateConflict(reason="granted_already") from None
        raise refusal(error) from None
    audit.record(actor, "grant.create", grant, **told(grant))
    return grant


def _known(actor: Actor, role: Role, user: User | None, group: Group | None) -> None:
    """NotFound for what the actor may not know of; InvalidInput unless it is one holder, and another."""
    if (user is None) == (group is None):
        raise InvalidInput("one_holder", place="user")
    for row, name in ((role, "role"), (user, "user"), (group, "group")):
        if row is not None and not policy.sees(actor, row):
            raise NotFound(place=name, kind=name)
    if user is not None and actor.user is not None and user.pk == actor.user.pk:
        raise InvalidInput("not_to_yourself", place="user")


def _as_it_is(role: Role) -> Role:
    """With its rules as they are under the lock: its row in hand may be older than a change."""
    row = Role.objects.select_related("domain").filter(pk=role.pk).first()
    if row is None:
        raise NotFound(place="role", kind="role")
    return row


def _forget_ended(grant: Grant) -> None:
    """What has ended, and is not settled yet, makes room for a new one."""
    same = {name: getattr(grant, name) for name in ("user", "group", "role", "scope", "domain", "account")}
    for row in Grant.objects.filter(**same, place=grant.place, ends_at__lte=timezone.now()):
        Grant.objects.filter(pk=row.pk).update(once=f"{ENDED}{row.pk}")


def checked_end(ends_at: datetime | None) -> datetime | None:
    """An end date that is still to come."""
    if ends_at is not None and ends_at <= timezone.now():
        raise InvalidInput("end_is_past", place="ends_at")
    return ends_at


@transaction.atomic
def extend(actor: Actor, grant: Grant, *, ends_at: datetime | None) -> Grant:
    """Let a grant end at another time, or never: who says so answers for it from then on, so they have to
    hold all of it themselves."""
    place = _place_of(grant)
    policy.require(actor, "grant.create", place.row) if policy.sees(actor, grant) else _unseen()
    lock_tree()
    actor = fresh_actor(actor)
    policy.require(actor, "grant.create", place.row)
    grant = _live(grant)
    if actor.user is not None and grant.user_id == actor.user.pk:
        raise InvalidInput("not_to_yourself", place="user")
    require_gives(actor, _as_it_is(grant.role), place)
    ends_at = checked_end(ends_at)
    changes = audit.changed(grant, ends_at=ends_at)
    Grant.objects.filter(pk=grant.pk).update(ends_at=ends_at, granted_by=actor.user)
    audit.record(actor, "grant.extend", grant, changes=changes)
    recheck(givers_among_holders(grant))
    grant.refresh_from_db()
    return grant


@transaction.atomic
def revoke_grant(actor: Actor, grant: Grant) -> None:
    """Take a grant away, and with it what its holders gave on its strength. Whoever holds one may give it
    back."""
    if not _gives_back(actor, grant):
        policy.require(actor, "grant.revoke", grant)
    lock_tree()
    actor = fresh_actor(actor)
    if not _gives_back(actor, grant):
        policy.require(actor, "grant.revoke", grant)
    grant = _live(grant)
    if end(actor, grant, "grant.revoke"):
        recheck(givers_among_holders(grant))


def _gives_back(actor: Actor, grant: Grant) -> bool:
    """Whether it is the actor's own. A token kept to other acts, or to accounts, gives back nothing."""
    limits = actor.limits
    free = limits is None or (limits.account_ids is None and limits.allow("grant.revoke"))
    return free and actor.user is not None and grant.user_id == actor.user.pk


def _live(grant: Grant) -> Grant:
    rows = Grant.objects.in_force().select_related("role", "user", "group", "domain", "account")
    row: Grant | None = rows.filter(pk=grant.pk).first()
    if row is None:
        raise StateConflict(reason="grant_has_ended")
    return row


def _place_of(grant: Grant) -> Place:
    return Place.of_given(grant) or _unseen()


def _unseen() -> Place:
    raise NotFound(kind="grant")
