"""Stray machines over REST: what carries our tag on a host but has no live row here."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from apps.accounts.rest import Reference, ResourceViewSet
from apps.compute.models import StrayMachine
from apps.compute.states import PowerState
from apps.core.filters import ById


class StrayMachineSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    host = Reference()
    machine_id = serializers.UUIDField(source="machine_uuid")
    machine_name = serializers.CharField()
    power_state = serializers.ChoiceField(PowerState.choices)
    sightings = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField(source="created_at")
    last_seen_at = serializers.DateTimeField()


@extend_schema_view(
    list=extend_schema(summary="List stray machines"), retrieve=extend_schema(summary="One stray machine")
)
class StrayMachineViewSet(ResourceViewSet):
    queryset = StrayMachine.objects.select_related("host")
    serializer_class = StrayMachineSerializer
    infrastructure = "host.read"
    orders = {"created_at": "id", "last_seen_at": "last_seen_at"}
    default_order = "-created_at"
    filters = {"host": ById("host__uuid")}
