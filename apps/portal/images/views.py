"""Templates, which people know as images: listed for all, changed and deleted by who may."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import VirtualMachine
from apps.core.errors import CloudError, NotFound
from apps.core.messages import explain_error
from apps.jobs.events import event_label
from apps.jobs.live import latest_job
from apps.jobs.models import JobState
from apps.portal.events.shown import last_of
from apps.portal.images.forms import TemplateForm
from apps.portal.jobs.progress import progress_of
from apps.portal.list_cells import badge
from apps.portal.list_columns import CREATED, name_of
from apps.portal.list_filters import Choice, Flag, Owner, Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import complain, page
from apps.portal.service_forms import asked
from apps.portal.templatetags.portal import size
from apps.storage.models import Template
from apps.storage.services_templates import change_template, delete_template
from apps.zones.models import Zone

_STATES = [choice for choice in Template.State.choices if choice[0] != Template.State.DELETED]


def _rows() -> QuerySet[Template]:
    rows = Template.objects.exclude(state=Template.State.DELETED)
    return rows.select_related("account", "secondary_storage__zone")


def _state(row: Template) -> SafeString:
    return badge("template", row.state)


def _visibility(row: Template) -> str:
    return say("everybody") if row.is_public else say("members of its account")


TEMPLATES = ListPage(
    key="templates",
    title=_("Images"),
    rows=_rows,
    columns=(
        name_of("template"),
        Column("state", _("State"), lambda row: row.get_state_display(), html=_state, order="state"),
        Column("description", _("Description"), lambda row: row.description),
        Column("disk", _("Disk"), lambda row: size(row.virtual_size_bytes), order="virtual_size_bytes"),
        Column("zone", _("Zone"), lambda row: row.secondary_storage.zone.name),
        Column("account", _("Account"), lambda row: row.account.name, operators=True),
        Column("visibility", _("Who may use it"), _visibility, shown=False),
        Column("file", _("File"), lambda row: size(row.size_bytes), operators=True, shown=False),
        CREATED,
    ),
    filters=(
        Search(_("Name")),
        Choice("state", _("State"), _STATES, several=True),
        Flag("public", _("Who may use it"), _("everybody"), _("members of its account"), path="is_public"),
        Owner("zone", _("Zone"), Zone.objects.all, path="secondary_storage__zone"),
        Owner("account", _("Account"), Account.objects.all, operators=True),
    ),
    empty=Empty(
        _("No images yet"),
        _("A machine is made from an image. The operator of this cloud adds them."),
        icon="images",
    ),
    template="portal/images/list.html",
    live="templates",
)


@page
def template_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return TEMPLATES.respond(request, actor, may_add=policy.somewhere(actor, "template.register"))


def _find(actor: Actor, uuid: UUID) -> Template:
    return policy.find(actor, _rows(), uuid)


@page
def template_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    job = latest_job(row.uuid)
    seen = job is not None and policy.sees(actor, job)
    shown = job if job and seen and (job.finished_at is None or job.state == JobState.FAILED) else None
    machines = policy.visible(actor, VirtualMachine.objects.filter(template=row)).count()
    context = {
        "row": row,
        "visibility": _visibility(row),
        "error": explain_error(row.error) if row.error else None,
        "technical": (row.error or {}).get("technical", "") if actor.is_operator else "",
        "job": shown,
        "job_label": event_label(shown.kind) if shown else "",
        "progress": progress_of(actor, shown) if shown and shown.finished_at is None else None,
        "machines": machines,
        "events": last_of(actor, row),
        "may_change": policy.may(actor, "template.change", row),
        "may_delete": policy.may(actor, "template.delete", row),
        "usable": row.state == Template.State.READY,
    }
    return render(request, "portal/images/page.html", context)


@page
def template_change(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    policy.require(actor, "template.change", row)
    initial = {name: getattr(row, name) for name in ("name", "description", "min_memory_mib", "is_public")}
    form = TemplateForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.done(lambda **given: change_template(actor, row, **given)):
        messages.success(request, say("The change is made."))
        return redirect("portal:template", uuid)
    context = {"row": row, "form": form, **asked(request, "PATCH", f"templates/{uuid}/", form)}
    return render(request, "portal/images/change.html", context, status=422 if form.errors else 200)


@page
def template_delete(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """What depends on it, and then the deed."""
    row = _find(actor, uuid)
    policy.require(actor, "template.delete", row)
    if request.method == "POST":
        try:
            delete_template(actor, row)
        except NotFound:
            raise
        except CloudError as error:
            complain(request, error)
        return redirect("portal:template", uuid)
    context = {"row": row, "disks": row.volumes.count(), "copies": row.copies.count()}
    context |= asked(request, "DELETE", f"templates/{uuid}/")
    return render(request, "portal/images/delete.html", context)
