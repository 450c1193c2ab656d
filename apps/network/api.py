"""Pods and their guest networks over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.rest import Reference, ResourceViewSet
from apps.core.fields import Id, Text, Whole
from apps.core.filters import ByFlag, ById, Search
from apps.core.rest import StrictSerializer
from apps.network import services
from apps.network.models import IpAddress, Network
from apps.zones.api import SwitchedViewSet
from apps.zones.models import Pod, Zone


class PodSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    zone = Reference()
    cidr = serializers.CharField()
    gateway = serializers.IPAddressField()
    guest_start = serializers.IPAddressField()
    guest_end = serializers.IPAddressField()
    reserved_start = serializers.IPAddressField(allow_null=True)
    reserved_end = serializers.IPAddressField(allow_null=True)
    network = serializers.UUIDField(source="network.uuid", allow_null=True)
    bridge = serializers.CharField(source="network.bridge", allow_null=True)
    enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class PodInput(StrictSerializer):
    """A pod with its one flat guest network. Guests get addresses from `guest_start` to `guest_end`;
    those from `reserved_start` to `reserved_end` are the portal's own system's."""

    zone = Id()
    name = Text()
    cidr = Text()
    gateway = Text()
    guest_start = Text()
    guest_end = Text()
    reserved_start = Text(allow_null=True, default=None)
    reserved_end = Text(allow_null=True, default=None)
    bridge = Text()
    mtu = Whole(low=576, high=9216, default=1500)


class PodPatch(StrictSerializer):
    """The subnet stays. A guest range shrinks by addresses that nobody holds; null takes the reserved
    range away."""

    name = Text(required=False)
    gateway = Text(required=False)
    guest_start = Text(required=False)
    guest_end = Text(required=False)
    reserved_start = Text(allow_null=True, required=False)
    reserved_end = Text(allow_null=True, required=False)
    bridge = Text(required=False)
    mtu = Whole(low=576, high=9216, required=False)


@extend_schema_view(list=extend_schema(summary="List pods"), retrieve=extend_schema(summary="One pod"))
class PodViewSet(SwitchedViewSet):
    queryset = Pod.objects.select_related("zone", "network")
    serializer_class = PodSerializer
    infrastructure = "pod.read"
    filters = {"q": Search(), "zone": ById("zone__uuid"), "enabled": ByFlag("enabled")}

    @extend_schema(summary="Create a pod with its network", request=PodInput, responses={201: PodSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(PodInput)
        given["zone"] = self.find(Zone, given["zone"], "zone")
        return self.once(lambda: self.created(services.create_pod(self.actor, **given)))

    @extend_schema(
        summary="Change a pod's name, ranges or bridge", request=PodPatch, responses={200: PodSerializer}
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.change(PodPatch, services.change_pod)

    @extend_schema(summary="Remove an empty pod", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(services.remove_pod)


class NetworkSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    zone = Reference()
    pod = Reference()
    cidr = serializers.CharField()
    gateway = serializers.IPAddressField()
    dns = serializers.ListField(child=serializers.IPAddressField(), source="zone.dns")
    bridge = serializers.CharField()
    mtu = serializers.IntegerField()
    addresses = serializers.IntegerField(source="address_count")
    addresses_taken = serializers.IntegerField(source="taken_count")
    created_at = serializers.DateTimeField()


def _counted(**condition: Any) -> Coalesce:
    rows = IpAddress.objects.filter(network=OuterRef("pk"), **condition).order_by()
    return Coalesce(Subquery(rows.values("network").annotate(n=Count("pk")).values("n")), 0)


@extend_schema_view(
    list=extend_schema(summary="List networks"), retrieve=extend_schema(summary="One network")
)
class NetworkViewSet(ResourceViewSet):
    queryset = Network.objects.select_related("zone", "pod")
    serializer_class = NetworkSerializer
    infrastructure = "network.read"
    filters = {"q": Search(), "zone": ById("zone__uuid"), "pod": ById("pod__uuid")}

    def get_queryset(self) -> QuerySet[Network]:
        rows: QuerySet[Network] = super().get_queryset()
        return rows.annotate(address_count=_counted(), taken_count=_counted(holder__isnull=False))
