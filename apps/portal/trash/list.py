"""The machines in the trash: until when, who put them there, how much they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import VirtualMachine, VolumeAttachment
from apps.core.words.times import until
from apps.jobs.models import Event
from apps.portal.list_cells import moment
from apps.portal.list_columns import name_of
from apps.portal.list_filters import Owner, Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page
from apps.portal.templatetags.portal import size
from apps.zones.models import Zone

AT_ONCE = 200


def in_trash() -> QuerySet[VirtualMachine]:
    return VirtualMachine.objects.in_trash().select_related("account", "zone", "offering").defer("user_data")


def tell_more(actor: Actor, rows: list[Any]) -> None:
    """Who put each of these machines here, and how much disk it holds: in two queries for all."""
    sizes = (
        VolumeAttachment.objects.filter(vm__in=rows).values_list("vm").annotate(n=Sum("volume__size_bytes"))
    )
    by_vm = dict(sizes)
    deletions = Event.objects.filter(target_uuid__in=[row.uuid for row in rows], kind="vm.destroy")
    last = policy.visible(actor, deletions.filter(phase=Event.Phase.SUBMITTED)).values("target_uuid")
    ids = last.annotate(last=Max("id")).values_list("last", flat=True)
    deleted = Event.objects.filter(id__in=list(ids)).select_related("actor")
    who = {event.target_uuid: event.by for event in deleted}
    for row in rows:
        row.held_bytes, row.deleted_by = by_vm.get(row.pk, 0), who.get(row.uuid, "")


def left(vm: VirtualMachine) -> str:
    """How long until it goes for good."""
    return until(vm.expunge_after or timezone.now())


def _until(vm: VirtualMachine) -> SafeString:
    if vm.expunge_after is None:
        return format_html("{}", left(vm))
    return format_html('{} <span class="muted">({})</span>', left(vm), moment(vm.expunge_after))


_HIDDEN = '<span class="visually-hidden">{name}</span>'
_ACTS = (
    '<div class="cluster"><button class="btn btn-secondary" name="one" value="{uuid}">{take_out} '
    f"{_HIDDEN}</button> "
    '<a class="btn btn-danger" href="{delete_page}" data-dialog>{delete} '
    f"{_HIDDEN}</a></div>"
)


def _acts(vm: VirtualMachine) -> SafeString:
    return format_html(
        _ACTS,
        uuid=vm.uuid,
        name=vm.name,
        take_out=_t("Take out"),
        delete=_t("Delete for good"),
        delete_page=reverse("portal:trash-delete", args=[vm.uuid]),
    )


def _bulk(actor: Actor) -> Sequence[Any]:
    return (
        {"name": "do", "value": "recover", "label": _("Take out of trash"), "icon": "arrow-counterclockwise"},
        {"name": "do", "value": "expunge", "label": _("Delete for good"), "icon": "trash3", "tone": "danger"},
    )


TRASH = ListPage(
    key="trash",
    title=_("Trash"),
    rows=in_trash,
    columns=(
        name_of("machine"),
        Column("left", _("Goes for good"), left, html=_until, order="expunge_after"),
        Column("size", _("Holds"), lambda vm: size(vm.held_bytes)),
        Column("by", _("Deleted by"), lambda vm: vm.deleted_by),
        Column("since", _("Deleted"), lambda vm: vm.state_changed_at, order="state_changed_at"),
        Column("account", _("Account"), lambda vm: vm.account.name),
        Column("zone", _("Zone"), lambda vm: vm.zone.name, shown=False),
        Column("acts", _("Actions"), lambda vm: "", html=_acts),
    ),
    filters=(
        Search(_("Name")),
        Owner("account", _("Account"), Account.objects.all),
        Owner("zone", _("Zone"), Zone.objects.all),
    ),
    default_order="left",
    empty=Empty(
        _("The trash is empty"),
        _("Machines that are deleted stay here for some days, so that a mistake can be taken back."),
        "portal:machines",
        _("Virtual machines"),
        "trash3",
    ),
    template="portal/trash/list.html",
    prepare=tell_more,
    live="machines",
    own=True,
    bulk=_bulk,
    bulk_url="portal:trash-act",
    bulk_limit=AT_ONCE,
)


@page
def trash_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return TRASH.respond(request, actor, days=settings.TRASH_DAYS)
