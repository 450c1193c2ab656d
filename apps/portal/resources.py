"""The resources of quotas in words: what they are called, how much, and how full a limit is."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts import quota
from apps.accounts.counters import counted
from apps.accounts.models import Quota
from apps.portal.infrastructure.gauges import grouped
from apps.portal.templatetags.portal import mib, size

_LABELS = {
    "machines": lambda: _("Virtual machines"),
    "vcpus": lambda: _("vCPUs"),
    "memory_mib": lambda: _("Memory"),
    "volumes": lambda: _("Volumes"),
    "storage_gib": lambda: _("Disks"),
    "snapshots": lambda: _("Snapshots"),
    "snapshot_gib": lambda: _("Space of snapshots"),
    "templates": lambda: _("Images"),
    "networks": lambda: _("Networks"),
    "addresses": lambda: _("Addresses"),
    "public_addresses": lambda: _("Public addresses"),
}


def label(resource: str) -> str:
    return _LABELS[resource]()


def amount(resource: str, value: int) -> str:
    """So much of it, with its unit: "2 vCPUs"."""
    if resource in {"memory_mib", "storage_gib", "snapshot_gib"}:
        return bare(resource, value)
    texts = {
        "machines": ngettext("%(n)s virtual machine", "%(n)s virtual machines", value),
        "vcpus": ngettext("%(n)s vCPU", "%(n)s vCPUs", value),
        "volumes": ngettext("%(n)s volume", "%(n)s volumes", value),
        "snapshots": ngettext("%(n)s snapshot", "%(n)s snapshots", value),
        "templates": ngettext("%(n)s image", "%(n)s images", value),
        "networks": ngettext("%(n)s network", "%(n)s networks", value),
        "addresses": ngettext("%(n)s IP address", "%(n)s IP addresses", value),
        "public_addresses": ngettext("%(n)s public IP address", "%(n)s public IP addresses", value),
    }
    return texts[resource] % {"n": grouped(value)}


def bare(resource: str, value: int) -> str:
    """The number, with a unit only where it would mean nothing without."""
    if resource == "memory_mib":
        return mib(value)
    if resource in {"storage_gib", "snapshot_gib"}:
        return size(value * 2**30)
    return grouped(value)


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a resource is used, and of how much; `warning` says what is the matter, if anything."""

    resource: str
    label: str
    used: int
    total: int | None
    text: str
    warning: str = ""


def uses(row: Quota) -> list[Use]:
    """Each resource that is counted."""
    return [use_of(row, name) for name in counted()]


def use_of(row: Quota, name: str) -> Use:
    used, limit = row.used(name), row.limit(name)
    if limit is None:
        text = _("%(used)s, no limit") % {"used": bare(name, used)}
        return Use(name, label(name), used, None, text)
    text = _("%(used)s of %(total)s") % {"used": bare(name, used), "total": bare(name, limit)}
    return Use(name, label(name), used, limit, text, _warning(row, name, used, limit))


def _warning(row: Quota, name: str, used: int, limit: int) -> str:
    if row.grace_until is not None and limit < used < (quota.ceiling(row, name) or 0):
        until = date_format(timezone.localtime(row.grace_until), "SHORT_DATETIME_FORMAT")
        return _("Above the limit. It may stay so until %(until)s; then nothing more is given.") % {
            "until": until
        }
    if used > limit:
        return _("Above the limit: nothing more is given until less is used.")
    if used and used * 100 >= limit * settings.QUOTA_WARN_PERCENT:
        return _("Nearly used up.")
    return ""


def grace_of(row: Quota) -> str:
    """How far a limit of the row may be passed, in words; empty where it may not."""
    percent, days = quota.grace_percent(row), quota.grace_days(row)
    if not percent:
        return ""
    text = ngettext(
        "A limit may be passed by %(percent)s %% for %(days)s day.",
        "A limit may be passed by %(percent)s %% for %(days)s days.",
        days,
    )
    return text % {"percent": percent, "days": days}
