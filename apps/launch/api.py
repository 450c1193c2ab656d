"""Zones as documents over REST: what one would do, doing it, and the document of a zone that is there."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.rest import Reference, ResourceViewSet
from apps.core.fields import Text
from apps.core.rest import StrictSerializer
from apps.launch.apply import apply_document
from apps.launch.export import export_zone
from apps.launch.findings import Level
from apps.launch.plan import Action, plan_document
from apps.launch.told import KINDS, told_plan
from apps.launch.yaml_tree import MAX_BYTES
from apps.zones.models import Zone

ACTIONS = [(str(one), str(one)) for one in (Action.CREATE, Action.CHANGE)]
LEVELS = [(str(one), str(one)) for one in Level]


class DocumentInput(StrictSerializer):
    document = serializers.CharField(trim_whitespace=False, max_length=MAX_BYTES, allow_blank=True)


class ApplyInput(DocumentInput):
    """With `digest`, that of a plan, only exactly that plan is applied. Without `private_key` the portal's
    own key logs in to new hosts."""

    digest = Text(default="")
    private_key = Text(default="", write_only=True)


class DifferenceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class ChangeSerializer(serializers.Serializer[Any]):
    action = serializers.ChoiceField(ACTIONS)
    kind = serializers.ChoiceField(list(KINDS.items()))
    name = serializers.CharField()
    within = serializers.CharField()
    place = serializers.CharField()
    line = serializers.IntegerField()
    differences = DifferenceSerializer(many=True)


class FindingSerializer(serializers.Serializer[Any]):
    """`refused` keeps the document from being applied, `warning` does not, `ignored` is left out."""

    level = serializers.ChoiceField(LEVELS)
    place = serializers.CharField()
    line = serializers.IntegerField()
    code = serializers.CharField()
    reason = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField()


class PlanSerializer(serializers.Serializer[Any]):
    applicable = serializers.BooleanField()
    digest = serializers.CharField()
    changes = ChangeSerializer(many=True)
    kept = serializers.IntegerField()
    findings = FindingSerializer(many=True)


class AppliedSerializer(PlanSerializer):
    zone = Reference()


class ZoneDocumentSerializer(serializers.Serializer[Any]):
    zone = Reference()
    document = serializers.CharField()


@extend_schema_view(list=extend_schema(summary="Zones that have a document", responses=Reference(many=True)))
class ZoneDocumentViewSet(ResourceViewSet):
    """The operator's: the documents of zones. Its id is the zone's."""

    queryset = Zone.objects.select_related("region")
    serializer_class = Reference
    infrastructure = "zone.export"

    @extend_schema(summary="A zone's document (YAML)", responses=ZoneDocumentSerializer)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002
        zone = self.get_object()
        told = {"zone": zone, "document": export_zone(self.actor, zone)}
        return Response(ZoneDocumentSerializer(told).data)

    @extend_schema(
        summary="What applying a document would do", request=DocumentInput, responses={200: PlanSerializer}
    )
    @action(detail=False, methods=["post"])
    def plan(self, request: Request) -> Response:
        given = self.read(DocumentInput)
        return Response(told_plan(plan_document(self.actor, given["document"])))

    @extend_schema(
        summary="Apply a document: all of it or nothing",
        request=ApplyInput,
        responses={200: AppliedSerializer},
    )
    @action(detail=False, methods=["post"])
    def apply(self, request: Request) -> Response:
        given = self.read(ApplyInput)

        def act() -> Response:
            done = apply_document(
                self.actor, given["document"], seen=given["digest"], private_key=given["private_key"]
            )
            return Response({"zone": dict(Reference(done.zone).data), **told_plan(done.plan)})

        return self.once(act)
