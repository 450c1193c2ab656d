"""What is the matter with a host, if anything: as a filter over all hosts, and for one with all of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from apps.zones.models import Host, HostState

DISABLED = "host_disabled"
STALE = "host_sync_stale"
OVERFULL = "host_overfull"


def in_trouble(now: datetime | None = None) -> Q:
    """Hosts that `troubles_of` has something to say about."""
    return (
        Q(state__in=[HostState.DISCONNECTED, HostState.ALERT])
        | Q(enabled=False)
        | Q(state=HostState.UP, last_seen_at__lt=_oldest(now))
        | Q(allocated_vcpus__gt=F("capacity_vcpus"))
        | Q(allocated_memory_mib__gt=F("capacity_memory_mib"))
    )


def troubles_of(host: Host, now: datetime | None = None) -> list[str]:
    """Codes, the gravest first; `apps.core.messages.host_trouble` has the words for each."""
    found = []
    if host.state == HostState.DISCONNECTED:
        found.append(host.state_reason or "host_unreachable")
    elif host.state == HostState.ALERT:
        found.append(host.state_reason or "driver_failed")
    elif host.state == HostState.UP and host.last_seen_at and host.last_seen_at < _oldest(now):
        found.append(STALE)
    if host.allocated_vcpus > host.capacity_vcpus or host.allocated_memory_mib > host.capacity_memory_mib:
        found.append(OVERFULL)
    if not host.enabled:
        found.append(DISABLED)
    return found


def _oldest(now: datetime | None) -> datetime:
    """A report from before this is too old for a host that is up."""
    return (now or timezone.now()) - timedelta(seconds=settings.HOST_SYNC_STALE_SECONDS)
