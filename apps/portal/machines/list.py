"""The list of virtual machines."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import Nic, ServiceOffering, VirtualMachine
from apps.compute.search import ByName
from apps.compute.services.bulk import MAX_AT_ONCE
from apps.compute.states import State
from apps.portal.list_cells import badge
from apps.portal.list_columns import name_of
from apps.portal.list_filters import Choice, Mine, Owner, Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.machines.buttons import bulk_buttons
from apps.portal.pages import page
from apps.storage.models import Template
from apps.zones.models import Host, Zone


def _rows() -> QuerySet[VirtualMachine]:
    nics = Prefetch("nics", Nic.objects.select_related("ip").order_by("device_index"))
    rows = VirtualMachine.objects.select_related("account", "zone", "offering", "template", "host")
    return rows.prefetch_related(nics).defer("user_data")


def _address(vm: VirtualMachine) -> str:
    return next((nic.ip.address for nic in vm.nics.all() if nic.ip), "")


def _state(vm: VirtualMachine) -> SafeString:
    return badge("vm", vm.state)


def _tell_hosts(actor: Actor, rows: list[Any]) -> None:
    """Who runs a part of the infrastructure is told the hosts of that part, of their own machines too."""
    for vm in rows:
        vm.told_host = vm.host.name if vm.host and policy.sees(actor, vm.host) else ""


MACHINES = ListPage(
    key="machines",
    title=_("Virtual machines"),
    rows=_rows,
    columns=(
        name_of("machine"),
        Column(
            "state", _("State"), lambda vm: vm.get_state_display(), html=_state, order="state", walked=True
        ),
        Column("address", _("Address"), _address),
        Column("size", _("Size"), lambda vm: vm.offering.name),
        Column("template", _("Image"), lambda vm: vm.template.name, shown=False),
        Column("zone", _("Zone"), lambda vm: vm.zone.name),
        Column("account", _("Account"), lambda vm: vm.account.name),
        Column("host", _("Host"), lambda vm: vm.told_host, operators=True),
        Column("created", _("Created"), lambda vm: vm.created_at, order="id"),
    ),
    filters=(
        Search(_("Name"), by=ByName()),
        Choice("state", _("State"), State.choices, several=True, merged=True),
        Owner("zone", _("Zone"), Zone.objects.all, indexed=True),
        Owner("account", _("Account"), Account.objects.all),
        Owner("offering", _("Size"), ServiceOffering.objects.all, indexed=True),
        Owner("template", _("Image"), Template.objects.all, indexed=True),
        Mine(_("Made by"), _("Me"), indexed=True),
        Owner("host", _("Host"), Host.objects.all, operators=True),
    ),
    default_order="-created",
    empty=Empty(
        _("No virtual machines here yet"),
        _("Create one: everything but its name has a working default."),
        "portal:machine-create",
        _("Create VM"),
        "display",
    ),
    prepare=_tell_hosts,
    template="portal/machines/list.html",
    live="machines",
    bulk=bulk_buttons,
    bulk_url="portal:machines-act",
    bulk_limit=MAX_AT_ONCE,
    saves_views=True,
    own=True,
)


@page
def machine_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return MACHINES.respond(request, actor)
