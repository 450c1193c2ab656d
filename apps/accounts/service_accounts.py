"""Users of programs: each belongs to an account, has neither password nor mail, and only tokens stand for
it."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts import audit, policy, recheck, sessions
from apps.accounts.actor import Actor
from apps.accounts.locks import lock_tree
from apps.accounts.members import join
from apps.accounts.models import Account, Membership, User
from apps.accounts.services import clean_username
from apps.accounts.standing import require_active
from apps.accounts.tokens import refuse_limited
from apps.core.constraints import insert
from apps.core.errors import NotFound


def visible_to(actor: Actor) -> QuerySet[User]:
    """The service accounts of every account where the actor may see them."""
    reach = actor.reach("service_account.read")
    accounts = Account.objects.filter(policy.scope_of(Account).where(reach))
    rows = User.objects.filter(kind=User.Kind.SERVICE, is_active=True, service_of__in=accounts)
    return rows.select_related("service_of") if policy.is_there(actor) else rows.none()


def find(actor: Actor, uuid: UUID | None) -> User:
    row = visible_to(actor).filter(uuid=uuid).first() if uuid else None
    if row is None:
        raise NotFound(kind="service_account")
    return row


@transaction.atomic
def create_service_account(actor: Actor, *, account: Account, username: str) -> User:
    """A service account that may do in the account what a user may. Nobody makes one that may more than
    they do themselves."""
    policy.require(actor, "service_account.create", account)
    refuse_limited(actor)
    require_active(account)
    user = User(username=clean_username(username), kind=User.Kind.SERVICE, service_of=account)
    user.set_unusable_password()
    insert(user)
    join(actor, account, user=user)
    audit.record(actor, "service_account.create", user, account=account.name)
    return user


@transaction.atomic
def remove_service_account(actor: Actor, user: User) -> None:
    """Its tokens end at once, and what it gave with what it held. The row stays for the events that name
    it, and so does its name."""
    assert user.service_of is not None  # noqa: S101 - `find` gives no other
    policy.require(actor, "service_account.remove", user.service_of)
    refuse_limited(actor)
    lock_tree()
    recheck.leave(actor, user)
    sessions.cut_off(user)
    Membership.objects.filter(user=user).delete()
    user.is_active = False
    user.save(update_fields=["is_active"])
    recheck.recheck([user.pk])
    audit.record(actor, "service_account.remove", user)
