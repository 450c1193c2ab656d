"""A job's page, what can be done to it, and the sign in the frame that says what is at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.errors import CloudError
from apps.core.messages import job_does, job_resolves
from apps.jobs import remedies, services
from apps.jobs.kinds import quiet_kinds
from apps.jobs.models import Job, JobState
from apps.jobs.world import findings_of
from apps.portal.copy_as import portal_of, snippets
from apps.portal.jobs.list import label_of
from apps.portal.jobs.progress import progress_of
from apps.portal.jobs.targets import href_of
from apps.portal.pages import complain, page, told
from apps.portal.past_requests import request_of_job

CHILDREN = 100
_ORDER = {JobState.STUCK: 0, JobState.FAILED: 1}


def _job(actor: Actor, uuid: UUID) -> Job:
    return policy.find(actor, Job.objects.select_related("account", "parent", "user"), uuid)


@page
def job_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    job = _job(actor, uuid)
    again = request_of_job(job, operator=actor.is_operator)
    context = {
        **_live(actor, job),
        "does": job_does(job.kind),
        "target_href": href_of(actor, job.target_type, job.target_uuid),
        "snippets": snippets(again, portal_of(request)) if again else [],
    }
    return render(request, "portal/jobs/page.html", context)


@page
def job_live(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The part of the job's page that follows it."""
    return render(request, "portal/jobs/live.html", _live(actor, _job(actor, uuid)))


def _live(actor: Actor, job: Job) -> dict[str, Any]:
    children = policy.visible(actor, job.children.order_by("id"))
    counts = dict(children.order_by().values_list("state").annotate(Count("pk")))
    shown = list(children[:CHILDREN])
    shown.sort(key=lambda child: _ORDER.get(JobState(child.state), 2))
    return {
        "job": job,
        "label": label_of(job),
        "progress": progress_of(actor, job),
        "children": shown,
        "children_total": sum(counts.values()),
        "children_counts": [(state, counts[state]) for state in JobState.values if state in counts],
        "buttons": buttons_of(actor, job),
    }


def buttons_of(actor: Actor, job: Job) -> list[dict[str, Any]]:
    """What a reader would look for now; what cannot be done says why."""
    looks = {
        "retry": (_("Retry"), "primary", "arrow-repeat"),
        "resolve": (_("Resolve…"), "secondary", "check-lg"),
        "cancel": (_("Cancel the job…"), "danger", "x-lg"),
    }
    found = []
    for act in remedies.ACTS:
        if not remedies.concerns(job, act):
            continue
        label, tone, icon = looks[act]
        refused = remedies.refusal(actor, job, act)
        said = told(refused) if refused else None
        found.append(
            {
                "id": f"act-{act}",
                "label": label,
                "tone": tone,
                "icon": icon,
                "why_not": f"{said.detail} {said.remedy}".strip() if said else "",
                "href": "" if act == "retry" else reverse(f"portal:job-{act}", args=[job.uuid]),
                "dialog": act != "retry",
            }
        )
    return found


@require_POST
@page
def job_retry(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    return _act(request, actor, uuid, services.retry_job, _("The job goes on."))


@page
def job_resolve(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """What is known of the world, and what settling the job by it leads to; then doing so."""
    if request.method == "POST":
        return _act(request, actor, uuid, services.resolve_job, _("The job is being resolved."))
    job = _job(actor, uuid)
    context = {"findings": findings_of(actor, job), "resolves": job_resolves(job.kind)}
    return _dialog(request, actor, job, "resolve", context)


@page
def job_cancel(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    if request.method == "POST":
        return _act(request, actor, uuid, services.cancel_job, _("The job was asked to end."))
    job = _job(actor, uuid)
    done = [step for step in progress_of(actor, job).steps if step.state in {"done", "now"}]
    children = job.children.filter(finished_at=None).count()
    return _dialog(request, actor, job, "cancel", {"done": done, "children": children})


def _dialog(request: HttpRequest, actor: Actor, job: Job, act: str, context: dict[str, Any]) -> HttpResponse:
    """The page that asks before the act; where the act is refused it says why instead."""
    refused = remedies.refusal(actor, job, act)
    shown = {
        "job": job,
        "label": label_of(job),
        "progress": progress_of(actor, job),
        "refused": told(refused) if refused else None,
        **context,
    }
    return render(request, f"portal/jobs/{act}.html", shown, status=refused.status if refused else 200)


def _act(
    request: HttpRequest, actor: Actor, uuid: UUID, service: Callable[[Actor, Job], Job], done: str
) -> HttpResponse:
    job = _job(actor, uuid)
    try:
        service(actor, job)
    except CloudError as error:
        complain(request, error)
    else:
        messages.success(request, done)
    return redirect("portal:job", uuid)


@page
def jobs_now(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What is at work, and what is stuck, in the frame of every page: batches count as one."""
    live = policy.visible(actor, Job.objects.filter(finished_at=None)).exclude(kind__in=quiet_kinds())
    stuck = Q(state=JobState.STUCK)
    counts = live.aggregate(running=Count("pk", Q(parent=None) & ~stuck), stuck=Count("pk", stuck))
    return render(request, "portal/jobs/now_inside.html", counts)
