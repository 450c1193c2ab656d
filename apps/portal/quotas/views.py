"""Quotas: what accounts and domains use, of how much, hour by hour; and their limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import metering, policy, quota_services
from apps.accounts.actor import Actor
from apps.accounts.counters import counted
from apps.accounts.models import Account, Domain, Quota, UsageHour
from apps.core.errors import NotFound
from apps.portal.list_csv import csv_of
from apps.portal.pages import page
from apps.portal.resources import grace_of, label, uses
from apps.portal.service_forms import ServiceForm, asked

SHOWN = 100
CHARTED = "vcpus"
UNITS = {"memory_mib": _("Memory in MiB"), "storage_gib": _("Disks in GiB")}


def _rows(actor: Actor) -> Any:
    return policy.visible(actor, Quota.objects.select_related("domain", "account", "within", "user"))


@page
def quota_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The levels that the reader may see, domains from ROOT down first."""
    rows = list(_rows(actor).order_by("domain__path", "account__name_sort", "pk")[: SHOWN + 1])
    context = {"rows": [(row, uses(row)) for row in rows[:SHOWN]], "more": len(rows) > SHOWN}
    return render(request, "portal/quotas/list.html", context)


def _find(actor: Actor, uuid: UUID) -> Quota:
    row: Quota | None = _rows(actor).filter(Q(account__uuid=uuid) | Q(domain__uuid=uuid)).first()
    if row is None:
        raise NotFound(kind="quota")
    return row


def _may_set(actor: Actor, owner: Account | Domain) -> bool:
    above = owner if isinstance(owner, Account) else owner.parent or owner
    return policy.may(actor, "quota.set", above)


@page
def quota_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    hours = _hours(actor, row)
    context = {
        "row": row,
        "owner": row.owner,
        "uses": uses(row),
        "grace": grace_of(row),
        "members": [(each, uses(each)) for each in _rows(actor).filter(within=row.account_id or 0)],
        "may_set": _may_set(actor, row.owner),
        "has_usage": row.account is not None,
        "chart": _chart(hours),
    }
    return render(request, "portal/quotas/page.html", context)


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
    row = _find(actor, uuid)
    if row.account is None:
        raise NotFound(kind="quota")
    policy.require(actor, "usage.read", row.account)
    until = timezone.now()
    hours = metering.hours_of(row.account, until - timedelta(days=31), until)
    return csv_of(request, row.account.name, [_Column(name) for name in ("", *counted())], [hours])


class LimitsForm(ServiceForm):
    """A field for each resource that is counted; empty is no limit."""

    def __init__(self, row: Quota, *args: Any) -> None:
        initial = {name: row.limit(name) for name in counted()}
        initial |= {"grace_percent": row.grace_percent, "grace_days": row.grace_days}
        super().__init__(*args, initial=initial)
        for use in uses(row):
            self._add(use.resource, str(UNITS.get(use.resource, use.label)), use.text)
        unset = say("Empty: as the portal's settings say.")
        self._add("grace_percent", say("Grace in percent"), unset)
        self._add("grace_days", say("Days of grace"), unset)

    def _add(self, name: str, text: str, help_text: str) -> None:
        widget = forms.NumberInput(attrs={"class": "form-control", "min": 0})
        field = forms.IntegerField(label=text, required=False, help_text=help_text, widget=widget)
        self.fields[name] = field


@page
def quota_change(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    owner: Any = row.owner
    if not _may_set(actor, owner):
        quota_services.require_above(actor, "quota.set", owner)
    form = LimitsForm(row, request.POST if request.method == "POST" else None)

    def set_them(**given: Any) -> Quota:
        grace = {name: given.pop(name) for name in ("grace_percent", "grace_days")}
        return quota_services.set_quota(actor, owner, limits=given, **grace)

    if request.method == "POST" and form.done(set_them):
        messages.success(request, say("The limits are set."))
        return redirect("portal:quota", uuid)
    context = {"row": row, "owner": owner, "form": form, **asked(request, "PATCH", f"quotas/{uuid}/", form)}
    return render(request, "portal/quotas/form.html", context, status=422 if form.errors else 200)
