"""Events over REST: filters, pages by key, and all of them as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpResponseBase
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.accounts.rest import Reference, ResourceViewSet
from apps.core.errors import InvalidInput
from apps.core.filters import ByChoice, ById, ByText, checked
from apps.core.rest import StrictSerializer
from apps.core.streams import streamed
from apps.core.words.actors import kept_label
from apps.jobs import people
from apps.jobs.audit import checking
from apps.jobs.models import Event, Person
from apps.jobs.models.record import worded
from apps.jobs.people import told
from apps.jobs.rest import Target

CHUNK = 500
MAX_ADDRESS = 45
NDJSON = "application/x-ndjson"


def event_rows() -> QuerySet[Event]:
    """Events with all that is told of each, in a number of queries that does not depend on how many."""
    rows = Event.objects.select_related("account", "actor", "behalf", "address", "target_person")
    return rows.prefetch_related(Prefetch("mentions", Person.objects.all()))


def knows_origin(actor: Actor, event: Event) -> bool:
    """Where somebody was when they did it is theirs to know, and the operator's."""
    return actor.is_operator or (actor.user is not None and event.user_id == actor.user.pk)


class EventTarget(Target):
    name = serializers.CharField(source="about")


class EventSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    phase = serializers.ChoiceField(Event.Phase.choices)
    target = EventTarget(source="*")
    account = Reference(allow_null=True)
    actor = serializers.CharField(source="by")
    on_behalf_of = serializers.SerializerMethodField(help_text="As whom the actor looked at the portal.")
    token = serializers.CharField(source="token_name", help_text="Name of the API token, if there was one.")
    address = serializers.SerializerMethodField(help_text="The client's; empty for who may not know it.")
    job = serializers.UUIDField(source="job_uuid", allow_null=True)
    request_id = serializers.CharField()
    data = serializers.SerializerMethodField()  # type: ignore[assignment]
    changes = serializers.SerializerMethodField(help_text="Each field with what it was and what it is.")

    @property
    def _actor(self) -> Actor | None:
        view = self.context.get("view")
        return view.actor if view is not None else None

    def get_on_behalf_of(self, event: Event) -> str:
        return worded(event.behalf)

    def get_address(self, event: Event) -> str:
        known = self._actor is not None and knows_origin(self._actor, event)
        return worded(event.address) if known else ""

    def get_data(self, event: Event) -> dict[str, Any]:
        """What was recorded; a driver's own words only for operators."""
        data, _changes = told(event)
        operator = self._actor is not None and self._actor.is_operator
        if isinstance(data.get("error"), dict) and not operator:
            shown = {key: value for key, value in data["error"].items() if key in {"code", "params"}}
            return {**data, "error": shown}
        return data

    def get_changes(self, event: Event) -> dict[str, list[Any]]:
        return told(event)[1]


@dataclass(frozen=True, slots=True)
class BySince:
    """Events from a moment on; `until`, before it."""

    until: bool = False

    def condition(self, name: str, text: str) -> Q:
        try:
            moment = parse_datetime(text.replace(" ", "+"))
        except ValueError:
            moment = None
        if moment is None or not 1970 <= moment.year <= 9000:
            raise InvalidInput("not_a_moment", place=name)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return Q(at__lt=moment) if self.until else Q(at__gte=moment)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class ByPerson:
    """Events that name somebody so, in this column; or a label of no person."""

    path: str
    label: str = ""
    limit: int = 200

    def condition(self, name: str, text: str) -> Q:
        named = Person.objects.filter(words=checked(text, name, self.limit), erased_at=None)
        found = Q(**{f"{self.path}__in": named.order_by().values("pk")})
        return found | Q(**{self.label: kept_label(text), self.path: None}) if self.label else found

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.limit}


def named_so(text: str, name: str) -> Q:
    """Events about what has exactly this name."""
    return Q(target_name=checked(text, name, 200)) | ByPerson("target_person").condition(name, text)


class ByTargetName:
    def condition(self, name: str, text: str) -> Q:
        return named_so(text, name)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": 200}


def origin_filter(actor: Actor, condition: Q) -> Q:
    """The same, of what the actor may know the origin of: else a filter would tell what a row does not."""
    return condition if actor.is_operator else condition & Q(user=actor.user)


class SealsSerializer(serializers.Serializer[Any]):
    sealed_until = serializers.DateTimeField(allow_null=True, help_text="Of the last event that is sealed.")
    segments = serializers.IntegerField()
    not_sealed = serializers.IntegerField(allow_null=True, help_text="Counted up to 10,000, for operators.")
    trouble = serializers.CharField(help_text="Why nothing more is sealed: a code, for operators.")
    verified_at = serializers.DateTimeField(allow_null=True)
    problems = serializers.IntegerField(
        allow_null=True, help_text="What the last check found, for operators."
    )


class ErasureForm(StrictSerializer):
    user = serializers.UUIDField()


class ErasedSerializer(serializers.Serializer[Any]):
    erased = serializers.IntegerField(help_text="How many texts were erased.")


@extend_schema_view(
    list=extend_schema(summary="List events, the latest first"),
    retrieve=extend_schema(summary="One event"),
)
class EventViewSet(ResourceViewSet):
    queryset = Event.objects.all()
    serializer_class = EventSerializer
    orders = {"at": "id"}
    default_order = "-at"
    listings = frozenset({"list", "stream"})
    filters = {
        "kind": ByText("kind"),
        "phase": ByChoice("phase", tuple(Event.Phase.values)),
        "actor": ByPerson("actor", "actor_label"),
        "on_behalf_of": ByPerson("behalf"),
        "token": ByText("token_name", 100),
        "address": ByPerson("address", limit=MAX_ADDRESS),
        "target": ById("target_uuid"),
        "target_type": ByText("target_type"),
        "target_name": ByTargetName(),
        "account": ById("account__uuid"),
        "job": ById("job_uuid"),
        "request_id": ByText("request_id"),
        "since": BySince(),
        "until": BySince(until=True),
    }

    def get_queryset(self) -> QuerySet[Event]:
        return policy.visible(self.actor, event_rows())

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().filter_queryset(queryset)
        if self.request.query_params.get("address"):
            found = found.filter(origin_filter(self.actor, Q()))
        return found

    @extend_schema(
        summary="All events that the filters let through, the oldest first, one JSON object a line",
        responses={(200, NDJSON): OpenApiTypes.STR},
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def stream(self, request: Request) -> HttpResponseBase:
        rows = self.filter_queryset(self.get_queryset())
        context = self.get_serializer_context()
        lines = json_lines(rows, lambda chunk: EventSerializer(chunk, many=True, context=context).data)
        return streamed(request._request, lines, NDJSON)

    @extend_schema(summary="Up to when events are sealed", responses={200: SealsSerializer})
    @action(detail=False, methods=["get"])
    def seals(self, request: Request) -> Response:
        seals, whole = checking.state(), self.actor.is_operator
        told = {
            "sealed_until": seals.upto,
            "segments": seals.number,
            "not_sealed": min(seals.waiting, seals.COUNTED) if whole else None,
            "trouble": seals.trouble if whole else "",
            "verified_at": seals.checked_at if whole else None,
            "problems": seals.found if whole and seals.checked_at else None,
        }
        return Response(SealsSerializer(told).data)

    @extend_schema(
        summary="Erase the words by which events name a user",
        request=ErasureForm,
        responses={200: ErasedSerializer},
    )
    @action(detail=False, methods=["post"], url_path="erase-names")
    def erase_names(self, request: Request) -> Response:
        wanted = self.read(ErasureForm)["user"]

        def act() -> Response:
            user = self.find(User, wanted, "user")
            return Response({"erased": people.erase_names(self.actor, user)})

        return self.once(act)


def json_lines(rows: QuerySet[Event], shown: Any) -> Iterator[str]:
    """The rows by key, a chunk in memory at a time."""
    render, last = JSONRenderer().render, 0
    while True:
        chunk = list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK])
        if not chunk:
            return
        last = chunk[-1].pk
        yield "".join(f"{render(event).decode()}\n" for event in shown(chunk))
