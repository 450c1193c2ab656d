"""The operator's home: is anything wrong, how full is the cloud, and what is left to do at its beginning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Directory, User
from apps.compute.capacity import Place, capacity_of
from apps.compute.models import ServiceOffering, StrayMachine
from apps.core.messages import explain_error, host_trouble
from apps.jobs.events import event_label
from apps.jobs.kinds import all_kinds
from apps.jobs.models import Job, JobState
from apps.portal.home.person import jobs_of
from apps.portal.infrastructure.gauges import Gauge, place_gauges
from apps.portal.infrastructure.hosts import SEEN_TWICE
from apps.storage.models import Template
from apps.zones.models import Host, HostState
from apps.zones.trouble import Counted, count_troubles

SHOWN = 8
CLUSTERS_SHOWN = 12
RECENT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class FirstStep:
    done: bool
    label: str
    text: str
    href: str


def operator_context(actor: Actor) -> dict[str, Any]:
    whole = capacity_of(actor)
    steps = first_steps(whole)
    return {
        "whole": whole,
        "gauges": place_gauges(whole),
        "charts": charts_of(whole),
        **hosts_in_trouble(whole, count_troubles()),
        "jobs_in_trouble": jobs_in_trouble(actor),
        "jobs": jobs_of(actor),
        "unanswered": Directory.objects.filter(rules__unanswered_at__isnull=False).distinct(),
        "strays": StrayMachine.objects.filter(sightings__gte=SEEN_TWICE).count(),
        "steps": steps if not all(step.done for step in steps) else [],
    }


def hosts_in_trouble(whole: Place, troubles: list[Counted]) -> dict[str, Any]:
    """For `portal/home/troubles.html`."""
    return {
        "troubles": _troubles(troubles[:SHOWN]),
        "more_troubles": len(troubles) > SHOWN,
        "connecting": whole.hosts.hosts_by_state.get(HostState.CONNECTING, 0),
    }


def _troubles(counted: list[Counted]) -> list[dict[str, Any]]:
    """What is the matter, once however many hosts have it; the host itself where it is one alone."""
    alone = [trouble.one for trouble in counted if trouble.hosts == 1]
    hosts = Host.objects.select_related("zone").defer("private_key").in_bulk(alone)
    return [
        {
            "code": trouble.code,
            "hosts": trouble.hosts,
            "host": hosts.get(trouble.one) if trouble.hosts == 1 else None,
            "told": host_trouble(trouble.code),
        }
        for trouble in counted
    ]


def jobs_in_trouble(actor: Actor) -> list[tuple[Job, str, Any]]:
    """Those of this reader that are stuck, and those that failed within a day: with what they did and why."""
    seen = policy.visible(actor, Job.objects.all())
    stuck = list(seen.filter(state=JobState.STUCK, finished_at=None).order_by("-pk")[:SHOWN])
    recent = seen.filter(kind__in=list(all_kinds()), state=JobState.FAILED)
    failed = recent.filter(finished_at__gte=timezone.now() - RECENT).order_by("-pk")
    rows = [*stuck, *failed[: SHOWN - len(stuck)]]
    return [(job, event_label(job.kind), explain_error(job.error) if job.error else None) for job in rows]


def first_steps(whole: Place) -> list[FirstStep]:
    """What a new cloud needs before somebody else can make a machine in it."""
    return [
        FirstStep(
            whole.hosts.hosts_by_state.get(HostState.UP, 0) > 0 and whole.storage.pools > 0,
            _("Launch a zone"),
            _("A pod, a cluster, storage and a host that is up: the portal asks for one after the other."),
            reverse("portal:launch"),
        ),
        FirstStep(
            Template.objects.filter(state=Template.State.READY).exists(),
            _("Add an image"),
            _("A disk image in the format qcow2, from which machines are made."),
            reverse("portal:template-new"),
        ),
        FirstStep(
            ServiceOffering.objects.filter(enabled=True).exists(),
            _("Create a size"),
            _("How many vCPUs, how much memory and disk a machine gets."),
            reverse("portal:offering-new"),
        ),
        FirstStep(
            User.objects.filter(is_super_admin=False, is_active=True).exists(),
            _("Invite a user"),
            _("Give somebody an account, and a link that logs them in once."),
            reverse("portal:invite"),
        ),
    ]


def charts_of(whole: Place) -> list[dict[str, Any]]:
    """A chart a measure over the zones, and one of the fullest clusters."""
    zones = whole.of_kind("zone")
    bars = [(zone.row.name, place_gauges(zone)) for zone in zones]
    labels = (_("CPU by zone"), _("Memory by zone"), _("Storage by zone"))
    charts = [
        _chart(title, [(name, gauges[n]) for name, gauges in bars if n < len(gauges)], _("Zone"))
        for n, title in enumerate(labels)
    ]
    clusters = [
        (f"{zone.row.name} › {place.row.name}", _fullest(place))
        for zone in zones
        for place in zone.of_kind("cluster")
        if place.hosts.hosts
    ]
    fullest = sorted(clusters, key=lambda pair: -pair[1].percent)[:CLUSTERS_SHOWN]
    charts.append(_chart(_("The fullest clusters"), fullest, _("Cluster"), named=True))
    return [chart for chart in charts if chart["rows"]]


def _fullest(place: Place) -> Gauge:
    return max(place_gauges(place)[:2], key=lambda gauge: gauge.percent)


def _chart(
    title: str, bars: list[tuple[str, Gauge]], head_label: str, *, named: bool = False
) -> dict[str, Any]:
    """Bars of one measure; `named` where each says which measure it is of."""
    words = _("%(what)s: %(text)s")
    rows = [
        {
            "label": label,
            "percent": gauge.percent,
            "text": words % {"what": gauge.label, "text": gauge.text} if named else gauge.text,
        }
        for label, gauge in bars
    ]
    return {"title": title, "rows": rows, "head_label": head_label}
