"""Directories: added, tried, changed, switched, forgotten. Who may not see them finds nothing here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.directory import services
from apps.accounts.models import Directory
from apps.core.errors import CloudError, NotFound
from apps.jobs.events import event_label
from apps.jobs.live import live_jobs
from apps.jobs.models import Event
from apps.portal.directories.forms import ChangeDirectoryForm, DirectoryForm, NewDirectoryForm, initial_of
from apps.portal.directories.shown import facts_of, last_test, refusals_of
from apps.portal.list_columns import CREATED, ENABLED, ENABLED_FILTER, name_of
from apps.portal.list_filters import Search
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import complain, page_for
from apps.portal.service_forms import asked

EVENTS_SHOWN = 10


seen = page_for("directory.read")


def _count_people(_actor: Actor, rows: list[Directory]) -> None:
    """How many people came through each of the rows: one statement."""
    counted = Directory.objects.filter(pk__in=[row.pk for row in rows]).annotate(count=Count("people"))
    counts = dict(counted.values_list("pk", "count"))
    for row in rows:
        row.people_count = counts.get(row.pk, 0)  # type: ignore[attr-defined]


def _answers(row: Directory) -> str:
    if not row.test:
        return say("Not tested yet")
    return say("It answers") if row.test["ok"] else say("It does not answer as it should")


DIRECTORIES = ListPage(
    key="directories",
    title=_("Directories"),
    rows=Directory.objects.all,
    columns=(
        name_of("directory"),
        Column("kind", _("Kind"), lambda row: row.get_kind_display()),
        Column("people", _("People"), lambda row: row.people_count),
        Column("test", _("Last test"), _answers),
        ENABLED,
        CREATED,
    ),
    filters=(Search(_("Name")), ENABLED_FILTER),
    empty=Empty(
        _("No directories yet"),
        _("Through a directory the people of your campus log in with the account that they have."),
        "portal:directory-new",
        _("Add a directory"),
        "people",
    ),
    prepare=_count_people,
    template="portal/directories/list.html",
    live="directories",
)


@seen
def directory_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return DIRECTORIES.respond(request, actor)


def _find(actor: Actor, uuid: UUID) -> Directory:
    return policy.find(actor, Directory.objects.all(), uuid)


@seen
def directory_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    events = Event.objects.filter(target_uuid=row.uuid).order_by("-id")
    context = {
        "row": row,
        "facts": facts_of(row),
        "test": last_test(row),
        "job": live_jobs([row.uuid]).get(row.uuid),
        "refusals": refusals_of(row),
        "events": [(event, event_label(event.kind)) for event in events[:EVENTS_SHOWN]],
        "may": {
            act: policy.may(actor, f"directory.{act}", row)
            for act in ("change", "test", "enable", "disable", "remove")
        },
    }
    return render(request, "portal/directories/page.html", context)


@seen
def directory_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A new directory is tested at once: its page shows what came of it."""
    policy.require(actor, "directory.create")
    form = NewDirectoryForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        row = form.tried(lambda **given: services.create_directory(actor, **given))
        if row is not None:
            services.test_directory(actor, row)
            messages.success(request, say("%(name)s is there.") % {"name": row.name})
            return redirect("portal:directory", row.uuid)
    api = asked(request, "POST", "directories/", form)
    return _form(request, form, say("Add a directory"), reverse("portal:directories"), api)


@seen
def directory_change(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    policy.require(actor, "directory.change", row)
    form = ChangeDirectoryForm(request.POST if request.method == "POST" else None, initial=initial_of(row))
    if request.method == "POST" and form.done(lambda **given: services.change_directory(actor, row, **given)):
        messages.success(request, say("The change is made."))
        return redirect("portal:directory", uuid)
    api = asked(request, "PATCH", f"directories/{uuid}/", form)
    return _form(request, form, say("Change the directory"), reverse("portal:directory", args=[uuid]), api)


def _form(
    request: HttpRequest, form: DirectoryForm, heading: str, back: str, api: dict[str, Any]
) -> HttpResponse:
    context = {"form": form, "heading": heading, "back": back, **api}
    return render(request, "portal/directories/form.html", context, status=422 if form.errors else 200)


@require_POST
@seen
def directory_test(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    services.test_directory(actor, _find(actor, uuid))
    messages.info(request, say("The connection is being tested; this page follows it."))
    return redirect("portal:directory", uuid)


@require_POST
@seen
def directory_switch(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    acts: dict[str, Callable[[Actor, Directory], Directory]] = {
        "enable": services.enable_directory,
        "disable": services.disable_directory,
    }
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        raise NotFound
    act(actor, _find(actor, uuid))
    return redirect("portal:directory", uuid)


@seen
def directory_remove(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _find(actor, uuid)
    policy.require(actor, "directory.remove", row)
    if request.method == "POST":
        try:
            services.remove_directory(actor, row)
        except NotFound:
            raise
        except CloudError as error:
            complain(request, error)
            return redirect("portal:directory-remove", uuid)
        messages.success(request, say("%(name)s is removed.") % {"name": row.name})
        return redirect("portal:directories")
    context = {"row": row, **services.touched_by(row), **asked(request, "DELETE", f"directories/{uuid}/")}
    return render(request, "portal/directories/remove.html", context)
