"""What is the matter with a host, if anything: as a filter over all hosts, and for one with all of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.db.models import Count, F, Min, Q, QuerySet
from django.utils import timezone

from apps.zones.models import Host, HostState

DISABLED = "host_disabled"
STALE = "host_sync_stale"
OVERFULL = "host_overfull"
_USUAL: dict[str, str] = {HostState.DISCONNECTED: "host_unreachable", HostState.ALERT: "driver_failed"}
"""States that are a trouble, whose reason is its code; and what it is where no reason is kept."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many hosts have a trouble; `one` is the key of one of them."""

    code: str
    hosts: int
    one: int


def in_trouble(now: datetime | None = None) -> Q:
    """Hosts that `troubles_of` has something to say about."""
    return reduce(or_, _beside_state(now).values(), Q(state__in=list(_USUAL)))


def has_trouble(code: str, now: datetime | None = None) -> Q:
    """Hosts of which `troubles_of` says this."""
    unsaid = [state for state, usual in _USUAL.items() if usual == code]
    told = Q(state__in=list(_USUAL), state_reason=code) | Q(state__in=unsaid, state_reason="")
    return told | _beside_state(now).get(code, told)


def troubles_of(host: Host, now: datetime | None = None) -> list[str]:
    """Codes, the gravest first; `apps.core.messages.host_trouble` has the words for each."""
    found = []
    if usual := _USUAL.get(host.state):
        found.append(host.state_reason or usual)
    elif host.state == HostState.UP and host.last_seen_at and host.last_seen_at < _oldest(now):
        found.append(STALE)
    if host.allocated_vcpus > host.capacity_vcpus or host.allocated_memory_mib > host.capacity_memory_mib:
        found.append(OVERFULL)
    if not host.enabled:
        found.append(DISABLED)
    return found


def count_troubles(now: datetime | None = None, *, hosts: QuerySet[Host] | None = None) -> list[Counted]:
    """What `troubles_of` says of all hosts, or of these: first what their states say, the most frequent
    first."""
    rows = (Host.objects.all() if hosts is None else hosts).order_by()
    told = rows.filter(state__in=list(_USUAL)).values_list("state", "state_reason")
    counts, one = Counter[str](), dict[str, int]()
    for state, reason, count, lowest in told.annotate(Count("pk"), Min("pk")):
        code = reason or _USUAL[state]
        counts[code] += count
        one.setdefault(code, lowest)
    beside = _beside_state(now)
    sums = rows.aggregate(
        **{code: Count("pk", filter=each) for code, each in beside.items()},
        **{f"{code}_one": Min("pk", filter=each) for code, each in beside.items()},
    )
    return [
        *(Counted(code, count, one[code]) for code, count in counts.most_common()),
        *(Counted(code, sums[code], sums[f"{code}_one"]) for code in beside if sums[code]),
    ]


def _beside_state(now: datetime | None) -> dict[str, Q]:
    """Troubles that a host has whatever reason its state has, the gravest first."""
    return {
        STALE: Q(state=HostState.UP, last_seen_at__lt=_oldest(now)),
        OVERFULL: Q(allocated_vcpus__gt=F("capacity_vcpus"))
        | Q(allocated_memory_mib__gt=F("capacity_memory_mib")),
        DISABLED: Q(enabled=False),
    }


def _oldest(now: datetime | None) -> datetime:
    """A report from before this is too old for a host that is up."""
    return (now or timezone.now()) - timedelta(seconds=settings.HOST_SYNC_STALE_SECONDS)
