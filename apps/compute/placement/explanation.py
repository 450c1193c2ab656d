"""Why a machine is where it is, why it is nowhere, and what would help: as data of bounded size.

An explanation names hosts, clusters, pods and pools by public id and name only:
{"strategy", "wanted": {"vcpus", "memory_mib", "disk_bytes", "addresses"},
 "considered": hosts, "fitting": hosts, "reason": code or None,
 "chosen": {"host", "cluster", "pod", "pool", "score", "last_host"} or None,
 "counts": [{"cluster": ref or None for all others, "reason": code, "hosts": n}],
 "best": [{"host", "cluster", "score"}],
 "near_misses": [{"host", "cluster", "reasons", "lacking", "help"}]}
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Q
from django.utils import timezone

from apps.compute.models import VirtualMachine
from apps.compute.placement.reasons import CHANGES_REQUEST, HELP, Reason
from apps.compute.placement.request import PlacementRequest
from apps.compute.placement.rules import reasons_in
from apps.compute.placement.survey import MAX_COUNTS, HostCount, HostView, Survey, public_id
from apps.core import sql
from apps.core.errors import NotFound
from apps.network import addresses
from apps.storage.models import PrimaryStorage
from apps.zones.models import Cluster, Host

Explanation = dict[str, Any]
Ref = dict[str, str]
MAX_BYTES = 16 * 1024
NEAR_MISSES = 5
PAGE = 200
_CLIPPED = 24


def explain(request: PlacementRequest) -> Explanation:
    """Where the request would go now, or why it would not. Only reads."""
    return bounded(explanation_of(Survey(request)))


def explanation_of(survey: Survey, best: Sequence[HostView] | None = None) -> Explanation:
    """The explanation of a survey, of any size; `best` if its best hosts were read already."""
    best = survey.best() if best is None else best
    request = survey.request
    return {
        "strategy": str(request.strategy),
        "wanted": {
            "vcpus": request.vcpus,
            "memory_mib": survey.memory_mib,
            "disk_bytes": request.disk_bytes,
            "addresses": request.nics,
        },
        "considered": survey.considered,
        "fitting": max(survey.fitting, len(best)),
        "reason": None if best else str(main_reason(survey)),
        "chosen": None,
        "counts": [_describe_count(count) for count in survey.counts],
        "best": [
            {"host": _host(host), "cluster": _cluster(host), "score": survey.score(host)} for host in best
        ],
        "near_misses": [] if best else _near_misses(survey),
    }


def describe_choice(survey: Survey, host: HostView, pool: Ref | None) -> Explanation:
    """The host that was claimed, as an explanation shows it."""
    return {
        "host": _host(host),
        "cluster": _cluster(host),
        "pod": {"uuid": public_id(host.pod_uuid), "name": host.pod_name},
        "pool": pool,
        "score": survey.score(host),
        "last_host": host.pk == survey.request.last_host_id,
    }


_REMEMBER = """
INSERT INTO compute_placement (vm_id, decided_at, fits, explanation)
VALUES (%(vm)s, %(now)s, %(fits)s, %(explanation)s)
ON CONFLICT (vm_id) DO UPDATE
SET decided_at = excluded.decided_at, fits = excluded.fits, explanation = excluded.explanation
"""


def remember(vm: VirtualMachine, explanation: Explanation, fits: bool) -> None:
    """Keep this as the explanation of the machine's latest placement."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    _explanation, text = _within_bounds(explanation)
    sql.changed(_REMEMBER, {"vm": vm.pk, "now": now, "fits": fits, "explanation": text})


def explain_all(
    request: PlacementRequest, cluster: Cluster | None = None, after: str | None = None, limit: int = PAGE
) -> Explanation:
    """A page of the zone's hosts, or of one cluster's, in the order they were added, each with its
    score or all its reasons. `after` is the public id of the last host of the page before; "next" is
    the one to go on from, or None."""
    survey = Survey(request)
    limit = max(1, min(limit, PAGE))
    where, params = ["h.id > %(after)s"], {"after": 0}
    if after is not None:
        params["after"] = _key_of(after, request.zone_id)
    if cluster is not None:
        where.append("h.cluster_id = %(cluster)s")
        params["cluster"] = cluster.pk
    hosts = survey.read_hosts(" AND ".join(where), params, limit=limit + 1)
    page = hosts[:limit]
    return {
        "considered": survey.considered,
        "fitting": survey.fitting,
        "hosts": [
            {**entry, "score": None if entry["reasons"] else survey.score(host)}
            for entry, host in zip(_described(survey, page), page, strict=True)
        ],
        "next": public_id(page[-1].uuid) if len(hosts) > limit else None,
    }


def main_reason(survey: Survey) -> Reason:
    """The one reason to name when nothing fits: of the hosts that come nearest, the commonest."""
    if not survey.groups:
        return Reason.NO_HOSTS
    groups = [(reasons_in(group.mask), group.hosts) for group in survey.groups]
    nearest = min(_distance(reasons) for reasons, _hosts in groups)
    counts: Counter[Reason] = Counter()
    for reasons, hosts in groups:
        if _distance(reasons) == nearest:
            counts[reasons[0]] += hosts
    return counts.most_common(1)[0][0]


def bounded(explanation: Explanation) -> Explanation:
    """The same within MAX_BYTES of JSON: names are clipped first, then counts are summed up."""
    return _within_bounds(explanation)[0]


def _within_bounds(explanation: Explanation) -> tuple[Explanation, str]:
    keep = MAX_COUNTS
    while len(text := json.dumps(explanation)) > MAX_BYTES and keep:
        if keep == MAX_COUNTS:
            explanation = _clipped(explanation)
        keep //= 2
        explanation = {**explanation, "counts": _summed(explanation["counts"], keep)}
    return explanation, text


def _host(host: HostView) -> Ref:
    return {"uuid": public_id(host.uuid), "name": host.name}


def _cluster(host: HostView) -> Ref:
    return {"uuid": public_id(host.cluster_uuid), "name": host.cluster_name}


def _distance(reasons: tuple[Reason, ...]) -> tuple[int, int]:
    """How far a host is from fitting: first whether anything on our side could help, then how much."""
    hopeless = sum(reason not in HELP for reason in reasons)
    asks = sum(reason in CHANGES_REQUEST for reason in reasons)
    return (2 * hopeless + asks, len(reasons))


def _describe_count(count: HostCount) -> dict[str, Any]:
    cluster = {"uuid": public_id(count.uuid), "name": count.name} if count.uuid else None
    return {"cluster": cluster, "reason": str(count.reason), "hosts": count.hosts}


def _summed(counts: list[dict[str, Any]], keep: int) -> list[dict[str, Any]]:
    """The first `keep` entries; the others in one entry a reason, without a cluster."""
    named = [entry for entry in counts if entry["cluster"] is not None]
    rest: Counter[str] = Counter()
    for entry in [*named[keep:], *(entry for entry in counts if entry["cluster"] is None)]:
        rest[entry["reason"]] += entry["hosts"]
    others = [{"cluster": None, "reason": reason, "hosts": hosts} for reason, hosts in rest.most_common()]
    return [*named[:keep], *others]


def _clipped(value: Any) -> Any:
    if isinstance(value, list):
        return [_clipped(item) for item in value]
    if isinstance(value, dict):
        return {
            key: f"{item[:_CLIPPED]}…" if key == "name" and len(item) > _CLIPPED + 1 else _clipped(item)
            for key, item in value.items()
        }
    return value


def _near_misses(survey: Survey) -> list[dict[str, Any]]:
    """The hosts that lack least, nearest first, without those that nothing could help."""
    hosts = survey.nearest(_distance, NEAR_MISSES)
    return _described(survey, [host for host in hosts if HELP.keys() >= set(survey.reasons_of(host))])


def _described(survey: Survey, hosts: Sequence[HostView]) -> list[dict[str, Any]]:
    """What each host lacks, in the request's units, and what would help with its first reason."""
    reasons = {host.pk: survey.reasons_of(host) for host in hosts}
    room = _largest_room(survey, [host for host in hosts if Reason.NO_POOL in reasons[host.pk]])
    free = _free_addresses([host for host in hosts if Reason.NO_ADDRESS in reasons[host.pk]])
    request = survey.request
    described = []
    for host in hosts:
        broken = reasons[host.pk]
        lacking = {
            Reason.NO_VCPUS: ("vcpus", request.vcpus - host.free_vcpus),
            Reason.NO_MEMORY: ("memory_mib", survey.memory_mib - host.free_memory_mib),
            Reason.NO_POOL: ("disk_bytes", request.disk_bytes - room.get(host.pk, 0)),
            Reason.NO_ADDRESS: ("addresses", request.nics - free.get(host.pod_id, 0)),
        }
        described.append(
            {
                "host": _host(host),
                "cluster": _cluster(host),
                "reasons": [str(reason) for reason in broken],
                "lacking": dict(lacking[reason] for reason in broken if reason in lacking),
                "help": HELP.get(broken[0]) if broken else None,
            }
        )
    return described


def _free_addresses(hosts: Sequence[HostView]) -> dict[int, int]:
    """How many addresses are free, by key of the pod."""
    pods = addresses.free().filter(network__pod__in={host.pod_id for host in hosts}).order_by()
    return dict(pods.values_list("network__pod").annotate(Count("pk"))) if hosts else {}


def _largest_room(survey: Survey, hosts: Sequence[HostView]) -> dict[int, int]:
    """Bytes left in the emptiest enabled pool that each host reaches, by its key; 0 if there is none."""
    if not hosts:
        return {}
    pools = PrimaryStorage.objects.filter(
        Q(host__in=[host.pk for host in hosts])
        | Q(cluster__in={host.cluster_id for host in hosts})
        | Q(scope="zone"),
        zone=survey.request.zone_id,
        enabled=True,
    )
    grouped = pools.order_by().values_list("scope", "cluster_id", "host_id")
    left = grouped.annotate(left=Max(F("promised_bytes") - F("allocated_bytes")))
    room = {(scope, cluster or host): most for scope, cluster, host, most in left}
    return {
        host.pk: max(
            0,
            room.get(("host", host.pk), 0),
            room.get(("cluster", host.cluster_id), 0),
            room.get(("zone", None), 0),
        )
        for host in hosts
    }


def _key_of(host_uuid: str, zone_id: int) -> int:
    key = Host.objects.filter(uuid=host_uuid, zone_id=zone_id).values_list("pk", flat=True).first()
    if key is None:
        raise NotFound(place="after")
    return key
