"""The launch wizard: one page a step, each kept as it is left, and a review before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.errors import CloudError, InvalidInput, NotFound
from apps.launch.apply import DocumentRefused
from apps.launch.draft import STEPS, field_of, fresh
from apps.launch.findings import Level
from apps.launch.models import Launch, ZoneDraft
from apps.launch.plan import Plan, plan_document
from apps.launch.services import (
    discard_draft,
    document_of,
    draft_of,
    launch_draft,
    plan_step,
    require_key,
    save_step,
)
from apps.launch.told import counted_changes, told_finding
from apps.portal.copy_as import ApiRequest, Secret, Snippets, portal_of, snippets
from apps.portal.launch.forms import FORMS, LEADS, TITLES, StepForm
from apps.portal.launch.shown import SHOWN, shown_items
from apps.portal.pages import complain, page_for, told

RECENT = 10


@dataclass(frozen=True)
class Mark:
    """A step as the line of steps shows it: done, the one that is open, or to come."""

    name: str
    title: str | Promise
    state: str
    href: str
    number: int


def marks(current: str, draft: ZoneDraft | None) -> list[Mark]:
    """All steps. Those that were saved, and the first that was not, can be gone to."""
    saved = [step for step in STEPS if draft and step in draft.data]
    open_ = {*saved, *[step for step in STEPS if step not in saved][:1]}
    if len(saved) == len(STEPS):
        open_.add("review")
    found = []
    for number, name in enumerate((*STEPS, "review", "launch"), 1):
        state = "now" if name == current else "done" if name in saved else "next"
        href = _href(name) if name in open_ and name != current else ""
        found.append(Mark(name, TITLES[name], state, href, number))
    return found


def _href(step: str) -> str:
    return reverse("portal:launch-review") if step == "review" else reverse("portal:launch-step", args=[step])


def next_of(step: str) -> str:
    order = (*STEPS, "review")
    return _href(order[order.index(step) + 1])


@page_for("zone.apply")
def start(request: HttpRequest, actor: Actor) -> HttpResponse:
    draft = draft_of(actor)
    unsaved = [step for step in STEPS if not draft or step not in draft.data]
    context = {
        "draft": draft,
        "resume": _href(unsaved[0] if unsaved else "review"),
        "launches": policy.visible(actor, Launch.objects.select_related("zone").order_by("-id"))[:RECENT],
        "key_command": key_command(),
    }
    return render(request, "portal/launch/start.html", context)


def key_command() -> str:
    """What puts the key that logs in to hosts onto a host; empty before `init_secrets` made the key."""
    try:
        key = settings.PORTAL_KEY_PATH.with_suffix(".pub").read_text().strip()
    except OSError:
        return ""
    return f"echo '{key}' >> ~/.ssh/authorized_keys"


@page_for("zone.apply")
def step(request: HttpRequest, actor: Actor, step: str) -> HttpResponse:
    if step not in FORMS:
        raise NotFound
    draft = draft_of(actor)
    kept = (draft.data if draft else {}).get(step)
    if request.method != "POST":
        missing = [one for one in STEPS[: STEPS.index(step)] if not draft or one not in draft.data]
        if missing:
            return redirect(_href(missing[0]))
        form = FORMS[step](kept=kept if kept is not None else fresh(step, draft.data if draft else {}))
        if kept is not None:  # it was left as it is: say what is still wrong with it
            form = FORMS[step](kept)
            form.tell(plan_step(actor, draft, step, form.texts()).findings)
        return _step_page(request, form, draft)
    form = FORMS[step](request.POST.dict())
    draft = _kept(actor, form, request)
    going_back = request.POST.get("to") == "back"
    if going_back and step != STEPS[0]:
        return redirect(_href(STEPS[STEPS.index(step) - 1]))
    form.tell(plan_step(actor, draft, step, form.texts()).findings)
    if form.errors:
        return _step_page(request, form, draft, status=422)
    return redirect(next_of(step))


def _kept(actor: Actor, form: StepForm, request: HttpRequest) -> ZoneDraft:
    """The draft with this step as it was typed. A private key that is none, or is missing, is told beside
    its field, and the rest is kept."""
    key = request.POST.get("private_key", "").strip() if form.step == "host" else ""
    try:
        draft = save_step(actor, form.step, form.texts(), private_key=key or None)
        if form.step == "host":
            require_key(draft)
    except InvalidInput as error:
        said = told(error)
        form.add_error("private_key", f"{said.detail} {said.remedy}".strip())
        return save_step(actor, form.step, form.texts())
    return draft


def _step_page(
    request: HttpRequest, form: StepForm, draft: ZoneDraft | None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "draft": draft,
        "step": form.step,
        "title": TITLES[form.step],
        "lead": LEADS[form.step],
        "marks": marks(form.step, draft),
        "first": form.step == STEPS[0],
        "simulated": (draft.data if draft else {}).get("cluster", {}).get("hypervisor") == "simulator",
        "key_command": key_command() if form.step == "host" else "",
        "has_key": bool(draft and draft.private_key),
    }
    return render(request, "portal/launch/step.html", context, status=status)


@require_POST
@page_for("zone.apply")
def check(request: HttpRequest, actor: Actor, step: str) -> HttpResponse:
    """What is wrong with a step while it is typed: the places of its faults, each beside its field."""
    if step not in FORMS:
        raise NotFound
    form = FORMS[step](request.POST.dict())
    form.tell(plan_step(actor, draft_of(actor), step, form.texts()).findings, silent_on_blank=True)
    return render(request, "portal/launch/faults.html", {"form": form})


@page_for("zone.apply")
def review(request: HttpRequest, actor: Actor) -> HttpResponse:
    draft = draft_of(actor)
    missing = [one for one in STEPS if not draft or one not in draft.data]
    if draft is None or missing:
        return redirect(_href(missing[0]))
    if request.method == "POST":
        try:
            done = launch_draft(actor, draft, seen=request.POST.get("digest", ""))
        except DocumentRefused:
            pass  # the page below says all of it
        except CloudError as error:
            complain(request, error)
        else:
            if draft_of(actor):
                messages.info(request, _("What was changed meanwhile in another window is kept as a draft."))
            if done.launch is not None:
                return redirect("portal:launch-progress", done.launch.uuid)
            return redirect("portal:launch")
    text = document_of(draft)
    context = _reviewed(plan_document(actor, text), draft)
    own_key = bool(draft.private_key) and draft.data["host"].get("key") == "own"
    context["snippets"] = applying(request, text, own_key=own_key)
    return render(request, "portal/launch/review.html", context)


def applying(request: HttpRequest, text: str, *, own_key: bool = False) -> Snippets:
    """The request to the API that applies the document; a private key is never part of what is shown."""
    body: dict[str, Any] = {"document": text}
    if own_key:
        body["private_key"] = Secret("CLOUDPORTAL_HOST_PRIVATE_KEY")
    return snippets(ApiRequest("POST", "zone-documents/apply/", body), portal_of(request))


def _reviewed(plan: Plan, draft: ZoneDraft) -> dict[str, Any]:
    findings = []
    for finding in plan.findings:
        at, _name = field_of(finding.place)
        step_title = TITLES[at] if at else ""
        findings.append({**told_finding(finding), "step": step_title, "href": _href(at) if at else ""})
    return {
        "title": TITLES["review"],
        "lead": LEADS["review"],
        "marks": marks("review", draft),
        "plan": plan,
        "items": shown_items(plan),
        "more": max(0, len(plan.changes) - SHOWN),
        "summary": counted_changes(plan),
        "refused": [one for one in findings if one["level"] == Level.REFUSED],
        "warnings": [one for one in findings if one["level"] == Level.WARNING],
        "back": _href(STEPS[-1]),
    }


@page_for("zone.apply")
def document(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The draft's YAML: to look at, or to keep."""
    draft = draft_of(actor)
    if draft is None:
        return redirect("portal:launch")
    text = document_of(draft)
    if "download" in request.GET:
        name = draft.data.get("zone", {}).get("name", "")
        return as_file(text, name)
    return render(request, "portal/launch/yaml.html", {"text": text, "draft": draft})


def as_file(text: str, name: str) -> HttpResponse:
    """The document as a download under the zone's name, as far as file names can say it."""
    plain = "".join(char for char in name if char.isalnum() or char in "-_.") or "zone"
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{plain}.yaml") or ""
    return response


@page_for("zone.apply")
def discard(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Asked for on GET, done on POST."""
    if request.method == "POST":
        discard_draft(actor)
        return redirect("portal:launch")
    return render(request, "portal/launch/discard.html", {"draft": draft_of(actor)})
