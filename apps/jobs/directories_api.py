"""Campus directories over REST. They stand here since testing one is a job."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import policy
from apps.accounts.directory import checks, runs, services
from apps.accounts.mapping_api import FollowPatch, FollowSerializer
from apps.accounts.models import Directory
from apps.core.errors import InvalidInput
from apps.core.fields import Choice, Text, Whole
from apps.core.filters import ByChoice, ByFlag, Search
from apps.core.messages import explain
from apps.core.rest import StrictSerializer
from apps.jobs.rest import JobbedViewSet, WithJob


class TriedStep(serializers.Serializer[Any]):
    step = serializers.CharField()
    ok = serializers.BooleanField()
    ms = serializers.IntegerField()


class TriedServer(serializers.Serializer[Any]):
    server = serializers.CharField()
    ok = serializers.BooleanField()
    steps = TriedStep(many=True)
    reason = serializers.CharField(required=False)
    technical = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)
    remedy = serializers.CharField(required=False)


class TestResult(serializers.Serializer[Any]):
    """What the last test found: of each server the steps that it came through, and why it failed."""

    __test__ = False

    ok = serializers.BooleanField()
    servers = TriedServer(many=True)
    people = serializers.IntegerField(required=False)
    groups = serializers.IntegerField(required=False)
    more = serializers.BooleanField(required=False)


@extend_schema_field(TestResult(allow_null=True))
class StoredTest(serializers.JSONField):
    """A stored test with its words in the reader's language."""

    def to_representation(self, value: Any) -> Any:
        if not value:
            return None
        return {**value, "servers": [_told(server) for server in value["servers"]]}


def _told(server: dict[str, Any]) -> dict[str, Any]:
    if "reason" not in server:
        return server
    words = explain("directory_unavailable", {"reason": server["reason"]})
    return {**server, "detail": words.detail, "remedy": words.remedy}


def _texts(most: int, **options: Any) -> serializers.ListField:
    return serializers.ListField(child=Text(), max_length=most, **options)


class DirectorySerializer(WithJob):
    """The bind password is never shown; `has_bind_password` says whether there is one."""

    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    kind = serializers.ChoiceField(Directory.Kind.choices)
    servers = serializers.ListField(child=serializers.CharField())
    ca_certificate = serializers.CharField()
    bind_dn = serializers.CharField()
    has_bind_password = serializers.SerializerMethodField()
    people_bases = serializers.ListField(child=serializers.CharField())
    people_filter = serializers.CharField()
    group_bases = serializers.ListField(child=serializers.CharField())
    group_filter = serializers.CharField()
    login_attributes = serializers.ListField(child=serializers.CharField())
    mail_attribute = serializers.CharField()
    full_name_attribute = serializers.CharField()
    group_name_attribute = serializers.CharField()
    stable_id_attribute = serializers.CharField()
    attributes = serializers.ListField(child=serializers.CharField())
    disabled_filter = serializers.CharField()
    deadline_seconds = serializers.IntegerField()
    page_size = serializers.IntegerField()
    enabled = serializers.BooleanField()
    tested_at = serializers.DateTimeField(allow_null=True)
    test = StoredTest(allow_null=True)
    created_at = serializers.DateTimeField()

    def get_has_bind_password(self, directory: Directory) -> bool:
        return bool(directory.bind_password)


class DirectoryPatch(StrictSerializer):
    """Whoever changes servers, certificate or bind DN gives the bind password again."""

    name = Text(required=False)
    servers = _texts(checks.MAX_SERVERS, required=False)
    ca_certificate = Text(required=False)
    bind_dn = Text(required=False)
    bind_password = Text(required=False)
    people_bases = _texts(checks.MAX_BASES, required=False)
    people_filter = Text(required=False)
    group_bases = _texts(checks.MAX_BASES, required=False)
    group_filter = Text(required=False)
    login_attributes = _texts(checks.MAX_ATTRIBUTES, required=False)
    mail_attribute = Text(required=False)
    full_name_attribute = Text(required=False)
    group_name_attribute = Text(required=False)
    stable_id_attribute = Text(required=False)
    attributes = _texts(checks.MAX_ATTRIBUTES, required=False)
    disabled_filter = Text(required=False)
    deadline_seconds = Whole(low=1, high=30, required=False)
    page_size = Whole(low=1, high=1000, required=False)


class DirectoryInput(DirectoryPatch):
    """What is not given is as usual for the kind."""

    kind = Choice(Directory.Kind.choices)
    name = Text()
    servers = _texts(checks.MAX_SERVERS)
    people_bases = _texts(checks.MAX_BASES)


@extend_schema_view(
    list=extend_schema(summary="List the directories that people log in through"),
    retrieve=extend_schema(summary="One directory, with what its last test found"),
)
class DirectoryViewSet(JobbedViewSet):
    queryset = Directory.objects.all()
    serializer_class = DirectorySerializer
    infrastructure = "directory.read"
    filters = {
        "q": Search(),
        "kind": ByChoice("kind", tuple(Directory.Kind.values)),
        "enabled": ByFlag("enabled"),
    }

    @extend_schema(summary="Add a directory", request=DirectoryInput, responses={201: DirectorySerializer})
    def create(self, request: Request) -> Response:
        given = self.read(DirectoryInput)
        return self.once(lambda: self.created(services.create_directory(self.actor, **given)))

    @extend_schema(summary="Change a directory", request=DirectoryPatch, responses={200: DirectorySerializer})
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        row = self.get_object()
        given = self.read(DirectoryPatch)
        if not given:
            raise InvalidInput("nothing_to_change", place="")
        return self.once(lambda: self.changed(services.change_directory(self.actor, row, **given)))

    @extend_schema(summary="Forget a directory that is disabled", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(services.remove_directory)

    @extend_schema(summary="Let its people log in again", request=None)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(services.enable_directory(self.actor, self.get_object())))

    @extend_schema(summary="Let nobody log in through it; the sessions of its people end", request=None)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(services.disable_directory(self.actor, self.get_object())))

    @extend_schema(
        summary="Test the connection, step by step", request=None, responses={202: DirectorySerializer}
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, id: str) -> Response:  # noqa: A002
        def act() -> Response:
            row = self.get_object()
            return self.accepted(row, services.test_directory(self.actor, row))

        return self.once(act)

    @extend_schema(summary="How a directory is followed", responses={200: FollowSerializer})
    @action(detail=True, methods=["get"])
    def sync(self, request: Request, id: str) -> Response:  # noqa: A002
        policy.require_somewhere(self.actor, "mapping.read")
        return Response(FollowSerializer(runs.sync_of(self.get_object())).data)

    @extend_schema(
        summary="Change how a directory is followed", request=FollowPatch, responses={200: FollowSerializer}
    )
    @sync.mapping.patch
    def change_sync(self, request: Request, id: str) -> Response:  # noqa: A002
        given = self.read(FollowPatch)
        row = self.get_object()
        return self.once(lambda: Response(FollowSerializer(runs.change_sync(self.actor, row, **given)).data))
