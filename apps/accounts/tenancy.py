"""The tree of domains as it changes: nodes are renamed, and moved with all that is below them.

Whoever changes the shape of the tree, or reads a path to write one below it, holds the tree's lock
meanwhile; and what is counted moves along the two lines of ancestors, root first.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Max, Value
from django.db.models.functions import Concat, Length, Substr

from apps.accounts import audit, policy, quota, quota_services, recheck, recount
from apps.accounts.actor import Actor
from apps.accounts.giving import fresh_actor
from apps.accounts.locks import lock_tree
from apps.accounts.models import Account, Domain
from apps.accounts.standing import require_active
from apps.core.constraints import refusal, update
from apps.core.errors import InvalidInput, StateConflict
from apps.core.names import clean_name
from apps.core.trees import MAX_PATH, is_within, path_of


def fresh(domain: Domain) -> Domain:
    """The domain as it is under the tree's lock."""
    return Domain.objects.select_related("parent").get(pk=domain.pk)


@transaction.atomic
def rename_domain(actor: Actor, domain: Domain, *, name: str) -> Domain:
    policy.require(actor, "domain.rename", domain)
    _rename(actor, "domain.rename", domain, name)
    return domain


@transaction.atomic
def rename_account(actor: Actor, account: Account, *, name: str) -> Account:
    policy.require(actor, "account.rename", account)
    _rename(actor, "account.rename", account, name)
    return account


def _rename(actor: Actor, kind: str, row: Domain | Account, name: str) -> None:
    row.refresh_from_db(fields=["name"])
    name = clean_name(name)
    changes = audit.changed(row, name=name)
    if changes:
        row.name = name
        update(row, "name", "name_key", "name_sort")
        audit.record(actor, kind, row, changes=changes)


@transaction.atomic
def move_domain(actor: Actor, domain: Domain, *, parent: Domain) -> Domain:
    """Hang a domain with all below it under another parent: who holds rights there holds them over it
    from now on, and what it uses counts there. InvalidInput for ROOT, for a place inside itself and for
    one too deep; QuotaExceeded or DomainQuotaExceeded where it does not fit."""
    policy.require(actor, "domain.move", domain)
    policy.require(actor, "domain.move", parent)
    lock_tree()
    actor, domain, parent = fresh_actor(actor), fresh(domain), fresh(parent)
    policy.require(actor, "domain.move", domain)
    policy.require(actor, "domain.move", parent)
    if domain.parent is None:
        raise InvalidInput("root_stays", place="parent")
    if not policy.may(actor, "domain.move", domain.parent):  # it leaves there
        raise policy.Refused(actor, "domain.move", domain.parent)
    old = domain.parent
    if is_within(parent.path, domain.path):
        raise InvalidInput("inside_itself", place="parent")
    if old == parent:
        return domain
    require_active(parent)
    path = _deep_enough(domain, parent)
    quota.carry(domain, parent.ancestor_ids())
    _hang(domain, parent, path)
    quota_services.follow_place(actor, domain, before=old)
    changes = audit.compared({"parent": old}, {"parent": parent})
    audit.record(actor, "domain.move", domain, changes=changes, to=str(parent.uuid))
    recheck.after_move(domain.path)
    return domain


def _deep_enough(domain: Domain, parent: Domain) -> str:
    """The path that the domain will have; InvalidInput if one below it would be longer than a path is."""
    path, was = path_of(parent.path, domain.pk), len(domain.path or "")
    below = Domain.objects.filter(path__within=domain.path)
    deepest = below.aggregate(most=Max(Length("path")))["most"] or was
    if len(path) + deepest - was > MAX_PATH:
        raise InvalidInput("too_deep_a_tree", place="parent")
    return path


def _hang(domain: Domain, parent: Domain, path: str) -> None:
    """Compare-and-set: nothing moves if somebody moved it first."""
    was = domain.path or ""
    below = Domain.objects.filter(path__within=was)
    try:
        with transaction.atomic():
            moved = Domain.objects.filter(pk=domain.pk, path=was, parent=domain.parent).update(parent=parent)
    except IntegrityError as error:
        raise refusal(error) from None
    if not moved:
        raise StateConflict(reason="moved_meanwhile")
    below.update(path=Concat(Value(path), Substr("path", len(was) + 1)))
    domain.parent, domain.path = parent, path


@transaction.atomic
def move_account(actor: Actor, account: Account, *, domain: Domain) -> Account:
    """Put an account into another domain, with what it uses. Its members and machines stay its own."""
    policy.require(actor, "account.move", account)
    policy.require(actor, "account.move", domain)
    lock_tree()
    account = Account.objects.select_related("domain").get(pk=account.pk)
    actor, domain, old = fresh_actor(actor), fresh(domain), account.domain
    policy.require(actor, "account.move", account)
    policy.require(actor, "account.move", domain)
    if old == domain:
        return account
    require_active(domain)
    quota.carry(account, domain.ancestor_ids())
    account.domain = domain
    update(account, "domain")
    recount.settle(account)
    changes = audit.compared({"domain": old}, {"domain": domain})
    audit.record(actor, "account.move", account, changes=changes, to=str(domain.uuid))
    recheck.after_account_move(account)
    return account
