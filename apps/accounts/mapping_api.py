"""Mappings over REST: rules, runs, how a directory is followed, and what leavers left behind."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.directory import answering, leavers, mapping, runs
from apps.accounts.directory.differences import Differences, differences
from apps.accounts.directory.leaving import open_ones
from apps.accounts.models import (
    Account,
    Directory,
    DirectorySync,
    Domain,
    LeftBehind,
    MappingRule,
    Role,
    SyncChange,
    SyncRun,
    User,
)
from apps.accounts.projects_api import Limits
from apps.accounts.rest import Reference, ResourceViewSet
from apps.core.errors import InvalidInput
from apps.core.fields import Choice, Id, Text, Truth, Whole
from apps.core.filters import ByChoice, ById
from apps.core.rest import StrictSerializer

CHANGES_SHOWN = 1000
_ANSWER = "It stands as it is. Whoever says so holds all that it gives."
_REFERENCES: dict[str, Any] = {"directory": Directory, "account": Account, "domain": Domain, "role": Role}


class RuleSerializer(serializers.Serializer[Any]):
    """`match_value`: the stable id of a group, the DN of a base, or the value of the attribute
    `match_name`. `unanswered_at`: since when nobody answers for the rule."""

    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    directory = Reference()
    position = serializers.IntegerField()
    enabled = serializers.BooleanField()
    match = serializers.ChoiceField(MappingRule.Match.choices)
    match_name = serializers.CharField()
    match_value = serializers.CharField()
    gives = serializers.ChoiceField(MappingRule.Gives.choices)
    account = Reference(allow_null=True)
    domain = Reference(allow_null=True)
    template = serializers.CharField()
    role = Reference()
    scope = serializers.CharField()
    limits = serializers.DictField(child=serializers.IntegerField())
    ends_at = serializers.DateTimeField(allow_null=True)
    days_after_leaving = serializers.IntegerField()
    unanswered_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class RulePatch(StrictSerializer):
    """For a role of a group `domain` or `account` is where it is given; neither is the whole cloud."""

    name = Text(required=False)
    match = Choice(MappingRule.Match.choices, required=False)
    match_name = Text(required=False)
    match_value = Text(required=False)
    gives = Choice(MappingRule.Gives.choices, required=False)
    account = Id(required=False, allow_null=True)
    domain = Id(required=False, allow_null=True)
    template = Text(required=False)
    role = Id(required=False)
    limits = Limits(required=False)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    days_after_leaving = Whole(low=0, high=3650, required=False)
    enabled = Truth(required=False)


class OrderInput(StrictSerializer):
    """All rules of the directory: of two that give one account the first decides."""

    directory = Id()
    rules = serializers.ListField(child=Id(), max_length=mapping.MAX_RULES)


class OrderAnswer(serializers.Serializer[Any]):
    rules = RuleSerializer(many=True)


class RuleInput(RulePatch):
    directory = Id()
    name = Text()
    match = Choice(MappingRule.Match.choices)
    match_value = Text()
    gives = Choice(MappingRule.Gives.choices)
    role = Id()


@extend_schema_view(
    list=extend_schema(summary="List the rules of mappings"), retrieve=extend_schema(summary="One rule")
)
class MappingRuleViewSet(ResourceViewSet):
    queryset = MappingRule.objects.select_related("directory", "account", "domain", "role")
    serializer_class = RuleSerializer
    infrastructure = "mapping.read"
    filters = {"directory": ById("directory__uuid")}

    def _given(self, form: type[RulePatch]) -> dict[str, Any]:
        given = self.read(form)
        for place, model in _REFERENCES.items():
            if given.get(place):
                given[place] = self.find(model, given[place], place)
        if "limits" in given:
            given["limits"] = dict(given["limits"])
        if given.get("gives") == MappingRule.Gives.GRANT:
            given["place"] = given.pop("domain", None) or given.pop("account", None)
        return given

    @extend_schema(summary="Add a rule", request=RuleInput, responses={201: RuleSerializer})
    def create(self, request: Request) -> Response:
        given = self._given(RuleInput)
        directory = given.pop("directory")
        return self.once(lambda: self.created(mapping.add_rule(self.actor, directory, **given)))

    @extend_schema(summary="Change a rule", request=RulePatch, responses={200: RuleSerializer})
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        row = self.get_object()
        given = self._given(RulePatch)
        if not given:
            raise InvalidInput("nothing_to_change", place="")
        return self.once(lambda: self.changed(mapping.change_rule(self.actor, row, **given)))

    @extend_schema(
        summary="Put the rules of a directory in order", request=OrderInput, responses={200: OrderAnswer}
    )
    @action(detail=False, methods=["post"])
    def order(self, request: Request) -> Response:
        given = self.read(OrderInput)
        directory = self.find(Directory, given["directory"], "directory")

        def act() -> Response:
            rows = mapping.order_rules(self.actor, directory, rules=given["rules"])
            return Response(OrderAnswer({"rules": rows}).data)

        return self.once(act)

    @extend_schema(
        summary="Answer for a rule", request=None, responses={200: RuleSerializer}, description=_ANSWER
    )
    @action(detail=True, methods=["post"], url_path="answer-for")
    def answer_for(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(answering.answer_for(self.actor, self.get_object())))

    @extend_schema(summary="Remove a rule", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(mapping.remove_rule)


class SyncChangeSerializer(serializers.ModelSerializer[SyncChange]):
    """`changes`: of a membership each field with what it is and what it becomes; null is none."""

    changes = serializers.SerializerMethodField()

    class Meta:
        model = SyncChange
        fields = ("number", "kind", "name", "rule", "done", "changes")

    def get_changes(self, row: SyncChange) -> dict[str, list[Any]]:
        found: Differences = self.context["differences"][row.pk]
        return found


class SyncChangesSerializer(serializers.Serializer[Any]):
    changes = SyncChangeSerializer(many=True)


class RunSerializer(serializers.Serializer[Any]):
    """`digest` is what applying a preview takes; `held` says why the brake holds a run."""

    id = serializers.UUIDField(source="uuid")
    directory = Reference()
    kind = serializers.ChoiceField(SyncRun.Kind.choices)
    outcome = serializers.ChoiceField(SyncRun.Outcome.choices)
    digest = serializers.CharField()
    counts = serializers.DictField(child=serializers.IntegerField())
    held = serializers.ListField(child=serializers.DictField())
    seen = serializers.DictField(child=serializers.IntegerField())
    error = serializers.JSONField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class RunInput(StrictSerializer):
    directory = Id()
    kind = Choice(SyncRun.Kind.choices)


class ApplyPreviewInput(StrictSerializer):
    digest = Text()


@extend_schema_view(
    list=extend_schema(summary="List previews and runs of the sync"),
    retrieve=extend_schema(summary="One run"),
)
class SyncRunViewSet(ResourceViewSet):
    queryset = SyncRun.objects.select_related("directory")
    serializer_class = RunSerializer
    infrastructure = "mapping.read"
    orders = {"created_at": "id"}
    default_order = "created_at"
    filters = {
        "directory": ById("directory__uuid"),
        "outcome": ByChoice("outcome", tuple(SyncRun.Outcome.values)),
    }

    @extend_schema(summary="Begin a preview or a run", request=RunInput, responses={201: RunSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(RunInput)
        directory = self.find(Directory, given["directory"], "directory")
        act = runs.preview if given["kind"] == SyncRun.Kind.PREVIEW else runs.sync_now
        return self.once(lambda: self.created(act(self.actor, directory)))

    @extend_schema(summary="The first thousand changes of a run", responses={200: SyncChangesSerializer})
    @action(detail=True, methods=["get"])
    def changes(self, request: Request, id: str) -> Response:  # noqa: A002
        rows = list(self.get_object().changes.order_by("number")[:CHANGES_SHOWN])
        told = dict(zip((row.pk for row in rows), differences(rows), strict=True))
        return Response(SyncChangesSerializer({"changes": rows}, context={"differences": told}).data)

    @extend_schema(summary="Apply a preview", request=ApplyPreviewInput, responses={201: RunSerializer})
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, id: str) -> Response:  # noqa: A002
        seen = self.read(ApplyPreviewInput)["digest"]
        return self.once(lambda: self.created(runs.apply(self.actor, self.get_object(), seen=seen)))

    @extend_schema(summary="Release a held run", request=None, responses={201: RunSerializer})
    @action(detail=True, methods=["post"])
    def release(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.created(runs.release(self.actor, self.get_object())))

    @extend_schema(summary="Reject a held run", request=None, responses={200: RunSerializer})
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(runs.reject(self.actor, self.get_object())))


class FollowSerializer(serializers.Serializer[Any]):
    """`id` is the directory's. `rules_wait`: rules were changed since they were last applied."""

    id = serializers.UUIDField(source="directory.uuid")
    period_minutes = serializers.IntegerField()
    brake_percent = serializers.IntegerField()
    brake_least = serializers.IntegerField()
    leaver_grace_days = serializers.IntegerField()
    next_at = serializers.DateTimeField(allow_null=True)
    rules_wait = serializers.SerializerMethodField()

    def get_rules_wait(self, row: DirectorySync) -> bool:
        return runs.rules_wait(row.directory)


class FollowPatch(StrictSerializer):
    period_minutes = Whole(low=0, high=10_080, required=False)
    brake_percent = Whole(low=1, high=100, required=False)
    brake_least = Whole(low=1, high=10_000, required=False)
    leaver_grace_days = Whole(low=0, high=365, required=False)


class LeftSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    account = Reference()
    user = serializers.CharField(source="user.username")
    stops_at = serializers.DateTimeField()
    stopped_at = serializers.DateTimeField(allow_null=True)
    kept_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class HandOverInput(StrictSerializer):
    user = Id()


@extend_schema_view(
    list=extend_schema(summary="List the accounts that leavers left behind"),
    retrieve=extend_schema(summary="One of them"),
)
class LeftBehindViewSet(ResourceViewSet):
    queryset = LeftBehind.objects.all()
    serializer_class = LeftSerializer
    infrastructure = "leaver.read"
    orders = {"created_at": "id"}
    default_order = "created_at"
    filters = {"account": ById("account__uuid")}

    def get_queryset(self) -> Any:
        rows = super().get_queryset().select_related("account", "user")
        return rows.filter(pk__in=open_ones().values("pk"))

    @extend_schema(summary="Let it be: its machines are not stopped", request=None)
    @action(detail=True, methods=["post"])
    def keep(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(leavers.keep(self.actor, self.get_object())))

    @extend_schema(summary="Hand it over to somebody", request=HandOverInput, responses={204: None})
    @action(detail=True, methods=["post"], url_path="hand-over")
    def hand_over(self, request: Request, id: str) -> Response:  # noqa: A002
        user = self.find(User, self.read(HandOverInput)["user"], "user")

        def act() -> Response:
            leavers.hand_over(self.actor, self.get_object(), user=user)
            return Response(status=204)

        return self.once(act)
