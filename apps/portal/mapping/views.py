"""The mapping of a directory: its rules, what they would change, and what each run did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as say
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.directory import answering, mapping, runs
from apps.accounts.models import Directory, MappingRule, SyncRun
from apps.core.errors import InvalidInput, NotFound, PermissionDenied, StateConflict
from apps.core.messages import explain
from apps.jobs.live import live_jobs
from apps.portal.mapping.forms import RuleForm, SyncForm, initial_of
from apps.portal.mapping.shown import by_rule, counts_of, gives_of, held_of, matches_of, notes_of, rows_of
from apps.portal.pages import complain, page_for

RUNS_SHOWN, PAGE = 10, 50
seen = page_for("mapping.read")


def _directory(actor: Actor, uuid: UUID) -> Directory:
    return policy.find(actor, Directory.objects.all(), uuid)


def _rule(actor: Actor, directory: Directory, uuid: UUID) -> MappingRule:
    rows = MappingRule.objects.filter(directory=directory)
    return policy.find(actor, rows.select_related("role", "account", "domain", "directory"), uuid)


def _to(directory: Directory) -> HttpResponse:
    return redirect("portal:mapping", directory.uuid)


@seen
def mapping_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _directory(actor, uuid)
    related = ("role", "account", "domain", "changed_by")
    rules = MappingRule.objects.filter(directory=row).select_related(*related).order_by("position", "pk")
    acts = ("change", "preview", "sync")
    context = {
        "row": row,
        "rules": [(rule, matches_of(rule), gives_of(rule)) for rule in rules],
        "sync": runs.sync_of(row),
        "waits": runs.rules_wait(row),
        "unanswered": sum(rule.unanswered_at is not None for rule in rules),
        "job": live_jobs([row.uuid]).get(row.uuid),
        "runs": SyncRun.objects.filter(directory=row).order_by("-pk")[:RUNS_SHOWN],
        "may": {act: policy.may(actor, f"mapping.{act}", row) for act in acts},
    }
    return render(request, "portal/mapping/page.html", context)


@seen
def rule_new(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _directory(actor, uuid)
    policy.require(actor, "mapping.change", row)
    form = RuleForm(actor, row, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.done(lambda **given: mapping.add_rule(actor, row, **given)):
        messages.success(request, say("The rule is there. It gives nothing before the mapping is applied."))
        return _to(row)
    return _form(request, form, say("Add a rule"), row)


@seen
def rule_change(request: HttpRequest, actor: Actor, uuid: UUID, rule: UUID) -> HttpResponse:
    row = _directory(actor, uuid)
    own = _rule(actor, row, rule)
    policy.require(actor, "mapping.change", row)
    form = RuleForm(actor, row, request.POST if request.method == "POST" else None, initial=initial_of(own))
    if request.method == "POST" and form.done(lambda **given: mapping.change_rule(actor, own, **given)):
        messages.success(request, say("The change is made. It counts once the mapping is applied."))
        return _to(row)
    return _form(request, form, say("Change the rule"), row)


def _form(request: HttpRequest, form: Any, heading: str, row: Directory) -> HttpResponse:
    context = {
        "form": form,
        "heading": heading,
        "row": row,
        "back": reverse("portal:mapping", args=[row.uuid]),
    }
    return render(request, "portal/mapping/form.html", context, status=422 if form.errors else 200)


@require_POST
@seen
def rule_answer(request: HttpRequest, actor: Actor, uuid: UUID, rule: UUID) -> HttpResponse:
    """Say that the rule stands."""
    row = _directory(actor, uuid)
    own = _rule(actor, row, rule)
    try:
        answering.answer_for(actor, own)
        messages.success(request, say("You answer for %(name)s from now on.") % {"name": own.name})
    except (InvalidInput, PermissionDenied) as error:
        if not policy.may(actor, "mapping.change", own):
            raise
        complain(request, error)
    return _to(row)


@seen
def rule_remove(request: HttpRequest, actor: Actor, uuid: UUID, rule: UUID) -> HttpResponse:
    row = _directory(actor, uuid)
    own = _rule(actor, row, rule)
    policy.require(actor, "mapping.change", row)
    if request.method == "POST":
        mapping.remove_rule(actor, own)
        messages.success(request, say("%(name)s is removed.") % {"name": own.name})
        return _to(row)
    return render(request, "portal/mapping/remove.html", {"row": row, "rule": own})


@require_POST
@seen
def rule_move(request: HttpRequest, actor: Actor, uuid: UUID, rule: UUID) -> HttpResponse:
    """One up or down."""
    row = _directory(actor, uuid)
    own = _rule(actor, row, rule)
    rows = MappingRule.objects.filter(directory=row).order_by("position", "pk")
    order = list(rows.values_list("uuid", flat=True))
    place = order.index(own.uuid)
    other = place + (1 if request.POST.get("to") == "down" else -1)
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
    mapping.order_rules(actor, row, rules=order)
    return _to(row)


@seen
def sync_settings(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _directory(actor, uuid)
    policy.require(actor, "mapping.change", row)
    sync = runs.sync_of(row)
    initial = {name: getattr(sync, name) for name in SyncForm.base_fields}
    form = SyncForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.done(lambda **given: runs.change_sync(actor, row, **given)):
        messages.success(request, say("The change is made."))
        return _to(row)
    return _form(request, form, say("How the directory is followed"), row)


@seen
def preview(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The newest preview; POST begins one, or a run by the rules in force."""
    row = _directory(actor, uuid)
    if request.method == "POST":
        act = runs.sync_now if request.POST.get("act") == "sync" else runs.preview
        run = act(actor, row)
        return redirect("portal:sync-run", row.uuid, run.uuid)
    newest = SyncRun.objects.filter(directory=row, kind=SyncRun.Kind.PREVIEW).order_by("-pk").first()
    return redirect("portal:sync-run", row.uuid, newest.uuid) if newest else _to(row)


@seen
def run_list(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = _directory(actor, uuid)
    rows = SyncRun.objects.filter(directory=row).order_by("-pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/mapping/runs.html", {"row": row, "page": page})


@seen
def run_page(request: HttpRequest, actor: Actor, uuid: UUID, run: UUID) -> HttpResponse:
    row = _directory(actor, uuid)
    own = policy.find(actor, SyncRun.objects.filter(directory=row).select_related("asked_by", "basis"), run)
    if request.method == "POST":
        return _decide(request, actor, row, own)
    kind = request.GET.get("kind", "")
    changes = own.changes.order_by("number")
    changes = changes.filter(kind=kind) if kind in own.counts else changes
    page = Paginator(changes, PAGE).get_page(request.GET.get("page"))
    context = {
        "row": row,
        "run": own,
        "counts": counts_of(own),
        "by_rule": by_rule(own),
        "held": held_of(own),
        "notes": notes_of(own),
        "kind": kind,
        "page": page,
        "changes": rows_of(list(page)),
        "error": explain(own.error["code"], own.error.get("params", {})) if own.error else None,
        "job": live_jobs([row.uuid]).get(row.uuid),
        "may": {act: policy.may(actor, f"mapping.{act}", own) for act in ("apply", "release")},
    }
    return render(request, "portal/mapping/run.html", context)


def _decide(request: HttpRequest, actor: Actor, row: Directory, run: SyncRun) -> HttpResponse:
    acts: dict[str, Callable[[], SyncRun]] = {
        "apply": lambda: runs.apply(actor, run, seen=request.POST.get("digest", "")),
        "release": lambda: runs.release(actor, run),
        "reject": lambda: runs.reject(actor, run),
    }
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        raise NotFound
    shown = run
    try:
        shown = act()
    except StateConflict as error:
        complain(request, error)
    return redirect("portal:sync-run", row.uuid, shown.uuid)
