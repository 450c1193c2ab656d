"""Who there is: users, accounts and domains."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from apps.accounts import audit, policy, recheck
from apps.accounts.actor import Actor
from apps.accounts.giving import Place, fresh_actor, require_gives
from apps.accounts.locks import lock_tree
from apps.accounts.members import join
from apps.accounts.models import Account, Domain, Membership, User
from apps.accounts.quota_services import open_quota
from apps.accounts.roles.ready import USER, ready
from apps.accounts.sessions import cut_off
from apps.accounts.standing import require_active
from apps.accounts.tenancy import fresh
from apps.core.constraints import insert
from apps.core.errors import InvalidInput, StateConflict
from apps.core.names import clean_name
from apps.core.trees import MAX_PATH, path_of

USERNAME = re.compile(r"[a-z0-9][A-Za-z0-9._@-]{0,99}")


@transaction.atomic
def create_domain(actor: Actor, *, name: str, parent: Domain) -> Domain:
    """A domain below `parent`, with a quota row that counts from the start."""
    policy.require(actor, "domain.create", parent)
    lock_tree()
    policy.require(fresh_actor(actor), "domain.create", parent)
    require_active(parent)
    domain = _insert_domain(clean_name(name), fresh(parent))
    audit.record(actor, "domain.create", domain)
    return domain


def _insert_domain(name: str, parent: Domain | None) -> Domain:
    domain = insert(Domain(name=name, parent=parent))
    domain.path = path_of(parent.path if parent else None, domain.pk)
    if len(domain.path) > MAX_PATH:
        raise InvalidInput("too_deep_a_tree", place="parent")
    domain.save(update_fields=["path"])
    open_quota(domain)
    return domain


@transaction.atomic
def create_root_domain() -> Domain:
    """ROOT, made once; the one there is, otherwise."""
    return Domain.objects.filter(parent=None).first() or _insert_domain("ROOT", None)


@transaction.atomic
def create_account(
    actor: Actor, *, name: str, domain: Domain, members: list[User] | tuple[User, ...] = ()
) -> Account:
    """An account of kind tenant, with its members, users all, and a quota row that counts from the start."""
    policy.require(actor, "account.create", domain)
    require_active(domain)
    account = insert(Account(name=clean_name(name), domain=domain))
    open_quota(account)
    if members:
        require_gives(actor, ready(USER), Place("account", account))
    Membership.objects.bulk_create(
        [Membership(user=user, account=account, granted_by=actor.user) for user in set(members)]
    )
    audit.record(actor, "account.create", account, members=sorted(members, key=lambda user: user.username))
    return account


@transaction.atomic
def create_user(
    actor: Actor,
    *,
    username: str,
    full_name: str = "",
    email: str = "",
    domain: Domain | None = None,
    account: Account | None = None,
) -> User:
    """A user without a password, member of `account`, or else of a new one of the same name in
    `domain` (ROOT unless given)."""
    place = account or domain or create_root_domain()
    policy.require(actor, "user.create", place)
    username = clean_username(username)
    if not isinstance(username, str) or not USERNAME.fullmatch(username):
        raise InvalidInput("not_a_username", place="username")
    full_name = clean_name(full_name, place="full_name", limit=200) if full_name else ""
    user = User(username=username, full_name=full_name, email=clean_email(email))
    user.set_unusable_password()
    insert(user)
    audit.record(actor, "user.create", user)
    if isinstance(place, Domain):
        create_account(actor, name=username, domain=place, members=[user])
    else:
        join(actor, place, user=user)
    return user


def clean_username(text: object) -> str:
    """A user's name; InvalidInput if it cannot be one."""
    if not isinstance(text, str) or not USERNAME.fullmatch(text):
        raise InvalidInput("not_a_username", place="username")
    return text


def clean_email(email: str) -> str:
    if not email:
        return ""
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidInput("not_an_email", place="email") from None
    return email[:254]


@transaction.atomic
def set_active(actor: Actor, user: User, *, active: bool) -> User:
    """Let a user in or keep them out: sessions, links and tokens end for good, whoever has them. What their
    accounts own stays as it is. Who is about to be deleted is kept after all, not let in until then."""
    policy.require(actor, "user.set_active", user)
    if actor.user is not None and actor.user.pk == user.pk and not active:
        raise InvalidInput("yourself", place="is_active")
    lock_tree()
    policy.require(fresh_actor(actor), "user.set_active", user)
    if active and User.objects.filter(pk=user.pk, closes_at__isnull=False).exists():
        raise StateConflict(reason="user_is_closing")
    if not active:
        recheck.leave(actor, user)
    changes = audit.changed(user, is_active=active)
    user.is_active = active
    user.save(update_fields=["is_active"])
    recheck.recheck([user.pk])
    if not active:
        cut_off(user)
    audit.record(actor, "user.set_active", user, changes=changes, active=active)
    return user
