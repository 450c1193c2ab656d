"""What is done from a quota's page: a member is limited, a domain says what counts, counts are mended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as say

from apps.accounts import policy, quota_services
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Quota, User
from apps.core.errors import InvalidInput, NotFound
from apps.portal.pages import page
from apps.portal.quotas.forms import CountingForm, MemberLimitsForm, split
from apps.portal.quotas.shown import find_quota
from apps.portal.resources import label
from apps.portal.service_forms import asked


def _account(actor: Actor, uuid: UUID) -> Account:
    account = find_quota(actor, uuid).account
    if account is None:
        raise NotFound(kind="account")
    policy.require(actor, "quota.limit_member", account)
    return account


@page
def quota_member_new(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    return _limit(request, actor, _account(actor, uuid), None)


@page
def quota_member(request: HttpRequest, actor: Actor, uuid: UUID, user: UUID) -> HttpResponse:
    account = _account(actor, uuid)
    person = User.objects.filter(uuid=user, accounts=account).first()
    if person is None:
        raise NotFound(kind="user")
    return _limit(request, actor, account, person)


def _limit(request: HttpRequest, actor: Actor, account: Account, person: User | None) -> HttpResponse:
    row = Quota.objects.filter(within=account, user=person).first() if person else None
    row = row or Quota(within=account, user=person)
    form = MemberLimitsForm(row, request.POST if request.method == "POST" else None)

    def limit(**given: Any) -> Quota:
        user = person or _member(account, given.pop("username"))
        return quota_services.set_member_quota(actor, account, user=user, **split(given))

    if request.method == "POST" and form.done(limit):
        messages.success(request, say("The limits are set."))
        return redirect("portal:quota", account.uuid)
    path = f"quotas/{account.uuid}/members/{person.uuid if person else 'USER'}/"
    context = {"owner": account, "person": person, "form": form, **asked(request, "PATCH", path, form)}
    return render(request, "portal/quotas/member.html", context, status=422 if form.errors else 200)


def _member(account: Account, name: str) -> User:
    person = User.objects.filter(username=name.strip(), accounts=account).first()
    if person is None:
        raise InvalidInput("not_a_member", place="username")
    return person


@page
def quota_counting(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """When the machines of a domain count. What is used there is then counted anew by a job."""
    row = find_quota(actor, uuid)
    domain = row.domain
    if domain is None:
        raise NotFound(kind="domain")
    quota_services.require_above(actor, "quota.set_counting", domain)
    given = request.POST if request.method == "POST" else None
    form = CountingForm(given, initial={"counting": row.counting})
    if request.method == "POST":
        job = form.tried(lambda counting: quota_services.set_counting(actor, domain, counting=counting))
        if job is not None:
            messages.success(request, say("It is set. This job counts anew what is used."))
            return redirect("portal:job", job.uuid)
    api = asked(request, "POST", f"quotas/{uuid}/counting/", form)
    context = {"owner": domain, "form": form, **api}
    return render(request, "portal/quotas/counting.html", context, status=422 if form.errors else 200)


@page
def quota_recount(request: HttpRequest, actor: Actor, uuid: UUID | None = None) -> HttpResponse:
    """Ask, count, and show what was found on the same page. Mending is a second, separate act."""
    owner = find_quota(actor, uuid).owner if uuid else None
    policy.require(actor, "quota.recount", owner)
    context: dict[str, Any] = {"owner": owner}
    fix = request.POST.get("act") == "fix"
    if request.method == "POST":
        drifts = quota_services.recount_quotas(actor, owner, fix=fix)
        context |= {"drifts": [(each, label(each.resource)) for each in drifts], "counted": True}
        context["fixed"] = fix
    place: Any = {"account" if isinstance(owner, Account) else "domain": str(owner.uuid)} if owner else {}
    context |= asked(request, "POST", "quotas/recount/", **place, fix=fix)
    return render(request, "portal/quotas/recount.html", context)
