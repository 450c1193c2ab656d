"""Primary and secondary storages, templates and volumes over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadhandler import StopFutureHandlers, TemporaryFileUploadHandler
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import policy
from apps.accounts.rest import NAME_ORDERS, Reference, ResourceViewSet
from apps.core.errors import InvalidInput, MalformedRequest, RequestTooLarge
from apps.core.fields import Choice, Id, Text, Truth, Whole
from apps.core.filters import ByChoice, ByFlag, ById, Search
from apps.core.rest import StrictSerializer, UploadParser
from apps.jobs.models import Job
from apps.jobs.rest import JobbedViewSet, StoredError, WithJob
from apps.storage import services, services_templates
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template, Volume
from apps.storage.mounts import DRIVERS
from apps.zones.api import ChangedViewSet
from apps.zones.models import Cluster, Host, Zone


class PrimaryStorageSerializer(WithJob):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    zone = Reference()
    scope = serializers.ChoiceField(PrimaryStorage.Scope.choices)
    cluster = Reference(allow_null=True)
    host = Reference(allow_null=True)
    driver = serializers.CharField()
    server = serializers.CharField()
    path = serializers.CharField()
    settings = serializers.DictField(child=serializers.CharField())
    enabled = serializers.BooleanField()
    capacity_bytes = serializers.IntegerField()
    used_bytes = serializers.IntegerField()
    overprovision_percent = serializers.IntegerField()
    promised_bytes = serializers.IntegerField()
    allocated_bytes = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class PrimaryStorageInput(StrictSerializer):
    """`cluster` with the scope "cluster", `host` with the scope "host", neither with "zone". With the
    drivers "nfs" and "gluster" `path` is what `server` exports, and each host mounts it."""

    zone = Id()
    scope = Choice(PrimaryStorage.Scope.choices)
    cluster = Id(allow_null=True, default=None)
    host = Id(allow_null=True, default=None)
    name = Text()
    path = Text()
    driver = Choice([(name, name) for name in DRIVERS], default="directory")
    server = Text(default="")
    settings = serializers.DictField(child=Text(), default=dict)
    overprovision_percent = Whole(low=100, high=1000, default=200)


class PrimaryStoragePatch(StrictSerializer):
    """Server, path and settings change only while the pool holds nothing."""

    name = Text(required=False)
    server = Text(required=False)
    path = Text(required=False)
    settings = serializers.DictField(child=Text(), required=False)
    overprovision_percent = Whole(low=100, high=1000, required=False)


class StorageViewSet(JobbedViewSet, ChangedViewSet):
    def answered(self, row: Any, job: Job | None) -> Response:
        """202 with the job that looks at it anew, if there is one."""
        return self.accepted(row, job) if job else self.changed(row)

    def change_place(self, shape: type[StrictSerializer], act: Callable[..., Any]) -> Response:
        row, given = self.get_object(), self.read(shape)
        if not given:
            raise InvalidInput("nothing_to_change", place="")
        return self.once(lambda: self.answered(*act(self.actor, row, **given)))

    @extend_schema(summary="Let new data be put here", request=None)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(services.enable_storage(self.actor, self.get_object())))

    @extend_schema(summary="Put nothing new here; what is here stays in use", request=None)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(services.disable_storage(self.actor, self.get_object())))


@extend_schema_view(
    list=extend_schema(summary="List primary storages"), retrieve=extend_schema(summary="One primary storage")
)
class PrimaryStorageViewSet(StorageViewSet):
    queryset = PrimaryStorage.objects.select_related("zone", "cluster", "host")
    serializer_class = PrimaryStorageSerializer
    infrastructure = "primary_storage.read"
    orders = {**NAME_ORDERS, "allocated_bytes": "allocated_bytes"}
    filters = {
        "q": Search(),
        "zone": ById("zone__uuid"),
        "cluster": ById("cluster__uuid"),
        "host": ById("host__uuid"),
        "scope": ByChoice("scope", tuple(PrimaryStorage.Scope.values)),
        "enabled": ByFlag("enabled"),
    }

    @extend_schema(
        summary="Create a primary storage",
        description="202 with the job that reads its size; 201 while no host that reaches it is up.",
        request=PrimaryStorageInput,
        responses={201: PrimaryStorageSerializer, 202: PrimaryStorageSerializer},
    )
    def create(self, request: Request) -> Response:
        given = self.read(PrimaryStorageInput)
        given["zone"] = self.find(Zone, given["zone"], "zone")
        if given["cluster"]:
            given["cluster"] = self.find(Cluster, given["cluster"], "cluster", "pod")
        if given["host"]:
            given["host"] = self.find(Host, given["host"], "host")
        return self.once(lambda: self._created(*services.create_primary_storage(self.actor, **given)))

    def _created(self, pool: PrimaryStorage, job: Any) -> Response:
        return self.accepted(pool, job) if job else self.created(pool)

    @extend_schema(
        summary="Read the pool's size again",
        request=None,
        responses={200: PrimaryStorageSerializer, 202: PrimaryStorageSerializer},
    )
    @action(detail=True, methods=["post"])
    def reconnect(self, request: Request, id: str) -> Response:  # noqa: A002

        def act() -> Response:
            pool = self.get_object()
            return self.answered(pool, services.reconnect_primary_storage(self.actor, pool))

        return self.once(act)

    @extend_schema(
        summary="Change a pool's name, place or overprovisioning",
        request=PrimaryStoragePatch,
        responses={200: PrimaryStorageSerializer, 202: PrimaryStorageSerializer},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.change_place(PrimaryStoragePatch, services.change_primary_storage)

    @extend_schema(summary="Remove a pool that holds nothing", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(services.remove_primary_storage)


class SecondaryStorageSerializer(WithJob):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    zone = Reference()
    driver = serializers.CharField()
    server = serializers.CharField()
    path = serializers.CharField()
    enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class SecondaryStorageInput(StrictSerializer):
    """With the drivers "nfs" and "gluster" `path` is what `server` exports."""

    zone = Id()
    name = Text()
    path = Text()
    driver = Choice([(name, name) for name in DRIVERS], default="directory")
    server = Text(default="")


class SecondaryStoragePatch(StrictSerializer):
    """Server and path change only while it holds no template."""

    name = Text(required=False)
    server = Text(required=False)
    path = Text(required=False)


@extend_schema_view(
    list=extend_schema(summary="List secondary storages"),
    retrieve=extend_schema(summary="One secondary storage"),
)
class SecondaryStorageViewSet(StorageViewSet):
    queryset = SecondaryStorage.objects.select_related("zone")
    serializer_class = SecondaryStorageSerializer
    infrastructure = "secondary_storage.read"
    filters = {"q": Search(), "zone": ById("zone__uuid"), "enabled": ByFlag("enabled")}

    @extend_schema(
        summary="Create a secondary storage and see whether it can be written",
        request=SecondaryStorageInput,
        responses={202: SecondaryStorageSerializer},
    )
    def create(self, request: Request) -> Response:
        given = self.read(SecondaryStorageInput)
        given["zone"] = self.find(Zone, given["zone"], "zone")
        return self.once(lambda: self.accepted(*services.create_secondary_storage(self.actor, **given)))

    @extend_schema(
        summary="Change a secondary storage's name or place",
        request=SecondaryStoragePatch,
        responses={200: SecondaryStorageSerializer, 202: SecondaryStorageSerializer},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.change_place(SecondaryStoragePatch, services.change_secondary_storage)

    @extend_schema(
        summary="See again whether it can be written",
        request=None,
        responses={202: SecondaryStorageSerializer},
    )
    @action(detail=True, methods=["post"])
    def reconnect(self, request: Request, id: str) -> Response:  # noqa: A002
        def act() -> Response:
            storage = self.get_object()
            return self.accepted(storage, services.reconnect_secondary_storage(self.actor, storage))

        return self.once(act)

    @extend_schema(summary="Remove a secondary storage without templates", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(services.remove_secondary_storage)


class TemplateSerializer(WithJob):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    account = Reference()
    zone = Reference(source="secondary_storage.zone")
    is_public = serializers.BooleanField()
    description = serializers.CharField()
    arch = serializers.CharField()
    state = serializers.ChoiceField(Template.State.choices)
    error = StoredError(allow_null=True)
    size_bytes = serializers.IntegerField()
    virtual_size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    min_memory_mib = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class TemplateInput(StrictSerializer):
    """A qcow2 image with its description. Without `account` it belongs to your only one."""

    name = Text()
    zone = Id()
    file = serializers.FileField(allow_empty_file=True, max_length=255)
    account = Id(allow_null=True, default=None)
    description = Text(default="")
    is_public = Truth(default=False)
    arch = Text(default="x86_64")
    min_memory_mib = Whole(low=0, high=16 * 1024 * 1024, default=0)


class TemplatePatch(StrictSerializer):
    name = Text(required=False)
    description = Text(required=False)
    is_public = Truth(required=False)
    min_memory_mib = Whole(low=0, high=16 * 1024 * 1024, required=False)


class CappedUpload(TemporaryFileUploadHandler):
    """Uploads go to disk as they come, and no further than the largest template."""

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        self.opened: list[IO[Any]] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        self.received = 0
        super().new_file(*args, **kwargs)
        self.opened.append(self.file)
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > settings.TEMPLATE_MAX_BYTES:
            raise RequestTooLarge(place="file", limit=settings.TEMPLATE_MAX_BYTES)
        super().receive_data_chunk(raw_data, start)


@extend_schema_view(
    list=extend_schema(summary="List templates"), retrieve=extend_schema(summary="One template")
)
class TemplateViewSet(JobbedViewSet, ChangedViewSet):
    queryset = Template.objects.select_related("account", "secondary_storage__zone")
    serializer_class = TemplateSerializer
    orders = {**NAME_ORDERS, "state": "state", "size_bytes": "size_bytes"}
    filters = {
        "q": Search(),
        "zone": ById("secondary_storage__zone__uuid"),
        "account": ById("account__uuid"),
        "state": ByChoice("state", tuple(Template.State.values)),
        "public": ByFlag("is_public"),
    }

    handler: CappedUpload | None = None

    def get_parsers(self) -> list[Any]:
        if self.request is not None and self.request.method == "POST":
            return [UploadParser()]
        return super().get_parsers()

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        if request.method == "POST":
            self.handler = CappedUpload(request)
            request.upload_handlers = [self.handler]
        return super().initialize_request(request, *args, **kwargs)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """What was received is removed with the answer, also of a request that could not be read."""
        for file in self.handler.opened if self.handler else ():
            file.close()
        return super().finalize_response(request, response, *args, **kwargs)

    @extend_schema(
        summary="Register a template from a file",
        request={"multipart/form-data": TemplateInput},
        responses={202: TemplateSerializer},
    )
    def create(self, request: Request) -> Response:
        policy.require_somewhere(self.actor, "template.register")  # nothing was read for those who may not
        if "file" not in request.data:
            raise MalformedRequest("no_file", place="file")
        given = self.read(TemplateInput)
        upload, zone = given.pop("file"), self.find(Zone, given.pop("zone"), "zone")
        given["account"] = self.own_account(given["account"])
        given["secondary_storage"] = services_templates.storage_of(zone)
        template = services_templates.new_template(self.actor, **given)
        with services_templates.staged_upload(template, upload):
            return self.once(
                lambda: self.accepted(*services_templates.register_template(self.actor, template=template))
            )

    @extend_schema(
        summary="Change a template's name, description, use or needs",
        request=TemplatePatch,
        responses={200: TemplateSerializer},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.change(TemplatePatch, services_templates.change_template)

    @extend_schema(summary="Delete a template", responses={202: TemplateSerializer})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        def act() -> Response:
            template = self.get_object()
            return self.accepted(template, services_templates.delete_template(self.actor, template))

        return self.once(act)


class VolumeSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    account = Reference()
    zone = Reference()
    template = Reference(allow_null=True)
    size_bytes = serializers.IntegerField()
    is_allocated = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_is_allocated(self, volume: Volume) -> bool:
        return volume.pool_id is not None


@extend_schema_view(list=extend_schema(summary="List volumes"), retrieve=extend_schema(summary="One volume"))
class VolumeViewSet(ResourceViewSet):
    queryset = Volume.objects.select_related("account", "zone", "template")
    serializer_class = VolumeSerializer
    orders = {**NAME_ORDERS, "size_bytes": "size_bytes"}
    filters = {
        "q": Search(),
        "zone": ById("zone__uuid"),
        "account": ById("account__uuid"),
        "virtual_machine": ById("attachment__vm__uuid"),
    }
