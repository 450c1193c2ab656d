"""Jobs over REST."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.rest import ResourceViewSet
from apps.core.filters import ByChoice, ById, ByText
from apps.core.messages import explain, job_does, job_resolves
from apps.jobs import remedies, services, world
from apps.jobs.models import Job, JobState
from apps.jobs.rest import JobSerializer, Target
from apps.jobs.steps import STEP_STATES, steps_of

MAX_CHILDREN = 100


class StepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.ChoiceField(STEP_STATES)
    seconds = serializers.FloatField(allow_null=True)
    usual_seconds = serializers.FloatField(allow_null=True)


class ChildSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    kind = serializers.CharField()
    state = serializers.ChoiceField(JobState.choices)
    percent = serializers.IntegerField()
    target = Target(source="*")


class ActSerializer(serializers.Serializer[Any]):
    name = serializers.ChoiceField(remedies.ACTS)
    allowed = serializers.BooleanField()
    why_not = serializers.CharField(help_text="Empty if it is allowed.")


class WorldFindingSerializer(serializers.Serializer[Any]):
    what = serializers.CharField()
    record = serializers.CharField()
    seen = serializers.CharField(help_text="Empty where nothing has been reported.")
    seen_at = serializers.DateTimeField(allow_null=True)
    agrees = serializers.BooleanField(allow_null=True)


class WorldSerializer(serializers.Serializer[Any]):
    resolving = serializers.CharField(help_text="What resolving the job leads to.")
    findings = WorldFindingSerializer(many=True)


class JobDetailSerializer(JobSerializer):
    does = serializers.SerializerMethodField()
    acts = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()
    children = serializers.SerializerMethodField()
    children_by_state = serializers.SerializerMethodField()

    def get_does(self, job: Job) -> str:
        return job_does(job.kind)

    @extend_schema_field(ActSerializer(many=True))
    def get_acts(self, job: Job) -> list[dict[str, Any]]:
        refused = {act: remedies.refusal(self.context["view"].actor, job, act) for act in remedies.ACTS}
        told = {act: error and explain(error.code, error.params) for act, error in refused.items()}
        return [
            {"name": act, "allowed": said is None, "why_not": said.detail if said else ""}
            for act, said in told.items()
        ]

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, job: Job) -> list[dict[str, Any]]:
        return [asdict(step) for step in steps_of(job)]

    @extend_schema_field(ChildSerializer(many=True))
    def get_children(self, job: Job) -> list[dict[str, Any]]:
        return list(ChildSerializer(self._children(job)[:MAX_CHILDREN], many=True).data)

    def get_children_by_state(self, job: Job) -> dict[str, int]:
        counts: dict[str, int] = {}
        for state in self._children(job).values_list("state", flat=True):
            counts[state] = counts.get(state, 0) + 1
        return counts

    def _children(self, job: Job) -> QuerySet[Job]:
        return job.children.order_by("id")


@extend_schema_view(
    list=extend_schema(summary="List jobs", responses=JobSerializer(many=True)),
    retrieve=extend_schema(summary="One job with its steps", responses=JobDetailSerializer),
)
class JobViewSet(ResourceViewSet):
    queryset = Job.objects.select_related("account", "parent")
    serializer_class = JobDetailSerializer
    orders = {"created_at": "id"}
    default_order = "-created_at"
    filters = {
        "state": ByChoice("state", tuple(JobState.values)),
        "kind": ByText("kind"),
        "target": ById("target_uuid"),
        "account": ById("account__uuid"),
        "parent": ById("parent__uuid"),
    }

    def get_serializer_class(self) -> Any:
        return JobSerializer if self.action == "list" else JobDetailSerializer

    def _act(self, service: Any) -> Response:
        return self.once(lambda: Response(self.shown(service(self.actor, self.get_object())), 202))

    @extend_schema(
        summary="Ask a job to end and to take back what it did",
        request=None,
        responses={202: JobDetailSerializer},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, id: str) -> Response:  # noqa: A002
        return self._act(services.cancel_job)

    @extend_schema(summary="Let a stuck job go on", request=None, responses={202: JobDetailSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, id: str) -> Response:  # noqa: A002
        return self._act(services.retry_job)

    @extend_schema(
        summary="Settle a stuck job by what the world shows",
        request=None,
        responses={202: JobDetailSerializer},
    )
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, id: str) -> Response:  # noqa: A002
        return self._act(services.resolve_job)

    @extend_schema(
        summary="What is known of a stuck job's object, and what resolving the job leads to",
        responses={200: WorldSerializer},
    )
    @action(detail=True, methods=["get"])
    def world(self, request: Request, id: str) -> Response:  # noqa: A002
        job = self.get_object()
        findings = world.findings_of(self.actor, job)
        shown = WorldSerializer({"resolving": job_resolves(job.kind), "findings": findings})
        return Response(shown.data)
