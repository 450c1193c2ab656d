"""Quotas: what accounts and domains use, of how much, hour by hour; and their limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as say

from apps.accounts import metering, policy, quota_services
from apps.accounts.actor import Actor
from apps.accounts.counters import counted
from apps.accounts.models import Quota, UsageHour
from apps.core.errors import NotFound
from apps.portal.limit_fields import UNITS
from apps.portal.list_csv import csv_of
from apps.portal.pages import page
from apps.portal.quotas.forms import LimitsForm, split
from apps.portal.quotas.shown import counting_words, find_quota, may_above, rows_for
from apps.portal.resources import grace_of, label, uses
from apps.portal.service_forms import asked

CHARTED = "vcpus"
MEMBERS_SHOWN = 50


@page
def quota_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = find_quota(actor, uuid)
    hours = _hours(actor, row)
    context = {
        "row": row,
        "owner": row.owner,
        "uses": uses(row),
        "grace": grace_of(row),
        "members": [(each, uses(each)) for each in _members(actor, row)],
        "may_set": may_above(actor, "quota.set", row.owner),
        "may_limit": row.account is not None and policy.may(actor, "quota.limit_member", row.account),
        "may_say_counting": row.domain is not None and may_above(actor, "quota.set_counting", row.domain),
        "may_recount": policy.may(actor, "quota.recount", row.owner),
        "counting": counting_words(row),
        "has_usage": row.account is not None,
        "chart": _chart(hours),
    }
    return render(request, "portal/quotas/page.html", context)


def _members(actor: Actor, row: Quota) -> Any:
    return rows_for(actor).filter(within=row.account_id or 0).order_by("pk")[:MEMBERS_SHOWN]


def _hours(actor: Actor, row: Quota) -> list[UsageHour]:
    """Those of the last day."""
    if row.account is None or not policy.may(actor, "usage.read", row.account):
        return []
    until = timezone.now()
    return metering.hours_of(row.account, until - timedelta(days=1), until)


def _chart(hours: list[UsageHour]) -> list[dict[str, Any]]:
    """vCPU-hours, beside the hour that had most."""
    most = max((getattr(each, CHARTED) for each in hours), default=0) or 1
    return [
        {
            "label": date_format(timezone.localtime(each.hour), "SHORT_DATETIME_FORMAT"),
            "percent": round(100 * getattr(each, CHARTED) / most),
            "text": _unit_hours(getattr(each, CHARTED)),
        }
        for each in hours
    ]


def _unit_hours(seconds: int) -> str:
    return str(number_format(seconds / metering.HOUR, 2, use_l10n=True))


class _Column:
    def __init__(self, name: str) -> None:
        self.name = name
        self.label = UNITS.get(name, label(name)) if name else say("Hour")

    def text(self, row: UsageHour) -> object:
        return round(getattr(row, self.name) / metering.HOUR, 4) if self.name else row.hour


@page
def quota_usage(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponseBase:
    """What was used in the last 31 days, hour by hour, as CSV: unit-hours."""
    row = find_quota(actor, uuid)
    if row.account is None:
        raise NotFound(kind="quota")
    policy.require(actor, "usage.read", row.account)
    until = timezone.now()
    hours = metering.hours_of(row.account, until - timedelta(days=31), until)
    return csv_of(request, row.account.name, [_Column(name) for name in ("", *counted())], [hours])


@page
def quota_change(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = find_quota(actor, uuid)
    owner: Any = row.owner
    if not may_above(actor, "quota.set", owner):
        quota_services.require_above(actor, "quota.set", owner)
    form = LimitsForm(row, request.POST if request.method == "POST" else None)

    def set_them(**given: Any) -> Quota:
        return quota_services.set_quota(actor, owner, **split(given))

    if request.method == "POST" and form.done(set_them):
        messages.success(request, say("The limits are set."))
        return redirect("portal:quota", uuid)
    context = {"row": row, "owner": owner, "form": form, **asked(request, "PATCH", f"quotas/{uuid}/", form)}
    return render(request, "portal/quotas/form.html", context, status=422 if form.errors else 200)
