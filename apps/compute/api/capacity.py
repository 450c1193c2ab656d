"""What the cloud has, promised and has left; and counting it anew."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import policy
from apps.accounts.authentication import actor_of
from apps.compute.capacity import Place, capacity_of
from apps.compute.services.recount import recount_counters
from apps.core.errors import MalformedRequest
from apps.core.fields import Id, Truth
from apps.core.filters import refuse_unknown
from apps.core.rest import StrictSerializer
from apps.zones.models import Cluster, Pod, Region, Zone

KINDS = ("cloud", "region", "zone", "pod", "cluster")
WITHIN = {"region": Region, "zone": Zone, "pod": Pod, "cluster": Cluster}


class HostLoadSerializer(serializers.Serializer[Any]):
    hosts = serializers.IntegerField()
    disabled_hosts = serializers.IntegerField()
    hosts_by_state = serializers.DictField(child=serializers.IntegerField())
    cpu_cores = serializers.IntegerField()
    memory_mib = serializers.IntegerField()
    reserve_mib = serializers.IntegerField()
    capacity_vcpus = serializers.IntegerField()
    capacity_memory_mib = serializers.IntegerField()
    allocated_vcpus = serializers.IntegerField()
    allocated_memory_mib = serializers.IntegerField()
    free_vcpus = serializers.IntegerField()
    free_memory_mib = serializers.IntegerField()


class PoolLoadSerializer(serializers.Serializer[Any]):
    pools = serializers.IntegerField()
    disabled_pools = serializers.IntegerField()
    capacity_bytes = serializers.IntegerField()
    promised_bytes = serializers.IntegerField()
    allocated_bytes = serializers.IntegerField()
    used_bytes = serializers.IntegerField()
    free_bytes = serializers.IntegerField()


class PlaceSerializer(serializers.Serializer[Any]):
    """A part of the cloud with the sums over all that is below it; the first is the whole that was asked
    for, and each names the one above it."""

    kind = serializers.ChoiceField(KINDS)
    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    parent = serializers.UUIDField(allow_null=True)  # type: ignore[assignment]
    enabled = serializers.BooleanField()
    hosts = HostLoadSerializer()
    storage = PoolLoadSerializer()
    machines_by_state = serializers.DictField(child=serializers.IntegerField())
    overhead_mib = serializers.IntegerField()


class CapacityView(APIView):
    @extend_schema(
        summary="What the cloud, or a part of it, has, promised and has left",
        parameters=[
            OpenApiParameter(name, {"type": "string", "format": "uuid"}, description=f"Only this {name}.")
            for name in WITHIN
        ],
        responses={200: PlaceSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        policy.require_somewhere(actor, "capacity.read")
        refuse_unknown(request, set(WITHIN))
        asked = [(name, text) for name, text in request.query_params.items() if text]
        if len(asked) > 1:
            raise MalformedRequest("one_place", place=asked[1][0])
        within: Any = None
        for name, text in asked:
            within = policy.find(actor, WITHIN[name]._default_manager.all(), text, place=name)
        return Response(list(_flat(capacity_of(actor, within), None)))


class RecountInput(StrictSerializer):
    """Without `zone` everything is counted, the quotas too. `fix` writes what the rows say."""

    zone = Id(allow_null=True, default=None)
    fix = Truth(default=False)


class DriftSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(("host", "pool", "template_copy", "quota", "address"))
    uuid = serializers.UUIDField()
    name = serializers.CharField()
    counter = serializers.CharField()
    recorded = serializers.IntegerField()
    actual = serializers.IntegerField()


class RecountView(APIView):
    @extend_schema(
        summary="Compare every count with the rows that it stands for",
        request=RecountInput,
        responses={200: DriftSerializer(many=True)},
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        policy.require_somewhere(actor, "capacity.recount")
        refuse_unknown(request, set())
        form = RecountInput(data=request.data)
        form.is_valid(raise_exception=True)
        zone = form.validated_data["zone"]
        if zone is not None:
            zone = policy.find(actor, Zone.objects.all(), zone, place="zone")
        drifts = recount_counters(actor, zone=zone, fix=form.validated_data["fix"])
        return Response([asdict(drift) for drift in drifts])


def _flat(place: Place, parent: UUID | None) -> Any:
    row = place.row
    yield {
        "kind": place.kind,
        "id": row and row.uuid,
        "name": row.name if row else "",
        "parent": parent,
        "enabled": getattr(row, "enabled", True),
        "hosts": asdict(place.hosts),
        "storage": asdict(place.storage),
        "machines_by_state": place.machines_by_state,
        "overhead_mib": place.overhead_mib,
    }
    for child in place.children:
        yield from _flat(child, row and row.uuid)
