"""The home of people who have machines: theirs, what of their quota is used, what is under way."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q
from django.utils import timezone

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.invitations import waiting_for
from apps.accounts.models import Project, Quota
from apps.compute.models import Nic, VirtualMachine
from apps.compute.states import State
from apps.core.messages import note_text
from apps.jobs.events import event_label
from apps.jobs.kinds import quiet_kinds
from apps.jobs.models import Job, JobState
from apps.portal.badges import Badge, days_left
from apps.portal.resources import Use, uses

MACHINES = 10
JOBS = 5
ACCOUNTS = 5
PROJECTS = 10


def person_context(actor: Actor) -> dict[str, Any]:
    own = VirtualMachine.objects.filter(account__in=actor.account_ids).exclude(state=State.DESTROYED)
    machines = policy.visible(actor, own)
    nics = Prefetch("nics", Nic.objects.select_related("ip").order_by("device_index"))
    rows = machines.select_related("offering", "zone", "account").prefetch_related(nics).defer("user_data")
    shown = list(rows.order_by("-pk")[: MACHINES + 1])
    return {
        "machines": [(vm, _address(vm)) for vm in shown[:MACHINES]],
        "may_create": policy.somewhere(actor, "vm.deploy"),
        "has_accounts": bool(actor.account_ids),
        "more": len(shown) > MACHINES,
        "jobs": jobs_of(actor),
        "quotas": quotas_of(actor),
        "waiting": list(waiting_for(actor.user)[:5]) if actor.user else [],
        "ending": ending_of(actor),
    }


def _address(vm: VirtualMachine) -> str:
    return next((nic.ip.address for nic in vm.nics.all() if nic.ip), "")


def jobs_of(actor: Actor) -> list[tuple[Job, str, str]]:
    """What is under way for this reader, the latest first: the job, what it does, and its present step."""
    live = Job.objects.filter(finished_at=None, parent=None).exclude(kind__in=quiet_kinds())
    live = live.exclude(state=JobState.STUCK)
    rows = policy.visible(actor, live).order_by("-pk")[:JOBS]
    return [(job, event_label(job.kind), note_text(job.note)) for job in rows]


def ending_of(actor: Actor) -> list[tuple[Project, Badge | None]]:
    """Projects of this reader that have a last day still to come, the nearest first, with a warning where it
    is near."""
    rows = Project.objects.filter(account__in=actor.account_ids, ends_on__gte=timezone.now().date())
    found = rows.select_related("account").order_by("ends_on", "pk")[:PROJECTS]
    return [(project, days_left(project)) for project in found]


def quotas_of(actor: Actor) -> list[tuple[str, list[Use]]]:
    """Name and limits of each account that this reader is a member of, with their own within it."""
    mine = Q(account__in=actor.account_ids) | Q(user=actor.user_id, within__in=actor.account_ids)
    rows = Quota.objects.filter(mine).select_related("account", "domain", "within")
    found = rows.order_by("account__name_sort", "pk")[:ACCOUNTS]
    return [(row.owner.name, [use for use in uses(row) if use.total is not None]) for row in found]
