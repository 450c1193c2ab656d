"""The pages of regions, zones, pods, clusters, hosts and storage: seen, made, changed, switched, removed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.rest import parse_uuid
from apps.compute.capacity import capacity_of
from apps.core.errors import CloudError, NotFound
from apps.jobs.events import event_label
from apps.jobs.live import latest_job
from apps.jobs.models import Job, JobState
from apps.portal.events.shown import last_of
from apps.portal.infrastructure.facts import facts_of
from apps.portal.infrastructure.gauges import host_gauges, place_gauges, pool_gauges, sums_of_place
from apps.portal.infrastructure.obstacles import obstacles_of
from apps.portal.infrastructure.parts import PARTS, Part, above, part_of
from apps.portal.jobs.progress import progress_of
from apps.portal.pages import complain, page_for
from apps.portal.service_forms import ServiceForm, asked
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.zones.models import Cluster, Zone

HOSTS_SHOWN = 50


def find(actor: Actor, part: Part, uuid: UUID) -> Any:
    return policy.find(actor, part.rows(), uuid)


def frame_of(actor: Actor, row: Any) -> dict[str, Any]:
    """What every page of a part says: where it lies, what is known of it, what happened to it."""
    part = part_of(row)
    job = latest_job(row.uuid)
    job = job if job and policy.sees(actor, job) else None
    shown = job if job and (job.finished_at is None or job.state in Job.LIVE or _went_wrong(job)) else None
    return {
        "part": part,
        "row": row,
        "row_id": str(row.uuid),
        "crumbs": [(part_of(one), f"portal:{part_of(one).kind}", one) for one in above(row) if one != row],
        "facts": facts_of(row),
        "events": last_of(actor, row),
        "job": shown,
        "job_label": event_label(shown.kind) if shown else "",
        "progress": progress_of(actor, shown) if shown else None,
        "change_url": f"portal:{part.kind}-change",
        "remove_url": f"portal:{part.kind}-remove",
        "switch_url": f"portal:{part.kind}-switch",
        "switches": part.switches,
        "can": can(actor, part, row),
    }


def can(actor: Actor, part: Part, row: Any) -> dict[str, bool]:
    """What of the row's page the actor may do."""
    found = {
        "change": policy.may(actor, part.permission("change"), row),
        "remove": policy.may(actor, part.permission("remove"), row),
        "switch": policy.may(actor, part.permission("disable"), row),
        "reconnect": policy.may(actor, part.permission("reconnect"), row),
        "trust": policy.may(actor, part.permission("trust_key"), row),
    }
    for new in (one for one in PARTS.values() if one.parent == part.kind or "storage" in one.kind):
        found[f"new_{new.kind.replace('-', '_')}"] = policy.may(actor, new.permission("create"), row)
    return found


def _went_wrong(job: Job) -> bool:
    return job.state in {JobState.FAILED, JobState.STUCK}


@page_for("capacity.read")
def part_page(request: HttpRequest, actor: Actor, uuid: UUID, kind: str) -> HttpResponse:
    """A region, zone, pod or cluster: its capacity, and what it is made of."""
    part = PARTS[kind]
    row = find(actor, part, uuid)
    place = capacity_of(actor, row)
    child = next((one for one in PARTS.values() if one.parent == kind), None)
    context = frame_of(actor, row) | {
        "place": place,
        "gauges": place_gauges(place),
        "sums": sums_of_place(place),
        "child": child,
        "children": [(below.row, place_gauges(below)) for below in place.children],
        "new_child_url": f"portal:{child.kind}-new" if child else "",
        "may_add": child is not None and policy.may(actor, child.permission("create"), row),
        "child_url": f"portal:{child.kind}" if child else "",
    }
    if isinstance(row, Cluster):
        hosts = policy.visible(actor, row.hosts.order_by("name_sort", "pk"))[:HOSTS_SHOWN]
        context["hosts"] = [(host, host_gauges(host)) for host in hosts]
    context |= _storage_of(actor, row)
    return render(request, "portal/infrastructure/part.html", context)


def _storage_of(actor: Actor, row: Any) -> dict[str, Any]:
    primaries = policy.visible(actor, PrimaryStorage.objects.all())
    if isinstance(row, Zone):
        pools = primaries.filter(zone=row, scope=PrimaryStorage.Scope.ZONE)
        in_zone = SecondaryStorage.objects.filter(zone=row).order_by("name_sort", "pk")
        secondary = policy.visible(actor, in_zone)[:HOSTS_SHOWN]
        return {"storages": True, "pools": _pools(pools), "secondaries": secondary}
    if isinstance(row, Cluster):
        return {"storages": True, "pools": _pools(primaries.filter(cluster=row))}
    return {}


def _pools(rows: Any) -> list[tuple[PrimaryStorage, list[Any]]]:
    return [(pool, pool_gauges(pool)) for pool in rows.order_by("name_sort", "pk")[:HOSTS_SHOWN]]


@page_for("capacity.read")
def part_new(request: HttpRequest, actor: Actor, kind: str) -> HttpResponse:
    """A new part, in the one that `?in=` names or that is chosen."""
    part = PARTS[kind]
    policy.require_somewhere(actor, part.permission("create"))
    form = _new_form(actor, part, request)
    if request.method == "POST":

        def create(**given: Any) -> Any:
            inside = {part.parent: given.pop("parent")} if part.parent else {}
            return part.create(actor, **inside, **given)

        made = form.tried(create)
        if made is not None:
            row = made[0] if isinstance(made, tuple) else made
            messages.success(request, _("%(name)s is there.") % {"name": row.name})
            return redirect(f"portal:{kind}", row.uuid)
    context = {"part": part, "form": form, "heading": part.new_label, "back": _back(part, request)}
    context |= asked(request, "POST", f"{part.plural}/", form)
    return render(request, "portal/infrastructure/form.html", context, status=422 if form.errors else 200)


def _new_form(actor: Actor, part: Part, request: HttpRequest) -> ServiceForm:
    """It offers the parents in which the actor may make one; there has to be one."""
    initial = {"parent": request.GET.get("in", "")}
    form = part.new_form(request.POST if request.method == "POST" else None, initial=initial)
    if part.parent:
        parent = PARTS[part.parent]
        rows = policy.reached(actor, part.permission("create"), parent.rows().order_by("name_sort", "pk"))
        if not rows.exists() and not actor.is_operator:
            raise policy.Refused(actor, part.permission("create"))
        field = ParentField(rows, to_field_name="uuid", label=parent.label)
        field.widget.attrs["class"] = "form-select"
        form.fields = {"parent": field, **form.fields}
        form.parent_name = part.parent
    return form


class ParentField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Names each part by the whole way down to it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, empty_label=None, **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return " › ".join(one.name for one in above(obj))


def _back(part: Part, request: HttpRequest) -> str:
    """The page of what the new part is to lie in, if the address names that; of all of it otherwise."""
    uuid = parse_uuid(request.GET.get("in", ""))
    if part.parent and uuid:
        return reverse(f"portal:{part.parent}", args=[uuid])
    return reverse("portal:infrastructure")


@page_for("capacity.read")
def part_change(request: HttpRequest, actor: Actor, uuid: UUID, kind: str) -> HttpResponse:
    part = PARTS[kind]
    row = find(actor, part, uuid)
    policy.require(actor, part.permission("change"), row)
    form = part.change_form(request.POST if request.method == "POST" else None, initial=part.initial(row))
    if request.method == "POST" and form.done(lambda **given: part.change(actor, row, **given)):
        messages.success(request, _("The change is made."))
        return redirect(f"portal:{kind}", uuid)
    context = {"part": part, "row": row, "form": form, "heading": part.change_label}
    context["back"] = reverse(f"portal:{kind}", args=[uuid])
    context |= asked(request, "PATCH", f"{part.plural}/{uuid}/", form)
    return render(request, "portal/infrastructure/form.html", context, status=422 if form.errors else 200)


@require_POST
@page_for("capacity.read")
def part_switch(request: HttpRequest, actor: Actor, uuid: UUID, kind: str) -> HttpResponse:
    """Enable or disable, as the button says, whatever it is by now."""
    part = PARTS[kind]
    act = {"enable": part.enable, "disable": part.disable}.get(request.POST.get("act", ""))
    if act is None:
        raise NotFound
    act(actor, find(actor, part, uuid))
    return redirect(f"portal:{kind}", uuid)


@page_for("capacity.read")
def part_remove(request: HttpRequest, actor: Actor, uuid: UUID, kind: str) -> HttpResponse:
    """What would go, or what is in the way, and then the deed."""
    part = PARTS[kind]
    row = find(actor, part, uuid)
    policy.require(actor, part.permission("remove"), row)
    if request.method == "POST":
        try:
            part.remove(actor, row)
        except NotFound:
            raise
        except CloudError as error:
            complain(request, error)
            return redirect(f"portal:{kind}-remove", uuid)
        messages.success(request, _("%(name)s is removed.") % {"name": row.name})
        lies_in = [one for one in above(row) if one != row]
        if lies_in:
            return redirect(f"portal:{part_of(lies_in[-1]).kind}", lies_in[-1].uuid)
        return redirect("portal:infrastructure")
    context = {"part": part, "row": row, "obstacles": obstacles_of(row), "url": f"portal:{kind}"}
    context |= asked(request, "DELETE", f"{part.plural}/{uuid}/")
    return render(request, "portal/infrastructure/remove.html", context)
