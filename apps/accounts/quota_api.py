"""Quotas: limits and what is used, of domains, accounts and members; what was used hour by hour."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import metering, policy, quota, quota_services
from apps.accounts.counters import counted
from apps.accounts.models import Account, Counting, Domain, Quota, UsageHour, User
from apps.accounts.rest import Reference, ResourceViewSet, parse_uuid
from apps.core.errors import InvalidInput, NotFound
from apps.core.fields import Choice, Id, Truth, Whole
from apps.core.filters import ById
from apps.core.rest import StrictSerializer

MAX_DAYS = 31
"""So many days of hours in one answer."""


class MemberReference(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField(source="username")


class QuotaSerializer(serializers.Serializer[Any]):
    """Of an account, of a domain with all below it, or of the `member` of an account. `id` is its owner's;
    a null limit is none. `ceilings` say how much may be used at this moment: a limit may be passed by
    `grace_percent`, until `grace_until` once it is."""

    id = serializers.SerializerMethodField()
    account = serializers.SerializerMethodField()
    domain = Reference(allow_null=True)
    member = MemberReference(source="user", allow_null=True)
    limits = serializers.SerializerMethodField()
    ceilings = serializers.SerializerMethodField()
    used = serializers.SerializerMethodField()
    grace_percent = serializers.SerializerMethodField()
    grace_days = serializers.SerializerMethodField()
    grace_until = serializers.DateTimeField(allow_null=True)
    counting = serializers.ChoiceField(choices=["", *Counting.values])

    def get_id(self, row: Quota) -> str:
        return str(row.owner.uuid)

    @extend_schema_field(Reference(allow_null=True))
    def get_account(self, row: Quota) -> dict[str, Any] | None:
        account = row.account or row.within
        return None if account is None else dict(Reference(account).data)

    def get_limits(self, row: Quota) -> dict[str, int | None]:
        return {name: row.limit(name) for name in counted()}

    def get_ceilings(self, row: Quota) -> dict[str, int | None]:
        return {name: quota.ceiling(row, name) for name in counted()}

    def get_used(self, row: Quota) -> dict[str, int]:
        return {name: row.used(name) for name in counted()}

    def get_grace_percent(self, row: Quota) -> int:
        return quota.grace_percent(row)

    def get_grace_days(self, row: Quota) -> int:
        return quota.grace_days(row)


class Limit(Whole):
    def __init__(self, **options: Any) -> None:
        options = {"low": 0, "high": quota_services.MAX_LIMIT, **options}
        super().__init__(required=False, allow_null=True, **options)


class QuotaPatch(StrictSerializer):
    """What changes: limits, of which null takes one away, and the grace, of which null leaves it to the
    settings."""

    grace_percent = Limit(high=quota_services.MAX_GRACE_PERCENT)
    grace_days = Limit(high=quota_services.MAX_GRACE_DAYS)

    def get_fields(self) -> dict[str, Any]:
        return {**{name: Limit() for name in counted()}, **super().get_fields()}


class CountingInput(StrictSerializer):
    """Empty: as the domain above says."""

    counting = Choice(choices=["", *Counting.values])


class CountingAnswer(serializers.Serializer[Any]):
    """The job that counts anew."""

    job = serializers.UUIDField()


class QuotaRecountInput(StrictSerializer):
    """Of an account, or of a domain with all below it; of everything without either."""

    account = Id(allow_null=True, default=None)
    domain = Id(allow_null=True, default=None)
    fix = Truth(default=False)


class QuotaDriftSerializer(serializers.Serializer[Any]):
    uuid = serializers.UUIDField()
    name = serializers.CharField()
    member = serializers.CharField()
    resource = serializers.CharField()
    recorded = serializers.IntegerField()
    actual = serializers.IntegerField()


class UsageHourSerializer(serializers.Serializer[Any]):
    """Unit-hours used in the hour that begins then: 2 vCPUs for half an hour are 1.0."""

    hour = serializers.DateTimeField()
    used = serializers.SerializerMethodField()

    def get_used(self, row: UsageHour) -> dict[str, float]:
        return {name: round(getattr(row, name) / metering.HOUR, 4) for name in counted()}


_OWNER = [OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_MEMBER = [*_OWNER, OpenApiParameter("user", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_SPAN = [
    OpenApiParameter("since", OpenApiTypes.DATETIME, description="A day before `until` if it is left out."),
    OpenApiParameter("until", OpenApiTypes.DATETIME, description="Now if it is left out."),
]


@extend_schema_view(
    list=extend_schema(summary="List the quotas of your accounts"),
    retrieve=extend_schema(summary="One quota", parameters=_OWNER),
)
class QuotaViewSet(ResourceViewSet):
    queryset = Quota.objects.select_related("account", "domain", "within", "user")
    serializer_class = QuotaSerializer
    orders = {"created_at": "id"}
    default_order = "created_at"
    filters = {
        "account": ById("account__uuid"),
        "domain": ById("domain__uuid"),
        "members_of": ById("within__uuid"),
    }

    def parameters(self) -> set[str]:
        return {"since", "until"} if self.action == "usage" else set()

    def get_object(self) -> Quota:
        """By its owner's id: a quota is part of an account or of a domain."""
        uuid = parse_uuid(self.kwargs["id"])
        row: Quota | None = self.get_queryset().filter(Q(account__uuid=uuid) | Q(domain__uuid=uuid)).first()
        if uuid is None or row is None:
            raise NotFound(kind="quota")
        return row

    @extend_schema(
        summary="Set limits", parameters=_OWNER, request=QuotaPatch, responses={200: QuotaSerializer}
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        changes = _split(self.read(QuotaPatch))
        return self.once(
            lambda: self.changed(quota_services.set_quota(self.actor, self.get_object().owner, **changes))
        )

    @extend_schema(
        summary="Set what a member may use of an account's quota; no limit at all removes it",
        parameters=_MEMBER,
        request=QuotaPatch,
        responses={200: QuotaSerializer},
    )
    @action(detail=True, methods=["patch"], url_path="members/(?P<user>[^/]+)")
    def member(self, request: Request, id: str, user: str) -> Response:  # noqa: A002
        changes = _split(self.read(QuotaPatch))

        def act() -> Response:
            account: Account = self.find(Account, id, "")
            uuid = parse_uuid(user)
            person = User.objects.filter(uuid=uuid, accounts=account).first() if uuid else None
            if person is None:
                raise NotFound(kind="user")
            return Response(
                self.shown(quota_services.set_member_quota(self.actor, account, user=person, **changes))
            )

        return self.once(act)

    @extend_schema(
        summary="Say when the vCPUs and memory of a domain's machines count",
        parameters=_OWNER,
        request=CountingInput,
        responses={202: CountingAnswer},
    )
    @action(detail=True, methods=["post"])
    def counting(self, request: Request, id: str) -> Response:  # noqa: A002
        said = self.read(CountingInput)["counting"]

        def act() -> Response:
            job = quota_services.set_counting(self.actor, self.find(Domain, id, ""), counting=said)
            return Response({"job": str(job.uuid)}, 202)

        return self.once(act)

    @extend_schema(
        summary="Compare quotas with what is there",
        request=QuotaRecountInput,
        responses={200: QuotaDriftSerializer(many=True)},
    )
    @action(detail=False, methods=["post"], pagination_class=None, filters={})
    def recount(self, request: Request) -> Response:
        given = self.read(QuotaRecountInput)
        if given["account"] and given["domain"]:
            raise InvalidInput("one_place", place="domain")
        scope: Any = None
        if given["account"]:
            scope = self.find(Account, given["account"], "account")
        elif given["domain"]:
            scope = self.find(Domain, given["domain"], "domain")
        drifts = quota_services.recount_quotas(self.actor, scope, fix=given["fix"])
        return Response([asdict(drift) for drift in drifts])

    @extend_schema(
        summary="What an account used, hour by hour",
        parameters=[*_OWNER, *_SPAN],
        responses={200: UsageHourSerializer(many=True)},
    )
    @action(detail=True, methods=["get"], pagination_class=None, filters={})
    def usage(self, request: Request, id: str) -> Response:  # noqa: A002
        account: Account = self.find(Account, id, "")
        policy.require(self.actor, "usage.read", account)
        until = _moment(request, "until") or timezone.now()
        since = _moment(request, "since") or until - timedelta(days=1)
        if not timedelta() <= until - since <= timedelta(days=MAX_DAYS):
            raise InvalidInput("out_of_range", place="since", low=0, high=f"{MAX_DAYS} d")
        rows = metering.hours_of(account, since, until)
        return Response(UsageHourSerializer(rows, many=True).data)


_GRACE = ("grace_percent", "grace_days")


def _split(given: dict[str, Any]) -> dict[str, Any]:
    grace: dict[str, Any] = {name: given.pop(name) for name in _GRACE if name in given}
    return {"limits": given, **grace}


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise InvalidInput("not_a_time", place=name) from None
    if not 2000 <= found.year <= 3000:  # beyond that a day more or less may be no date
        raise InvalidInput("not_a_time", place=name)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
