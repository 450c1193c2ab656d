"""Who acts for an account, with which role. A role is given by the rule of grants: by who holds all that it
allows there. An account may be left without an admin: its domain's has it still."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.giving import Place, actor_lacks, fresh_actor, require_gives
from apps.accounts.grants import checked_end
from apps.accounts.locks import lock_tree
from apps.accounts.models import Account, Membership, Role, User
from apps.accounts.recheck import recheck
from apps.accounts.roles.ready import USER, ready
from apps.core.errors import InvalidInput, NotFound, PermissionDenied

KEEP: Any = object()


@transaction.atomic
def add_member(
    actor: Actor, account: Account, *, user: User, role: Role | None = None, ends_at: datetime | None = None
) -> Account:
    """Let a user act for the account, as "user" unless a role is given. Doing it again changes nothing."""
    policy.require(actor, "account.add_member", account)
    lock_tree()
    actor = fresh_actor(actor)
    policy.require(actor, "account.add_member", account)
    if not policy.sees(actor, user):
        raise NotFound(place="user", kind="user")
    join(actor, account, user=user, role=role, ends_at=ends_at)
    return account


def join(
    actor: Actor, account: Account, *, user: User, role: Role | None = None, ends_at: datetime | None = None
) -> Membership:
    """The membership, made if there is none; for services that know the user by other means than sight."""
    role = _usable(actor, role)
    require_gives(actor, role, Place("account", account))
    row, new = Membership.objects.get_or_create(
        user=user,
        account=account,
        defaults={"role": role, "ends_at": checked_end(ends_at), "granted_by": actor.user},
    )
    if new:
        audit.record(actor, "account.add_member", account, user=user, role=role.name)
    return row


def _usable(actor: Actor, role: Role | None) -> Role:
    if role is None:
        return ready(USER)
    row = Role.objects.select_related("domain").filter(pk=role.pk).first()
    if row is None or not policy.sees(actor, row):
        raise NotFound(place="role", kind="role")
    return row


@transaction.atomic
def change_member(
    actor: Actor, account: Account, *, user: User, role: Role | None = None, ends_at: Any = KEEP
) -> Membership:
    """Another role, or another end. Nobody changes their own, nor a role that is more than theirs."""
    policy.require(actor, "account.change_member", account)
    lock_tree()
    actor = fresh_actor(actor)
    policy.require(actor, "account.change_member", account)
    row = find_member(actor, account, user)
    if actor.user is not None and user.pk == actor.user.pk:
        raise InvalidInput("not_to_yourself", place="user")
    require_above(actor, row)
    new = _usable(actor, role) if role is not None else row.role
    require_gives(actor, new, Place("account", account))
    before = _told(row)
    row.role, row.granted_by = new, actor.user
    row.directory = row.rule = None  # from now on by hand: no sync sets it back, or takes it away
    if ends_at is not KEEP:
        row.ends_at = checked_end(ends_at)
    row.save(update_fields=["role", "ends_at", "granted_by", "directory", "rule"])
    if changes := audit.compared(before, _told(row)):
        audit.record(actor, "account.change_member", account, changes=changes, user=user)
    recheck([user.pk])
    return row


@transaction.atomic
def remove_member(actor: Actor, account: Account, *, user: User) -> None:
    """They act for the account no more; what they made there is the account's and stays."""
    policy.require(actor, "account.remove_member", account)
    lock_tree()
    actor = fresh_actor(actor)
    policy.require(actor, "account.remove_member", account)
    row = find_member(actor, account, user)
    if not (actor.user is not None and user.pk == actor.user.pk):
        require_above(actor, row)
    row.delete()
    audit.record(actor, "account.remove_member", account, user=user, role=row.role.name)
    recheck([user.pk])


def find_member(actor: Actor, account: Account, user: User) -> Membership:
    """The membership of a user whom the actor may know of."""
    rows = Membership.objects.select_related("role__domain", "user", "account__domain", "rule")
    row = rows.filter(account=account, user=user).first()
    if row is None or not policy.sees(actor, user):
        raise NotFound(place="user", kind="user")
    return row


def require_above(actor: Actor, row: Membership) -> None:
    """PermissionDenied where the member's role gives what the actor does not hold in the account."""
    if actor_lacks(actor, row.role.allowed, Place("account", row.account)):
        raise PermissionDenied(place="user", reason="member_is_more_than_you")


def _told(row: Membership) -> dict[str, str | None]:
    ends = row.ends_at.isoformat() if row.ends_at else None
    return {"role": row.role.name, "ends_at": ends, "rule": row.rule.name if row.rule else None}


def is_last_admin(row: Membership) -> bool:
    """Whether nobody else in the account could let people in when this member is gone."""
    if not row.role.allowed.allows("account.add_member"):
        return False
    others = Membership.objects.filter(account=row.account).exclude(pk=row.pk).select_related("role")
    return not any(each.role.allowed.allows("account.add_member") for each in others)
