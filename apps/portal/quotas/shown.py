"""Which quotas a reader sees, the list of them, and what may be done to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy, recount
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Counting, Domain, Quota
from apps.core.errors import NotFound
from apps.portal.list_filters import Id
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page
from apps.portal.resources import label, use_of


def all_rows() -> QuerySet[Quota]:
    return Quota.objects.select_related("domain__parent", "account__domain", "within__domain", "user")


def rows_for(actor: Actor) -> QuerySet[Quota]:
    return policy.visible(actor, all_rows())


def find_quota(actor: Actor, uuid: UUID) -> Quota:
    row = rows_for(actor).filter(Q(account__uuid=uuid) | Q(domain__uuid=uuid)).first()
    if row is None:
        raise NotFound(kind="quota")
    return row


def may_above(actor: Actor, permission: str, owner: Account | Domain) -> bool:
    """Of a domain that hangs below another, the other decides (`quota_services.require_above`)."""
    above = owner if isinstance(owner, Account) else owner.parent or owner
    return policy.may(actor, permission, above)


def counting_words(row: Quota) -> str:
    """When the vCPUs and memory count that this row counts; of a domain, what is said nearest above."""
    found = row.counting or Counting.ALLOCATED
    if row.domain is not None:
        found = recount.counting_in_force(row.domain)
    if found == Counting.RUNNING:
        return say("vCPUs and memory count only while a machine is on.")
    return say("vCPUs and memory count for every machine, also while it is off.")


def kind_of(row: Quota) -> str:
    if row.user is not None:
        return say("Member")
    return say("Domain") if row.domain is not None else say("Account")


def _name(row: Quota) -> str:
    if row.user is None:
        return row.owner.name
    return say("%(account)s: %(member)s") % {"account": row.owner.name, "member": row.user.username}


def _used(name: str) -> Callable[[Quota], str]:
    return lambda row: use_of(row, name).text


def _warnings(row: Quota) -> str:
    found = [(name, use_of(row, name).warning) for name in Quota.RESOURCES]
    words = [
        say("%(field)s: %(fault)s") % {"field": label(name), "fault": text} for name, text in found if text
    ]
    return " ".join(words)


def _columns() -> Any:
    yield Column("owner", _("Whose"), _name, href=lambda row: reverse("portal:quota", args=[row.owner.uuid]))
    yield Column("kind", _("Kind"), kind_of)
    words = {"machines": _("Virtual machines"), "vcpus": _("vCPUs"), "memory_mib": _("Memory")}
    words |= {"storage_gib": _("Disks")}
    for name, text in words.items():
        yield Column(name, text, _used(name))
    hidden = {"volumes": _("Volumes"), "templates": _("Images"), "addresses": _("Addresses")}
    for name, text in hidden.items():
        yield Column(name, text, _used(name), shown=False)
    yield Column("warnings", _("Near or above a limit"), _warnings)
    yield Column("created", _("Created"), lambda row: row.pk, order="id", shown=False)


QUOTAS = ListPage(
    key="quotas",
    title=_("Quotas"),
    rows=all_rows,
    columns=tuple(_columns()),
    filters=(
        Id("account", _("Account"), "account__uuid"),
        Id("domain", _("Domain"), "domain__uuid"),
        Id("members_of", _("Members of the account"), "within__uuid"),
    ),
    default_order="created",
    empty=Empty(
        _("No quotas yet"),
        _("A quota comes with the first account, and counts what is used in it."),
        icon="bar-chart",
    ),
    template="portal/quotas/list.html",
)


@page
def quota_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return QUOTAS.respond(request, actor, may_recount=policy.may(actor, "quota.recount"))
