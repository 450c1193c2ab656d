"""Sessions, tokens, passwords and service accounts over REST."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import lockout, passwords, policy, service_accounts, sessions, tokens
from apps.accounts.authentication import actor_of
from apps.accounts.models import Account, ApiToken, Session, User
from apps.accounts.rest import Reference, ResourceViewSet, parse_uuid
from apps.core.errors import InvalidInput, NotFound
from apps.core.fields import Id, Text, Whole
from apps.core.filters import ById, Search
from apps.core.rest import StrictSerializer

DEFAULT_DAYS = 90


class Person(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField(source="username")


class OfOneUser(ResourceViewSet):
    """Rows of the user who asks, or with the permission `reads` of the one that “user” names."""

    reads = ""
    orders = {"created_at": "id"}
    default_order = "created_at"

    @cached_property
    def whose(self) -> User:
        given = self.request.query_params.get("user")
        if not given:
            user = self.actor.user
        else:
            uuid = parse_uuid(given)
            if uuid is None:
                raise InvalidInput("not_a_uuid", place="user")
            user = User.objects.filter(uuid=uuid).first()
            if user is None or not policy.sees(self.actor, user):
                raise NotFound(kind="user", place="user")
        assert user is not None  # noqa: S101 - an API request comes from a user
        return user

    def parts(self, model: Any) -> list[Q]:
        return []

    def joined(self, model: Any) -> Q:
        return Q()


class SessionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    user = Person()
    begun_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    address = serializers.CharField()
    agent = serializers.CharField()
    way = serializers.ChoiceField(Session.Way.choices)


class RevokeInput(StrictSerializer):
    """Without `user` it is about whoever asks."""

    user = Id(allow_null=True, default=None)


class RevokedSerializer(serializers.Serializer[Any]):
    ended = serializers.IntegerField()


_USER = OpenApiParameter("user", OpenApiTypes.UUID, description="Another user's, for who may see them")


@extend_schema_view(retrieve=extend_schema(summary="One session"))
class SessionViewSet(OfOneUser):
    queryset = Session.objects.all()
    serializer_class = SessionSerializer
    pagination_class = None  # type: ignore[assignment]
    filter_backends = ()  # type: ignore[assignment]
    reads = "session.read"

    def parameters(self) -> set[str]:
        return {"user"} if self.action == "list" else set()

    listings = frozenset()

    def get_queryset(self) -> QuerySet[Any]:
        return sessions.valid().exclude(user=None).select_related("user")

    def get_object(self) -> Session:
        """One's own, or that of a user whose sessions the actor may see."""
        uuid = parse_uuid(self.kwargs["id"])
        row: Session | None = self.get_queryset().filter(uuid=uuid).first() if uuid else None
        own = row is not None and row.user == self.actor.user
        if row is None or not (own or policy.may(self.actor, "session.read", row.user)):
            raise NotFound(kind="session")
        return row

    @extend_schema(
        summary="Where you are logged in", parameters=[_USER], responses=SessionSerializer(many=True)
    )
    def list(self, request: Request) -> Response:
        sessions.require_self_or(self.actor, self.reads, self.whose)
        return Response(SessionSerializer(sessions.sessions_of(self.whose), many=True).data)

    @extend_schema(summary="End a session", request=None, responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(sessions.revoke)

    @extend_schema(
        summary="End all sessions but the one that asks",
        request=RevokeInput,
        responses={200: RevokedSerializer},
    )
    @action(detail=False, methods=["post"], url_path="revoke")
    def revoke(self, request: Request) -> Response:
        given = self.read(RevokeInput)["user"]
        user: User = self.find(User, given, "user") if given else self.actor.user  # type: ignore[assignment]
        own: Any = getattr(request._request, "session", None)
        key = own.session_key if sessions.is_of(own, user) else ""
        return self.once(
            lambda: Response({"ended": sessions.revoke_all(self.actor, user, but_key=key or "")})
        )


class TokenSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    user = Person()
    verbs = serializers.ListField(child=serializers.CharField())
    every_account = serializers.BooleanField()
    accounts = Reference(many=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class NewTokenSerializer(TokenSerializer):
    """`token` is told this once."""

    token = serializers.CharField()


class TokenInput(StrictSerializer):
    """`verbs` are permissions such as vm.start, vm.*, *.read; "*" is all of them. `accounts` null is every
    account of the user's. `user` is a service account; without it the token is one's own."""

    name = Text()
    days = Whole(low=1, high=tokens.MAX_DAYS, default=DEFAULT_DAYS)
    verbs = serializers.ListField(
        child=serializers.CharField(max_length=100), default=["*"], max_length=tokens.MAX_PATTERNS
    )
    accounts = serializers.ListField(child=Id(), allow_null=True, default=None, max_length=100)
    user = Id(allow_null=True, default=None)


@extend_schema_view(
    list=extend_schema(summary="List your tokens", parameters=[_USER]),
    retrieve=extend_schema(summary="One token"),
)
class TokenViewSet(OfOneUser):
    queryset = ApiToken.objects.select_related("user").prefetch_related("accounts")
    serializer_class = TokenSerializer
    filters = {"user": ById("user__uuid")}
    reads = "token.read"

    def get_queryset(self) -> QuerySet[Any]:
        if self.action == "list":
            _require_token_reader(self.actor, self.whose)
            return self.queryset.filter(user=self.whose)
        return self.queryset.all()

    def get_object(self) -> ApiToken:
        uuid = parse_uuid(self.kwargs["id"])
        row = self.queryset.filter(uuid=uuid).first() if uuid else None
        if row is None or not _reads_tokens(self.actor, row.user):
            raise NotFound(kind="token")
        return row

    def shown(self, row: Any) -> dict[str, Any]:
        return dict(TokenSerializer(row).data)

    @extend_schema(
        summary="Make a token",
        description="Its text is in this answer alone, so no Idempotency-Key is kept for it.",
        request=TokenInput,
        responses={201: NewTokenSerializer},
    )
    def create(self, request: Request) -> Response:
        given = self.read(TokenInput)
        user = service_accounts.find(self.actor, given["user"]) if given["user"] else self.actor.user
        accounts = given["accounts"]
        if accounts is not None:
            accounts = [self.find(Account, uuid, "accounts") for uuid in accounts]
        until = request.auth.expires_at if isinstance(request.auth, ApiToken) else None
        row, text = tokens.issue_token(
            self.actor,
            user=user,  # type: ignore[arg-type]
            name=given["name"],
            days=given["days"],
            verbs=given["verbs"],
            accounts=accounts,
            until=until,
        )
        location = self.reverse_action("detail", args=[str(row.uuid)])
        return Response({**self.shown(row), "token": text}, 201, headers={"Location": location})

    @extend_schema(summary="Revoke a token", request=None, responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(tokens.revoke_token)


def _require_token_reader(actor: Any, user: User) -> None:
    if user.service_of is not None:
        policy.require(actor, "service_account.read", user.service_of)
    else:
        sessions.require_self_or(actor, "token.read", user)


def _reads_tokens(actor: Any, user: User) -> bool:
    if user == actor.user:
        return actor.limits is None or actor.limits.allow("token.read")
    if user.service_of is not None:
        return policy.may(actor, "service_account.read", user.service_of)
    return policy.may(actor, "token.read", user)


class ServiceAccountSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    username = serializers.CharField()
    account = Reference(source="service_of")
    created_at = serializers.DateTimeField()


class ServiceAccountInput(StrictSerializer):
    username = Text()
    account = Id()


@extend_schema_view(
    list=extend_schema(summary="List service accounts"),
    retrieve=extend_schema(summary="One service account"),
)
class ServiceAccountViewSet(ResourceViewSet):
    queryset = User.objects.all()
    serializer_class = ServiceAccountSerializer
    orders = {"username": "username", "created_at": "id"}
    default_order = "username"
    filters = {"q": Search("search_key"), "account": ById("service_of__uuid")}

    def get_queryset(self) -> QuerySet[Any]:
        return service_accounts.visible_to(self.actor)

    def get_object(self) -> User:
        return service_accounts.find(self.actor, parse_uuid(self.kwargs["id"]))

    def parts(self, model: Any) -> list[Q]:
        return []

    def joined(self, model: Any) -> Q:
        return Q()

    @extend_schema(
        summary="Make a service account",
        request=ServiceAccountInput,
        responses={201: ServiceAccountSerializer},
    )
    def create(self, request: Request) -> Response:
        given = self.read(ServiceAccountInput)
        account = self.find(Account, given["account"], "account")
        name = given["username"]
        return self.once(
            lambda: self.created(
                service_accounts.create_service_account(self.actor, account=account, username=name)
            )
        )

    @extend_schema(summary="Remove a service account", request=None, responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(service_accounts.remove_service_account)


class PasswordInput(StrictSerializer):
    present_password = serializers.CharField(
        max_length=1000, trim_whitespace=False, allow_blank=True, default=""
    )
    new_password = serializers.CharField(max_length=1000, trim_whitespace=False)


class PasswordView(APIView):
    """One's own password. No Idempotency-Key is kept for it."""

    @extend_schema(summary="Change your password", request=PasswordInput, responses={204: None})
    def post(self, request: Request) -> Response:
        form = PasswordInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        passwords.change_own_password(
            request._request,
            actor_of(request),
            present=given["present_password"],
            new=given["new_password"],
        )
        return Response(status=204)


class NamedUserInput(StrictSerializer):
    user = Id()


class LinkSerializer(serializers.Serializer[Any]):
    """`path` holds a secret, after the “#”, that is told this once."""

    path = serializers.CharField()
    minutes = serializers.IntegerField()


def _named(request: Request) -> tuple[Any, User]:
    form = NamedUserInput(data=request.data)
    form.is_valid(raise_exception=True)
    actor = actor_of(request)
    user: User = policy.find(actor, User.objects.all(), form.validated_data["user"], place="user")
    return actor, user


class PasswordLinkView(APIView):
    """A link by which a user chooses a password. No Idempotency-Key is kept for it."""

    @extend_schema(
        summary="Make a link for a new password", request=NamedUserInput, responses={201: LinkSerializer}
    )
    def post(self, request: Request) -> Response:
        actor, user = _named(request)
        path = passwords.create_password_link(actor, user=user)
        return Response({"path": path, "minutes": passwords.RESET_MINUTES}, 201)


class UnlockedSerializer(serializers.Serializer[Any]):
    forgotten = serializers.IntegerField()


class UnlockView(APIView):
    """Failed logins are forgotten."""

    @extend_schema(
        summary="Let a user try to log in again", request=NamedUserInput, responses={200: UnlockedSerializer}
    )
    def post(self, request: Request) -> Response:
        actor, user = _named(request)
        return Response({"forgotten": lockout.unlock_user(actor, user)})
