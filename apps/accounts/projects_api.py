"""Projects over REST. A project's id is its account's."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import projects
from apps.accounts.counters import counted
from apps.accounts.models import Account, Domain, Project, ProjectRules, ProjectState, User
from apps.accounts.quota_api import Limit
from apps.accounts.rest import Reference, ResourceViewSet
from apps.core.errors import InvalidInput, NotFound
from apps.core.fields import Id, Text, Truth, Whole
from apps.core.filters import ById, Search
from apps.core.rest import StrictSerializer


class ProjectSerializer(serializers.Serializer[Any]):
    """`state` is that of the project itself; a domain above it that is disabled stops it as well."""

    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    description = serializers.CharField(source="project.description")
    state = serializers.ChoiceField(ProjectState.choices, source="project.state")
    ends_on = serializers.DateField(source="project.ends_on", allow_null=True)
    closes_at = serializers.DateTimeField(allow_null=True)
    domain = Reference()
    created_at = serializers.DateTimeField()


class Day(serializers.DateField):
    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **options)


class Limits(StrictSerializer):
    """By resource; null is no limit."""

    def get_fields(self) -> dict[str, Any]:
        return {name: Limit() for name in counted()}


class ProjectInput(StrictSerializer):
    """Without `owner` whoever asks runs it; without limits it has those of the domain's rules. Once one is
    named, the others are none."""

    name = Text()
    domain = Id()
    description = Text(default="")
    ends_on = Day(default=None, allow_null=True)
    owner = Id(default=None, allow_null=True)
    limits = Limits(default=dict)


class ProjectPatch(StrictSerializer):
    name = Text(required=False)
    description = Text(required=False)
    ends_on = Day(required=False, allow_null=True)


class HandOver(StrictSerializer):
    """`to` is a member of the project; with `leave` whoever hands it over is one no longer."""

    to = Id()
    leave = Truth(default=False)


class RulesSerializer(serializers.Serializer[Any]):
    """What people of the domain begin by themselves; `domain` is the one whose rules these are."""

    domain = Reference()
    self_service = serializers.BooleanField()
    per_person = serializers.IntegerField()
    limits = serializers.DictField(child=serializers.IntegerField())


class RulesInput(StrictSerializer):
    self_service = Truth()
    per_person = Whole(low=1, high=projects.MAX_PER_PERSON, default=1)
    limits = Limits(default=dict)


@extend_schema_view(
    list=extend_schema(summary="List projects"), retrieve=extend_schema(summary="One project")
)
class ProjectViewSet(ResourceViewSet):
    queryset = Account.objects.filter(kind=Account.Kind.PROJECT).select_related("domain", "project")
    serializer_class = ProjectSerializer
    filters = {"q": Search(), "domain": ById("domain__uuid")}

    def project(self) -> Project:
        account: Account = self.get_object()
        return account.project

    def now(self, project: Project) -> Response:
        return self.changed(project.account)

    @extend_schema(summary="Begin a project", request=ProjectInput, responses={201: ProjectSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(ProjectInput)
        given["domain"] = self.find_domain(given["domain"])
        if given["owner"]:
            given["owner"] = self.find(User, given["owner"], "owner")
        given["limits"] = dict(given["limits"])

        def act() -> Response:
            project = projects.create_project(self.actor, **given)
            return self.created(self.get_queryset().get(pk=project.pk))

        return self.once(act)

    def find_domain(self, uuid: Any) -> Domain:
        """One that the actor sees, or where the rules let them begin something."""
        row = projects.domains_for(self.actor).filter(uuid=uuid).first()
        found: Domain = row or self.find(Domain, uuid, "domain")
        return found

    @extend_schema(summary="Change a project", request=ProjectPatch, responses={200: ProjectSerializer})
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        given = self.read(ProjectPatch)
        if not given:
            raise InvalidInput("nothing_to_change", place="body")

        def act() -> Response:
            project = self.project()
            if {"name", "description"} & given.keys():
                words = {name: given[name] for name in ("name", "description") if name in given}
                project = projects.change_project(self.actor, project, **words)
            if "ends_on" in given:
                project = projects.set_end(self.actor, project, ends_on=given["ends_on"])
            return self.now(project)

        return self.once(act)

    @extend_schema(summary="Suspend a project", request=None, responses={200: ProjectSerializer})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.now(projects.suspend(self.actor, self.project())))

    @extend_schema(summary="Let a project work again", request=None, responses={200: ProjectSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.now(projects.resume(self.actor, self.project())))

    @extend_schema(summary="Hand a project over", request=HandOver, responses={204: None})
    @action(detail=True, methods=["post"], url_path="hand-over")
    def hand_over(self, request: Request, id: str) -> Response:  # noqa: A002
        given = self.read(HandOver)

        def act() -> Response:
            project = self.project()
            to = project.account.users.filter(uuid=given["to"]).first()
            if to is None:
                raise NotFound(place="to", kind="user")
            projects.hand_over(self.actor, project, to=to, leave=given["leave"])
            return Response(status=204)

        return self.once(act)

    @extend_schema(summary="Leave a project", request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def leave(self, request: Request, id: str) -> Response:  # noqa: A002
        def act() -> Response:
            projects.leave(self.actor, self.project())
            return Response(status=204)

        return self.once(act)


@extend_schema_view(retrieve=extend_schema(summary="What a domain's people begin by themselves"))
class ProjectRulesViewSet(ResourceViewSet):
    """The id is the domain's."""

    queryset = Domain.objects.all()
    serializer_class = RulesSerializer
    infrastructure = "domain.read"

    def shown(self, row: Any) -> dict[str, Any]:
        rules = row if isinstance(row, ProjectRules) else projects.rules_of(row)
        return dict(RulesSerializer(rules).data)

    @extend_schema(
        summary="Say what a domain's people begin by themselves",
        request=RulesInput,
        responses={200: RulesSerializer},
    )
    def update(self, request: Request, id: str) -> Response:  # noqa: A002
        given = self.read(RulesInput)
        limits = dict(given.pop("limits"))

        def act() -> Response:
            domain = self.get_object()
            return Response(self.shown(projects.set_rules(self.actor, domain, limits=limits, **given)))

        return self.once(act)
