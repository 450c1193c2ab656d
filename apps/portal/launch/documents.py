"""Zone documents without the wizard: paste or choose one, see its plan, apply it; and get a zone's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.errors import CloudError
from apps.launch.apply import DocumentRefused, apply_document
from apps.launch.export import export_zone
from apps.launch.findings import Level
from apps.launch.plan import plan_document
from apps.launch.told import counted_changes, told_finding
from apps.launch.yaml_tree import MAX_BYTES
from apps.portal.launch.forms import DocumentForm
from apps.portal.launch.shown import SHOWN, shown_items
from apps.portal.launch.wizard import applying, as_file
from apps.portal.pages import complain, page_for
from apps.zones.models import Zone


@page_for("zone.apply")
def document(request: HttpRequest, actor: Actor) -> HttpResponse:
    """GET: an empty field, or a zone's document (?zone=). POST: its plan, and with `apply` the doing."""
    if request.method != "POST":
        form = DocumentForm(initial={"document": _of_zone(actor, request.GET.get("zone", ""))})
        return render(request, "portal/launch/document.html", {"form": form})
    text, fault = _text_of(request)
    form = DocumentForm({"document": text})
    if fault:
        form.add_error("file", fault)
        return render(request, "portal/launch/document.html", {"form": form}, status=422)
    if "apply" in request.POST:
        try:
            done = apply_document(actor, text, seen=request.POST.get("digest", ""))
        except DocumentRefused:
            pass  # its plan below says all of it
        except CloudError as error:
            complain(request, error)
        else:
            if done.launch is not None:
                return redirect("portal:launch-progress", done.launch.uuid)
    return _planned(request, actor, form, text)


def _planned(request: HttpRequest, actor: Actor, form: DocumentForm, text: str) -> HttpResponse:
    plan = plan_document(actor, text)
    by_level: dict[str, list[dict[str, Any]]] = {str(level): [] for level in Level}
    for one in map(told_finding, plan.findings):
        by_level[one["level"]].append(one)
    context = {
        "form": form,
        "plan": plan,
        "text": text,
        "items": shown_items(plan),
        "more": max(0, len(plan.changes) - SHOWN),
        "summary": counted_changes(plan) if not plan.refused else "",
        "findings": by_level,
        "snippets": applying(request, text) if plan.changes and not plan.refused else None,
    }
    return render(request, "portal/launch/document.html", context, status=422 if plan.refused else 200)


def _text_of(request: HttpRequest) -> tuple[str, str]:
    """The text of the file if one was chosen, of the field otherwise; and what is wrong with the file."""
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get("document", "").replace("\r\n", "\n"), ""
    if file.size is None or file.size > MAX_BYTES:
        said = _("The file is longer than %(limit)s bytes. Choose another one.")
        return "", said % {"limit": MAX_BYTES}
    try:
        return file.read().decode("utf-8"), ""
    except UnicodeDecodeError:
        return "", _("The file is not text in UTF-8. Choose another one.")


def _of_zone(actor: Actor, uuid: str) -> str:
    if not uuid:
        return ""
    zone = policy.find(actor, Zone.objects.select_related("region"), uuid)
    return export_zone(actor, zone)


@page_for("zone.apply")
def export(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    zone = policy.find(actor, Zone.objects.select_related("region"), uuid)
    return as_file(export_zone(actor, zone), zone.name)
