"""Regions, zones, clusters and hosts over REST. Pods come with their networks (`apps.network.api`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.rest import NAME_ORDERS, Reference, ResourceViewSet
from apps.core.errors import InvalidInput
from apps.core.fields import Choice, Id, Text, Whole
from apps.core.filters import ByChoice, ByFlag, ById, Search
from apps.core.messages import host_trouble
from apps.core.rest import StrictSerializer
from apps.jobs.rest import JobbedViewSet, WithJob
from apps.zones import services
from apps.zones.keys import fingerprint
from apps.zones.models import Cluster, Host, HostState, Pod, Region, Zone
from apps.zones.trouble import in_trouble, troubles_of


class ChangedViewSet(ResourceViewSet):
    """What can be changed after it was made."""

    def change(self, shape: type[StrictSerializer], act: Callable[..., Any]) -> Response:
        """Change what the request names, by `act(actor, row, **given)`."""
        row = self.get_object()
        given = self.read(shape)
        if not given:
            raise InvalidInput("nothing_to_change", place="")
        return self.once(lambda: self.changed(act(self.actor, row, **given)))


class RegionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    created_at = serializers.DateTimeField()


class RegionInput(StrictSerializer):
    name = Text()


class RegionPatch(StrictSerializer):
    name = Text(required=False)


@extend_schema_view(list=extend_schema(summary="List regions"), retrieve=extend_schema(summary="One region"))
class RegionViewSet(ChangedViewSet):
    queryset = Region.objects.all()
    serializer_class = RegionSerializer
    filters = {"q": Search()}

    @extend_schema(summary="Create a region", request=RegionInput, responses={201: RegionSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(RegionInput)
        return self.once(lambda: self.created(services.create_region(self.actor, **given)))

    @extend_schema(summary="Rename a region", request=RegionPatch, responses={200: RegionSerializer})
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.change(RegionPatch, services.change_region)

    @extend_schema(summary="Remove an empty region", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(services.remove_region)


class SwitchedViewSet(ChangedViewSet):
    """A part of the cloud that can be disabled: nothing new is placed there until it is enabled."""

    @extend_schema(summary="Let new machines be placed here", request=None)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(services.enable(self.actor, self.get_object())))

    @extend_schema(summary="Place no new machine here; what runs, runs on", request=None)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(services.disable(self.actor, self.get_object())))


class ZoneSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    region = Reference()
    network_type = serializers.ChoiceField(Zone.NetworkType.choices)
    dns = serializers.ListField(child=serializers.IPAddressField())
    internal_dns = serializers.ListField(child=serializers.IPAddressField())
    enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ZoneInput(StrictSerializer):
    """`dns` are the name servers that guests ask, `internal_dns` those of the portal's own system."""

    region = Id()
    name = Text()
    network_type = Choice(Zone.NetworkType.choices, default=Zone.NetworkType.BASIC)
    dns = serializers.ListField(child=Text(), default=list, max_length=services.MAX_DNS)
    internal_dns = serializers.ListField(child=Text(), default=list, max_length=services.MAX_DNS)


class ZonePatch(StrictSerializer):
    name = Text(required=False)
    dns = serializers.ListField(child=Text(), required=False, max_length=services.MAX_DNS)
    internal_dns = serializers.ListField(child=Text(), required=False, max_length=services.MAX_DNS)


@extend_schema_view(list=extend_schema(summary="List zones"), retrieve=extend_schema(summary="One zone"))
class ZoneViewSet(SwitchedViewSet):
    queryset = Zone.objects.select_related("region")
    serializer_class = ZoneSerializer
    filters = {"q": Search(), "region": ById("region__uuid"), "enabled": ByFlag("enabled")}

    @extend_schema(summary="Create a zone", request=ZoneInput, responses={201: ZoneSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(ZoneInput)
        given["region"] = self.find(Region, given["region"], "region")
        return self.once(lambda: self.created(services.create_zone(self.actor, **given)))

    @extend_schema(
        summary="Change a zone's name or name servers", request=ZonePatch, responses={200: ZoneSerializer}
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.change(ZonePatch, services.change_zone)

    @extend_schema(summary="Remove an empty zone", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(services.remove_zone)


class ClusterSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    zone = Reference(source="pod.zone")
    pod = Reference()
    hypervisor = serializers.ChoiceField(Cluster.Hypervisor.choices)
    arch = serializers.CharField()
    cpu_overcommit_percent = serializers.IntegerField()
    memory_overcommit_percent = serializers.IntegerField()
    enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ClusterInput(StrictSerializer):
    pod = Id()
    name = Text()
    hypervisor = Choice(Cluster.Hypervisor.choices, default=Cluster.Hypervisor.KVM)
    arch = Text(default="x86_64")
    cpu_overcommit_percent = Whole(low=100, high=5000, default=200)
    memory_overcommit_percent = Whole(low=100, high=1000, default=100)


class ClusterPatch(StrictSerializer):
    name = Text(required=False)
    cpu_overcommit_percent = Whole(low=100, high=5000, required=False)
    memory_overcommit_percent = Whole(low=100, high=1000, required=False)


@extend_schema_view(
    list=extend_schema(summary="List clusters"), retrieve=extend_schema(summary="One cluster")
)
class ClusterViewSet(SwitchedViewSet):
    queryset = Cluster.objects.select_related("pod__zone")
    serializer_class = ClusterSerializer
    infrastructure = "cluster.read"
    filters = {
        "q": Search(),
        "zone": ById("pod__zone__uuid"),
        "pod": ById("pod__uuid"),
        "enabled": ByFlag("enabled"),
    }

    @extend_schema(summary="Create a cluster", request=ClusterInput, responses={201: ClusterSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(ClusterInput)
        given["pod"] = self.find(Pod, given["pod"], "pod")
        return self.once(lambda: self.created(services.create_cluster(self.actor, **given)))

    @extend_schema(
        summary="Change a cluster's name or overcommit",
        request=ClusterPatch,
        responses={200: ClusterSerializer},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.change(ClusterPatch, services.change_cluster)

    @extend_schema(summary="Remove an empty cluster", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(services.remove_cluster)


class TroubleSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField()


class InTrouble:
    """Hosts that need an eye, or none of them."""

    def condition(self, name: str, text: str) -> Q:
        if text not in {"true", "false"}:
            raise InvalidInput("not_a_boolean", place=name)
        return in_trouble() if text == "true" else ~in_trouble()

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class HostSerializer(WithJob):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    zone = Reference()
    pod = Reference()
    cluster = Reference()
    driver = serializers.ChoiceField(Host.Driver.choices)
    address = serializers.CharField()
    port = serializers.IntegerField()
    username = serializers.CharField()
    has_private_key = serializers.SerializerMethodField()
    host_key = serializers.CharField()
    shown_key = serializers.CharField()
    shown_fingerprint = serializers.SerializerMethodField()
    uri = serializers.CharField()
    extra = serializers.DictField(child=serializers.CharField())
    state = serializers.ChoiceField(HostState.choices)
    state_reason = serializers.CharField()
    enabled = serializers.BooleanField()
    last_seen_at = serializers.DateTimeField(allow_null=True)
    cpu_model = serializers.CharField()
    cpu_cores = serializers.IntegerField()
    cpu_mhz = serializers.IntegerField()
    memory_mib = serializers.IntegerField()
    hypervisor_version = serializers.CharField()
    accelerator = serializers.CharField()
    capacity_vcpus = serializers.IntegerField()
    capacity_memory_mib = serializers.IntegerField()
    allocated_vcpus = serializers.IntegerField()
    allocated_memory_mib = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    troubles = serializers.SerializerMethodField()

    @extend_schema_field(TroubleSerializer(many=True))
    def get_troubles(self, host: Host) -> list[dict[str, Any]]:
        return [{"code": code, **asdict(host_trouble(code))} for code in troubles_of(host)]

    def get_has_private_key(self, host: Host) -> bool:
        return bool(host.private_key)

    def get_shown_fingerprint(self, host: Host) -> str:
        return fingerprint(host.shown_key) if host.shown_key else ""


class HostInput(StrictSerializer):
    """Without an address it is the machine that the workers run on. Without `private_key` the portal's
    own key is used; without `host_key` the host's is read, and has to be trusted before it is used."""

    cluster = Id()
    name = Text()
    address = Text(default="")
    port = Whole(low=1, high=65535, default=22)
    username = Text(default="root")
    private_key = Text(default="", write_only=True)
    host_key = Text(default="")
    driver = Choice(Host.Driver.choices, default=Host.Driver.LIBVIRT)
    uri = Text(default="qemu:///system")
    extra = serializers.DictField(child=Text(), default=dict)


class HostPatch(StrictSerializer):
    """What changes how the host is reached connects it anew. An empty `private_key` means the portal's
    own; an empty `host_key` that it is to be read and trusted anew."""

    name = Text(required=False)
    address = Text(required=False)
    port = Whole(low=1, high=65535, required=False)
    username = Text(required=False)
    private_key = Text(required=False, write_only=True)
    host_key = Text(required=False)
    uri = Text(required=False)


class HostKeyInput(StrictSerializer):
    """`key` is the `shown_key` that was looked at."""

    key = Text()


@extend_schema_view(list=extend_schema(summary="List hosts"), retrieve=extend_schema(summary="One host"))
class HostViewSet(JobbedViewSet, SwitchedViewSet):
    queryset = Host.objects.select_related("zone", "pod", "cluster")
    serializer_class = HostSerializer
    infrastructure = "host.read"
    orders = {**NAME_ORDERS, "state": "state", "memory_mib": "memory_mib"}
    filters = {
        "q": Search(),
        "zone": ById("zone__uuid"),
        "pod": ById("pod__uuid"),
        "cluster": ById("cluster__uuid"),
        "state": ByChoice("state", tuple(HostState.values)),
        "enabled": ByFlag("enabled"),
        "trouble": InTrouble(),
    }

    @extend_schema(summary="Add a host and connect it", request=HostInput, responses={202: HostSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(HostInput)
        given["cluster"] = self.find(Cluster, given["cluster"], "cluster", "pod")
        return self.once(lambda: self.accepted(*services.add_host(self.actor, **given)))

    @extend_schema(
        summary="Change a host's name or how it is reached",
        request=HostPatch,
        responses={200: HostSerializer},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        def act(*given: Any, **changes: Any) -> Host:
            return services.change_host(*given, **changes)[0]

        return self.change(HostPatch, act)

    @extend_schema(
        summary="Trust the key that the host shows", request=HostKeyInput, responses={202: HostSerializer}
    )
    @action(detail=True, methods=["post"], url_path="trust-key")
    def trust_key(self, request: Request, id: str) -> Response:  # noqa: A002
        host, given = self.get_object(), self.read(HostKeyInput)
        return self.once(lambda: self.accepted(*services.trust_host_key(self.actor, host, **given)))

    @extend_schema(summary="Remove a host that holds nothing", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(services.remove_host)

    @extend_schema(summary="Reach the host anew", request=None, responses={202: HostSerializer})
    @action(detail=True, methods=["post"])
    def reconnect(self, request: Request, id: str) -> Response:  # noqa: A002
        def act() -> Response:
            host = self.get_object()
            return self.accepted(host, services.reconnect_host(self.actor, host))

        return self.once(act)
