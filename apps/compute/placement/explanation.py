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
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import F, Max, Q
from django.utils import timezone

from apps.compute.models import Placement, VirtualMachine
from apps.compute.placement.reasons import CHANGES_REQUEST, HELP, REASONS, Reason
from apps.compute.placement.request import PlacementRequest
from apps.compute.placement.survey import ClusterView, HostView, Survey, public_id
from apps.core.errors import NotFound
from apps.storage.models import PrimaryStorage
from apps.zones.models import Cluster, Host

Explanation = dict[str, Any]
Ref = dict[str, str]
MAX_BYTES = 16 * 1024
MAX_COUNTS = 40
NEAR_MISSES = 5
PAGE = 200
_CLIPPED = 24


def explain(request: PlacementRequest) -> Explanation:
    """Where the request would go now, or why it would not. Only reads."""
    return explanation_of(Survey(request))


def explanation_of(survey: Survey, best: Sequence[HostView] | None = None) -> Explanation:
    """The explanation of a survey; `best` if its best hosts were read already."""
    best = survey.best() if best is None else best
    request = survey.request
    return bounded(
        {
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
            "counts": _counts(survey),
            "best": [
                {"host": ref(host), "cluster": ref(host.cluster), "score": survey.score(host)}
                for host in best
            ],
            "near_misses": [] if best else _near_misses(survey),
        }
    )


def describe_choice(survey: Survey, host: HostView, pool: Ref | None) -> Explanation:
    """The host that was claimed, as an explanation shows it."""
    return {
        "host": ref(host),
        "cluster": ref(host.cluster),
        "pod": {"uuid": public_id(host.cluster.pod_uuid), "name": host.cluster.pod_name},
        "pool": pool,
        "score": survey.score(host),
        "last_host": host.pk == survey.request.last_host_id,
    }


def remember(vm: VirtualMachine, explanation: Explanation, fits: bool) -> None:
    """Keep this as the explanation of the machine's latest placement."""
    row = Placement(vm=vm, decided_at=timezone.now(), fits=fits, explanation=bounded(explanation))
    Placement.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["vm"],
        update_fields=["decided_at", "fits", "explanation"],
    )


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
            {**entry, "score": None if host.reasons else survey.score(host)}
            for entry, host in zip(_described(survey, page), page, strict=True)
        ],
        "next": public_id(page[-1].uuid) if len(hosts) > limit else None,
    }


def main_reason(survey: Survey) -> Reason:
    """The one reason to name when nothing fits: of the hosts that come nearest, the commonest."""
    if not survey.unfit:
        return Reason.NO_HOSTS
    groups = [(survey.reasons_of(group), group.hosts) for group in survey.unfit]
    nearest = min(_distance(reasons) for reasons, _hosts in groups)
    counts: Counter[Reason] = Counter()
    for reasons, hosts in groups:
        if _distance(reasons) == nearest:
            counts[reasons[0]] += hosts
    return counts.most_common(1)[0][0]


def bounded(explanation: Explanation) -> Explanation:
    """The same within MAX_BYTES of JSON: names are clipped first, then counts are summed up."""
    keep = MAX_COUNTS
    while len(json.dumps(explanation)) > MAX_BYTES and keep:
        if keep == MAX_COUNTS:
            explanation = _clipped(explanation)
        keep //= 2
        explanation = {**explanation, "counts": _summed(explanation["counts"], keep)}
    return explanation


def ref(row: HostView | ClusterView) -> Ref:
    return {"uuid": public_id(row.uuid), "name": row.name}


def _distance(reasons: tuple[Reason, ...]) -> tuple[int, int]:
    """How far a host is from fitting: first whether anything on our side could help, then how much."""
    hopeless = sum(reason not in HELP for reason in reasons)
    asks = sum(reason in CHANGES_REQUEST for reason in reasons)
    return (2 * hopeless + asks, len(reasons))


def _counts(survey: Survey) -> list[dict[str, Any]]:
    """How many hosts of which cluster fall to which reason, the largest first."""
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for group in survey.unfit:
        mask = survey.mask_of(group)
        counts[group.cluster, mask & -mask] += group.hosts
    entries = sorted((-hosts, cluster, bit) for (cluster, bit), hosts in counts.items())
    rest: Counter[int] = Counter()
    for hosts, _cluster, bit in entries[MAX_COUNTS:]:
        rest[bit] -= hosts
    return [
        *(_count(survey.clusters[cluster], bit, -hosts) for hosts, cluster, bit in entries[:MAX_COUNTS]),
        *(_count(None, bit, hosts) for bit, hosts in rest.most_common()),
    ]


def _count(cluster: ClusterView | None, bit: int, hosts: int) -> dict[str, Any]:
    reason = str(REASONS[bit.bit_length() - 1])
    return {"cluster": ref(cluster) if cluster else None, "reason": reason, "hosts": hosts}


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
    hosts = survey.nearest(lambda group: _distance(survey.reasons_of(group)), NEAR_MISSES)
    return _described(survey, [host for host in hosts if all(reason in HELP for reason in host.reasons)])


def _described(survey: Survey, hosts: Sequence[HostView]) -> list[dict[str, Any]]:
    """What each host lacks, in the request's units, and what would help with its first reason."""
    room = (
        _largest_room(survey.request.zone_id, hosts)
        if any(Reason.NO_POOL in host.reasons for host in hosts)
        else {}
    )
    return [
        {
            "host": ref(host),
            "cluster": ref(host.cluster),
            "reasons": [str(reason) for reason in host.reasons],
            "lacking": _lacking(survey, host, room.get(host.pk, 0)),
            "help": HELP.get(host.reasons[0]) if host.reasons else None,
        }
        for host in hosts
    ]


def _lacking(survey: Survey, host: HostView, room_bytes: int) -> dict[str, int]:
    request = survey.request
    lacking = {
        Reason.NO_VCPUS: ("vcpus", request.vcpus - host.free_vcpus),
        Reason.NO_MEMORY: ("memory_mib", survey.memory_mib - host.free_memory_mib),
        Reason.NO_POOL: ("disk_bytes", request.disk_bytes - room_bytes),
        Reason.NO_ADDRESS: ("addresses", request.nics - host.cluster.free_addresses),
    }
    return dict(lacking[reason] for reason in host.reasons if reason in lacking)


def _largest_room(zone_id: int, hosts: Sequence[HostView]) -> dict[int, int]:
    """Bytes left in the emptiest enabled pool that each of these hosts reaches; 0 if there is none."""
    pools = PrimaryStorage.objects.filter(enabled=True).filter(
        Q(host__in=[host.pk for host in hosts])
        | Q(cluster__in={host.cluster.pk for host in hosts})
        | Q(scope="zone", zone=zone_id)
    )
    room = {
        (scope, cluster or host): left
        for scope, cluster, host, left in pools.values_list("scope", "cluster_id", "host_id").annotate(
            left=Max(F("promised_bytes") - F("allocated_bytes"))
        )
    }
    return {
        host.pk: max(
            0,
            room.get(("host", host.pk), 0),
            room.get(("cluster", host.cluster.pk), 0),
            room.get(("zone", None), 0),
        )
        for host in hosts
    }


def _key_of(host_uuid: str, zone_id: int) -> int:
    key = Host.objects.filter(uuid=host_uuid, zone_id=zone_id).values_list("pk", flat=True).first()
    if key is None:
        raise NotFound(place="after")
    return key
