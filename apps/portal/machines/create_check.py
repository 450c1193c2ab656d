"""What a form that creates machines would come to, in words: the live dry run. Nothing is written by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.actor import Actor
from apps.compute.services.create import Judgement, Order, Remedy, judge
from apps.compute.services.deploy import VmRequest, batch_names, root_disk_bytes
from apps.core.errors import CloudError, DomainQuotaExceeded
from apps.portal.copy_as import ApiRequest
from apps.portal.machines.create_form import MachineForm
from apps.portal.pages import told
from apps.portal.past_machines import USER_DATA
from apps.portal.quota_after import Bar, bars_of
from apps.portal.resources import amount
from apps.portal.templatetags.portal import mib


@dataclass(frozen=True)
class Help:
    """Something that would let the order be taken. `use` is what the form would then say, as a query;
    without it there is only advice."""

    text: str
    label: str = ""
    use: str = ""


@dataclass(frozen=True)
class Verdict:
    """`fits` is None while the form is not complete."""

    fits: bool | None
    text: str
    why: str
    helps: list[Help]
    bars: list[Bar]
    unlimited: bool
    names: str = ""
    disk_bytes: int = 0


def verdict_of(actor: Actor, form: MachineForm) -> Verdict:
    """What becomes of the form now. A form with faults is not judged: it tells its first fault."""
    if not form.is_valid():
        return _incomplete(form)
    order = form.order()
    try:
        found = judge(actor, order)
    except CloudError as error:
        return Verdict(False, _("This cannot be created"), told(error).detail, [], [], unlimited=False)
    return _told(order, found)


def _incomplete(form: MachineForm) -> Verdict:
    faults = [
        (form.fields[name].label, errors[0]) for name, errors in form.errors.items() if name in form.fields
    ]
    faults += [(_("Form"), error) for error in form.non_field_errors()]
    label, error = faults[0]
    why = _("%(field)s: %(fault)s") % {"field": label, "fault": error}
    return Verdict(None, _("Something is missing or wrong"), why, [], [], unlimited=False)


def _told(order: Order, found: Judgement) -> Verdict:
    bars = list(bars_of(found.standing))
    disk = root_disk_bytes(order.wanted.offering, order.wanted.template)
    names = _names(order)
    unlimited = not bars
    if found.refusal is None and found.room < order.count:
        return Verdict(
            False, _short_of(found.room), "", list(_helps(order, found)), bars, unlimited, names, disk
        )
    if found.refusal is None:
        text = ngettext("Fits: %(n)s host has room", "Fits: %(n)s hosts have room", found.fitting)
        text %= {"n": found.fitting}
        return Verdict(True, text, "", [], bars, unlimited, names, disk)
    said = told(found.refusal)
    helps = list(_helps(order, found))
    why = said.detail if helps else f"{said.detail} {said.remedy}".strip()
    line = found.refusal.place.partition(" line ")[2]
    if line.isdecimal():
        why = _("Line %(line)s: %(text)s") % {"line": line, "text": why}
    return Verdict(False, said.title, why, helps, bars, unlimited, names, disk)


def _short_of(room: int) -> str:
    text = ngettext(
        "There is room for %(n)s of them now, the others would fail",
        "There is room for %(n)s of them now, the others would fail",
        room,
    )
    return text % {"n": room}


def _names(order: Order) -> str:
    """The first and the last name of a batch."""
    if order.count <= 1:
        return order.wanted.name
    try:
        names = batch_names(order.wanted.name, order.count, 1)
    except CloudError:
        return order.wanted.name
    return _("%(first)s to %(last)s") % {"first": names[0], "last": names[-1]}


def _helps(order: Order, found: Judgement) -> Iterator[Help]:
    for remedy in found.remedies:
        yield _help(remedy)
    short = [item for item in found.standing if not item.fits]
    if short:
        wanted = ", ".join(amount(item.resource, item.missing) for item in short)
        who = found.refusal.params.get("who") if found.refusal else ""
        if who:
            named = {"amounts": wanted, "who": who}
            yield Help(_("Ask for more quota: %(amounts)s more, of %(who)s.") % named)
        else:
            yield Help(_("Ask an operator for more quota: %(amounts)s more.") % {"amounts": wanted})
    elif found.refusal is not None and (not found.remedies or isinstance(found.refusal, DomainQuotaExceeded)):
        yield Help(told(found.refusal).remedy)


def _help(remedy: Remedy) -> Help:
    if remedy.offering is not None:
        row = remedy.offering
        text = _("The size %(name)s would fit: %(vcpus)s vCPU, %(memory)s.")
        text %= {"name": row.name, "vcpus": row.vcpus, "memory": mib(row.memory_mib)}
        return Help(text, _("Use %(name)s") % {"name": row.name}, urlencode({"offering": row.uuid}))
    if remedy.zone is not None and remedy.template is not None:
        text = _("The zone %(name)s has room.") % {"name": remedy.zone.name}
        use = urlencode({"zone": remedy.zone.uuid, "template": remedy.template.uuid})
        return Help(text, _("Use %(name)s") % {"name": remedy.zone.name}, use)
    text = ngettext("There is room for %(n)s of them.", "There is room for %(n)s of them.", remedy.count)
    label = ngettext("Make %(n)s", "Make %(n)s", remedy.count) % {"n": remedy.count}
    return Help(text % {"n": remedy.count}, label, urlencode({"count": remedy.count}))


def request_of(order: Order) -> ApiRequest:
    """The request to the API that does what the form does."""
    wanted = order.wanted
    body: dict[str, Any] = {
        "name": wanted.name,
        "zone": str(wanted.zone.uuid),
        "template": str(wanted.template.uuid),
        "offering": str(wanted.offering.uuid),
        "account": str(wanted.account.uuid),
        "ssh_keys": [str(key.uuid) for key in wanted.ssh_keys],
        **_rare(wanted),
    }
    if order.count == 1:
        return ApiRequest("POST", "virtual-machines/", body)
    return ApiRequest("POST", "virtual-machines/batch/", {**body, "count": order.count})


def _rare(wanted: VmRequest) -> dict[str, Any]:
    """What is only said if it differs from what is usual."""
    said = {
        "user_data": USER_DATA if wanted.user_data else None,
        "strategy": wanted.strategy if wanted.strategy != "spread" else None,
        "host": str(wanted.pinned_host.uuid) if wanted.pinned_host else None,
        "delete_protection": wanted.delete_protection or None,
    }
    return {name: value for name, value in said.items() if value is not None}
