"""Jobs and errors as the API shows them, and the answers of acts that take a while."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.reverse import reverse

from apps.accounts.rest import Reference, ResourceViewSet
from apps.core.messages import explain_error, note_text
from apps.jobs.kinds import all_kinds
from apps.jobs.live import live_jobs
from apps.jobs.models import Job, JobState


class ErrorDetail(serializers.Serializer[Any]):
    """What went wrong, in words and for programs. `technical` is for operators."""

    code = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField()
    params = serializers.DictField()
    technical = serializers.CharField(required=False)


@extend_schema_field(ErrorDetail)
class StoredError(serializers.JSONField):
    """A stored error {"code", "params", "technical"} with its words in the reader's language."""

    def to_representation(self, value: Any) -> Any:
        if not value:
            return None
        words = explain_error(value)
        told = {
            "code": value.get("code", "internal"),
            "title": words.title,
            "detail": words.detail,
            "remedy": words.remedy,
            "params": value.get("params") or {},
        }
        view = self.context.get("view")
        if view is not None and view.actor.is_operator and value.get("technical"):
            told["technical"] = value["technical"]
        return told


class Target(serializers.Serializer[Any]):
    """What a job or an event is about."""

    type = serializers.CharField(source="target_type")
    id = serializers.UUIDField(source="target_uuid", allow_null=True)
    name = serializers.CharField(source="target_name")


class JobSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    kind = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    state = serializers.ChoiceField(JobState.choices)
    percent = serializers.IntegerField(min_value=0, max_value=100)
    message = serializers.SerializerMethodField()
    target = Target(source="*")
    account = Reference(allow_null=True)
    actor = serializers.CharField(source="by")
    parent = serializers.UUIDField(source="parent.uuid", allow_null=True)  # type: ignore[assignment]
    error = StoredError(allow_null=True)
    cancellable = serializers.SerializerMethodField()
    cancel_requested = serializers.BooleanField()
    request_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_label(self, job: Job) -> str:
        kind = all_kinds().get(job.kind)
        return str(kind.label) if kind else job.kind

    def get_message(self, job: Job) -> str:
        return note_text(job.note)

    def get_cancellable(self, job: Job) -> bool:
        return job.cancellable and job.state in {JobState.WAITING, JobState.PENDING}


class WithJob(serializers.Serializer[Any]):
    """A row with the job that works on it now, or is stuck with it."""

    job = serializers.SerializerMethodField()

    @extend_schema_field(JobSerializer(allow_null=True))
    def get_job(self, row: Any) -> dict[str, Any] | None:
        job = self.context.get("jobs", {}).get(row.uuid)
        return dict(JobSerializer(job, context=self.context).data) if job else None


class JobbedViewSet(ResourceViewSet):
    """A kind of object that jobs work on; the jobs of a page come by one query."""

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if args:
            rows = args[0] if kwargs.get("many") else [args[0]]
            jobs = kwargs.pop("jobs", None)
            found = live_jobs(row.uuid for row in rows) if jobs is None else jobs
            kwargs["context"] = {**self.get_serializer_context(), "jobs": found}
        return super().get_serializer(*args, **kwargs)

    def accepted(self, row: Any, job: Job) -> Response:
        """202: the row as it is now, with the job that works on it; as it was if the job was so quick
        that the row is gone."""
        fresh = type(self).queryset.filter(pk=row.pk).first()  # type: ignore[union-attr]
        body = dict(self.get_serializer(fresh or row, jobs={row.uuid: job}).data)
        return Response(body, 202, headers={"Location": self.job_url(job)})

    def job_url(self, job: Job) -> str:
        return reverse("api:job-detail", args=[str(job.uuid)], request=self.request)
