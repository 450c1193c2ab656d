"""Which hosts reach a pool, and which pools a host reaches: by the pool's scope."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.storage.models import PrimaryStorage
from apps.zones.models import Host, HostState


def hosts_reaching(pool: PrimaryStorage) -> QuerySet[Host]:
    """The hosts in the pool's scope, whatever their state."""
    if pool.host_id is not None:
        return Host.objects.filter(pk=pool.host_id)
    if pool.cluster_id is not None:
        return Host.objects.filter(cluster_id=pool.cluster_id)
    return Host.objects.filter(zone_id=pool.zone_id)


def host_at_hand(pool: PrimaryStorage, *, near: tuple[int | None, ...] = ()) -> Host | None:
    """A host that is up and reaches the pool, one of `near` (keys) if it can be."""
    up = hosts_reaching(pool).filter(state=HostState.UP)
    return up.filter(pk__in=[key for key in near if key]).first() or up.order_by("pk").first()


def pools_reached_by(host: Host) -> QuerySet[PrimaryStorage]:
    scope = PrimaryStorage.Scope
    near = Q(scope=scope.CLUSTER, cluster=host.cluster_id) | Q(scope=scope.HOST, host=host.pk)
    return PrimaryStorage.objects.filter(near | Q(scope=scope.ZONE), zone=host.zone_id)
