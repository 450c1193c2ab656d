"""The tree of domains, level by level: what lies in one is a page of its own, however many there are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy, services
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain, Quota
from apps.portal.list_cells import badge
from apps.portal.list_columns import CREATED, name_of
from apps.portal.list_filters import Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page_for
from apps.portal.service_forms import asked
from apps.portal.tenancy.forms import NameForm
from apps.portal.tenancy.shown import context_of

seen = page_for("domain.read")


def _count(_actor: Actor, rows: list[Domain]) -> None:
    """What lies directly in each of the rows, and how many machines in all: three statements."""
    inside: QuerySet[Any] = Domain.objects.filter(parent__in=rows).order_by()
    children = dict(inside.values_list("parent").annotate(Count("pk")))
    accounts = dict(
        Account.objects.filter(domain__in=rows).order_by().values_list("domain").annotate(Count("pk"))
    )
    machines = dict(Quota.objects.filter(domain__in=rows).values_list("domain", "used_machines"))
    for row in rows:
        row.counts = (children.get(row.pk, 0), accounts.get(row.pk, 0), machines.get(row.pk, 0))  # type: ignore[attr-defined]


DOMAINS = ListPage(
    key="domains",
    title=_("Domains"),
    rows=Domain.objects.all,
    columns=(
        name_of("domain"),
        Column("domains", _("Domains in it"), lambda row: row.counts[0]),
        Column("accounts", _("Accounts in it"), lambda row: row.counts[1]),
        Column("machines", _("Machines"), lambda row: row.counts[2]),
        Column(
            "state",
            _("State"),
            lambda row: row.standing.label,
            html=lambda row: badge("standing", row.standing),
        ),
        CREATED,
    ),
    filters=(Search(_("Name")),),
    empty=Empty(_("No domains here"), _("A domain holds accounts and further domains."), icon="diagram-3"),
    prepare=_count,
    template="portal/tenancy/domains.html",
)


@seen
def domain_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The topmost that the reader sees; a search goes through all of them."""
    rows = Domain.objects.all()
    if not request.GET.get("q"):
        rows = rows.exclude(parent__in=policy.visible(actor, Domain.objects.all()))
    return DOMAINS.respond(request, actor, rows=rows)


@seen
def domain_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponseBase:
    row = _find(actor, uuid)
    accounts = policy.visible(actor, Account.objects.filter(domain=row)).order_by("name_sort", "pk")
    context = context_of(actor, "domain", row)
    above = policy.visible(actor, Domain.objects.filter(pk__in=row.ancestor_ids()[:-1]))
    context |= {
        "above": sorted(above, key=lambda each: len(each.path or "")),
        "accounts": accounts[:10],
        "account_count": accounts.count(),
        "may_set_rules": policy.may(actor, "project.set_rules", row),
        "may_create": policy.may(actor, "domain.create", row),
        "may_create_account": policy.may(actor, "account.create", row),
    }
    return DOMAINS.respond(request, actor, rows=Domain.objects.filter(parent=row), **context)


def _find(actor: Actor, uuid: UUID) -> Domain:
    return policy.find(actor, Domain.objects.select_related("parent", "heir"), uuid)


@seen
def domain_new(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    return _new(request, actor, uuid, "domain")


@seen
def account_new(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    return _new(request, actor, uuid, "account")


def _new(request: HttpRequest, actor: Actor, uuid: UUID, noun: str) -> HttpResponse:
    parent = _find(actor, uuid)
    policy.require(actor, f"{noun}.create", parent)
    form = NameForm(request.POST if request.method == "POST" else None)

    def make(name: str) -> Domain | Account:
        if noun == "domain":
            return services.create_domain(actor, name=name, parent=parent)
        return services.create_account(actor, name=name, domain=parent)

    made = form.tried(make) if request.method == "POST" else None
    if made is not None:
        messages.success(request, say("%(name)s is there.") % {"name": made.name})
        return redirect(f"portal:{noun}", made.uuid)
    place = {"parent" if noun == "domain" else "domain": str(parent.uuid)}
    context = {
        "form": form,
        "heading": say("Create a domain") if noun == "domain" else say("Create an account"),
        "back": reverse("portal:domain", args=[uuid]),
        **asked(request, "POST", f"{noun}s/", form, **place),
    }
    return render(request, "portal/tenancy/form.html", context, status=422 if form.errors else 200)
