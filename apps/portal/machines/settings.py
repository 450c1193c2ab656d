"""The settings of a machine: each a small form of its own; one that cannot be sent says why."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts import policy, quota
from apps.accounts.actor import Actor
from apps.accounts.rest import parse_uuid
from apps.compute.models import ServiceOffering, VirtualMachine
from apps.compute.services.edit import size_change
from apps.core.errors import CloudError, NotFound
from apps.portal.copy_as import ApiRequest, portal_of, snippets
from apps.portal.machines.buttons import refusal
from apps.portal.machines.frame import around, machine_of
from apps.portal.machines.settings_forms import FORMS, SettingForm
from apps.portal.pages import page, told
from apps.portal.quota_after import Bar, bars_after


@dataclass(frozen=True)
class Setting:
    form: SettingForm
    button: dict[str, str]


@page
def machine_settings(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    vm = machine_of(actor, uuid)
    sent = None
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        if kind not in FORMS:
            raise NotFound
        sent = FORMS[kind](vm, request.POST)
        if sent.is_valid() and _applied(actor, vm, sent):
            messages.success(request, _("Changed."))
            return redirect("portal:machine-settings", uuid)
        vm = machine_of(actor, uuid)
    forms = [sent if sent and sent.kind == kind else form(vm) for kind, form in FORMS.items()]
    context = {
        **around(actor, vm, "machine-settings"),
        "size_bars": _size_bars(actor, vm, request),
        "settings": [Setting(form, _button(actor, vm, form)) for form in forms],
        "form": sent,
        "may_transfer": policy.may(actor, "vm.transfer", vm),
        "snippets": snippets(_request(vm), portal_of(request)),
    }
    return render(request, "portal/machines/settings.html", context, status=422 if sent else 200)


def _size_bars(actor: Actor, vm: VirtualMachine, request: HttpRequest) -> list[Bar]:
    """Of the size that is chosen in the form now."""
    chosen = parse_uuid(request.POST.get("offering") or request.GET.get("offering") or "")
    offering = ServiceOffering.objects.filter(uuid=chosen, enabled=True).first() if chosen else None
    if offering is None or not policy.may(actor, "quota.read", vm.account):
        return []
    added = size_change(vm.offering, offering, quota.counting_of(vm.account))
    return bars_after(vm.account, added, member_id=vm.created_by_id)


def _applied(actor: Actor, vm: VirtualMachine, form: SettingForm) -> bool:
    try:
        form.apply(actor, vm)
    except NotFound:
        raise
    except CloudError as error:
        said = told(error)
        form.add_error(form.field, f"{said.detail} {said.remedy}".strip())
        return False
    return True


def _button(actor: Actor, vm: VirtualMachine, form: SettingForm) -> dict[str, str]:
    refused = refusal(actor, vm, form.kind)
    said = told(refused) if refused else None
    return {
        "id": f"set-{form.kind}",
        "label": _("Save"),
        "name": "kind",
        "value": form.kind,
        "tone": "secondary",
        "why_not": f"{said.detail} {said.remedy}".strip() if said else "",
    }


def _request(vm: VirtualMachine) -> ApiRequest:
    """The change of everything to what it is now: a pattern to take parts of."""
    body = {
        "name": vm.name,
        "tags": vm.tags,
        "delete_protection": vm.delete_protection,
        "offering": str(vm.offering.uuid),
    }
    return ApiRequest("PATCH", f"virtual-machines/{vm.uuid}/", body)
