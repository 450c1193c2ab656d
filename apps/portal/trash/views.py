"""Taking machines out of the trash, and deleting them for good: one or many, with a result for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.rest import parse_uuid
from apps.compute.models import VirtualMachine
from apps.compute.services.lifecycle import expunge_vm, recover_vm
from apps.core.errors import CloudError, InvalidInput
from apps.portal.copy_as import ApiRequest, portal_of, snippets
from apps.portal.list_shown import Shown
from apps.portal.machines.buttons import TYPED_FROM_BYTES
from apps.portal.pages import page, told
from apps.portal.trash.list import AT_ONCE, TRASH, in_trash, tell_more

TOLD = 10
"""So many names, and so many refusals, are told one by one."""
TYPED = 10
"""Above so many machines, or from TYPED_FROM_BYTES of disks on, their number has to be typed."""


@require_POST
@page
def trash_act(request: HttpRequest, actor: Actor) -> HttpResponse:
    """“one” names a machine to take out at once; else what “do” says is done to all that are ticked."""
    if one := parse_uuid(request.POST.get("one", "")):
        return _recover(request, actor, [policy.find(actor, in_trash(), one)])
    vms = _chosen(request, actor)
    if not vms:
        messages.warning(request, _("Nothing was selected, or it left the trash meanwhile."))
        return redirect("portal:trash")
    what = request.POST.get("do", "")
    if what == "recover":
        return _recover(request, actor, vms)
    tell_more(actor, vms)
    total: int = sum(vm.held_bytes for vm in vms)  # type: ignore[attr-defined]
    must_type = len(vms) > TYPED or total >= TYPED_FROM_BYTES
    typed = request.POST.get("typed", "").strip() == str(len(vms))
    if what == "expunge-confirmed" and (typed or not must_type):
        return _expunge(request, actor, vms)
    context = {
        "vms": vms,
        "total_bytes": total,
        "must_type": must_type,
        "wrong": what == "expunge-confirmed",
    }
    return render(request, "portal/trash/delete_many.html", context, status=422 if context["wrong"] else 200)


def _chosen(request: HttpRequest, actor: Actor) -> list[VirtualMachine]:
    """The ticked rows, or all that the list's filters find, as far as they may be taken at once."""
    if request.POST.get("all"):
        request.GET = QueryDict(request.POST.get("query", ""))
        rows = Shown(TRASH, request, actor, in_trash()).matching
    else:
        uuids = [uuid for text in request.POST.getlist("id")[:AT_ONCE] if (uuid := parse_uuid(text))]
        rows = policy.visible(actor, in_trash().filter(uuid__in=uuids))
    return list(rows.order_by("id")[:AT_ONCE])


def _recover(request: HttpRequest, actor: Actor, vms: list[VirtualMachine]) -> HttpResponse:
    done = _each(request, actor, vms, recover_vm)
    if done:
        text = ngettext(
            "Taken out of the trash: %(names)s. It is stopped.",
            "Taken out of the trash: %(names)s. They are stopped.",
            len(done),
        )
        messages.success(request, text % {"names": _names(done)})
    return redirect("portal:trash")


def _expunge(request: HttpRequest, actor: Actor, vms: list[VirtualMachine]) -> HttpResponse:
    done = _each(request, actor, vms, expunge_vm)
    if done:
        text = ngettext("Being deleted for good: %(names)s.", "Being deleted for good: %(names)s.", len(done))
        messages.success(request, text % {"names": _names(done)})
    return redirect("portal:trash")


def _each(
    request: HttpRequest, actor: Actor, vms: list[VirtualMachine], act: Callable[..., Any]
) -> list[VirtualMachine]:
    """Those with which it worked; of the others each says why not."""
    done, refused = [], []
    for vm in vms:
        try:
            act(actor, vm)
            done.append(vm)
        except CloudError as error:
            said = told(error)
            refused.append(f"{vm.name}: {said.detail} {said.remedy}".strip())
    for text in refused[:TOLD]:
        messages.error(request, text)
    if len(refused) > TOLD:
        more = len(refused) - TOLD
        text = ngettext("%(n)s more was refused.", "%(n)s more were refused.", more)
        messages.error(request, text % {"n": more})
    return done


def _names(vms: list[VirtualMachine]) -> str:
    names = ", ".join(vm.name for vm in vms[:TOLD])
    more = len(vms) - TOLD
    if more <= 0:
        return names
    return ngettext("%(names)s and %(n)s more", "%(names)s and %(n)s more", more) % {
        "names": names,
        "n": more,
    }


@page
def trash_delete(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The dialog before one machine goes for good: with what goes with it."""
    vm = policy.find(actor, in_trash().select_related("account", "zone", "offering", "template"), uuid)
    policy.require(actor, "vm.expunge", vm)
    volumes = list(vm.volumes())
    typed = sum(volume.size_bytes for volume in volumes) >= TYPED_FROM_BYTES
    fault = ""
    if request.method == "POST":
        if not typed or request.POST.get("name", "").strip() == vm.name:
            return _expunge(request, actor, [vm])
        fault = told(InvalidInput("not_its_name", place="name")).detail
    tell_more(actor, [vm])
    told_as = snippets(ApiRequest("POST", f"virtual-machines/{vm.uuid}/expunge/"), portal_of(request))
    context = {
        "vm": vm,
        "volumes": volumes,
        "typed": typed,
        "fault": fault,
        "addresses": [nic.ip.address for nic in vm.nics.select_related("ip") if nic.ip],
        "snippets": told_as,
    }
    return render(request, "portal/trash/delete.html", context, status=422 if fault else 200)
