"""Service offerings and SSH keys over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.rest import NAME_ORDERS, Reference, ResourceViewSet
from apps.compute.models import ServiceOffering, SshKeyPair
from apps.compute.services import offerings
from apps.core.fields import Id, Text, Whole
from apps.core.filters import ByFlag, ById, Search
from apps.core.rest import StrictSerializer
from apps.zones.api import ChangedViewSet


class ServiceOfferingSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    vcpus = serializers.IntegerField()
    memory_mib = serializers.IntegerField()
    root_disk_gib = serializers.IntegerField(help_text="0: as large as the template.")
    enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ServiceOfferingInput(StrictSerializer):
    name = Text()
    vcpus = Whole(low=1, high=1024)
    memory_mib = Whole(low=64, high=16 * 1024 * 1024)
    root_disk_gib = Whole(low=0, high=65536, default=0)


class ServiceOfferingPatch(StrictSerializer):
    """Sizes stay: they are those of the machines that were made from it."""

    name = Text(required=False)


@extend_schema_view(
    list=extend_schema(summary="List service offerings"),
    retrieve=extend_schema(summary="One service offering"),
)
class ServiceOfferingViewSet(ChangedViewSet):
    queryset = ServiceOffering.objects.all()
    serializer_class = ServiceOfferingSerializer
    orders = {**NAME_ORDERS, "vcpus": "vcpus", "memory_mib": "memory_mib"}
    filters = {"q": Search(), "enabled": ByFlag("enabled")}

    @extend_schema(
        summary="Create a service offering",
        request=ServiceOfferingInput,
        responses={201: ServiceOfferingSerializer},
    )
    def create(self, request: Request) -> Response:
        given = self.read(ServiceOfferingInput)
        return self.once(lambda: self.created(offerings.create_service_offering(self.actor, **given)))

    @extend_schema(
        summary="Rename a service offering",
        request=ServiceOfferingPatch,
        responses={200: ServiceOfferingSerializer},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.change(ServiceOfferingPatch, offerings.change_service_offering)

    @extend_schema(summary="Offer the size again", request=None)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(
            lambda: self.changed(offerings.enable_service_offering(self.actor, self.get_object()))
        )

    @extend_schema(summary="Offer the size no longer; machines that have it keep it", request=None)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(
            lambda: self.changed(offerings.disable_service_offering(self.actor, self.get_object()))
        )

    @extend_schema(summary="Remove a service offering that no machine has", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(offerings.remove_service_offering)


class SshKeySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    account = Reference()
    public_key = serializers.CharField()
    fingerprint = serializers.CharField()
    created_at = serializers.DateTimeField()


class SshKeyInput(StrictSerializer):
    """Only the key's type and body are kept. Without `account` it belongs to your only one."""

    name = Text()
    public_key = Text()
    account = Id(allow_null=True, default=None)


@extend_schema_view(
    list=extend_schema(summary="List SSH keys"), retrieve=extend_schema(summary="One SSH key")
)
class SshKeyViewSet(ResourceViewSet):
    queryset = SshKeyPair.objects.select_related("account")
    serializer_class = SshKeySerializer
    filters = {"q": Search(), "account": ById("account__uuid")}

    @extend_schema(summary="Store an SSH key", request=SshKeyInput, responses={201: SshKeySerializer})
    def create(self, request: Request) -> Response:
        given = self.read(SshKeyInput)
        given["account"] = self.own_account(given["account"])
        return self.once(lambda: self.created(offerings.create_ssh_key(self.actor, **given)))

    @extend_schema(summary="Forget an SSH key", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(offerings.delete_ssh_key)
