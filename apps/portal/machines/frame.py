"""What the pages of one machine share: the machine, and the tabs that lead from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine

TABS = (
    ("machine", _("Overview"), "display"),
    ("machine-console", _("Console log"), "terminal"),
    ("machine-placement", _("Why here"), "geo-alt"),
    ("machine-history", _("History"), "clock-history"),
    ("machine-settings", _("Settings"), "sliders"),
)
NEEDS = {"machine-console": "vm.console_log"}
"""Tabs that not everybody who sees the machine may open."""


@dataclass(frozen=True)
class Tab:
    label: str | Promise
    icon: str
    href: str
    current: bool


def machine_of(actor: Actor, uuid: UUID) -> VirtualMachine:
    rows = VirtualMachine.objects.select_related("account", "zone", "offering", "template", "host")
    return policy.find(actor, rows, uuid)


def around(actor: Actor, vm: VirtualMachine, tab: str) -> dict[str, Any]:
    """The context of a machine's page; `tab` is the name of its address. A tab that would be refused is not
    there."""
    tabs = [
        Tab(label, icon, reverse(f"portal:{name}", args=[vm.uuid]), name == tab)
        for name, label, icon in TABS
        if name not in NEEDS or policy.may(actor, NEEDS[name], vm)
    ]
    return {"vm": vm, "tabs": tabs}
