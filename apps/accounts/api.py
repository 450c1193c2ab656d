"""Who I am, people and quotas."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import closing, removal, services
from apps.accounts.api_tenancy import TouchedAnswer
from apps.accounts.models import Account, Domain, User
from apps.accounts.ownership import touched_of_user
from apps.accounts.rest import Reference, ResourceViewSet
from apps.core.fields import Id, Text, Truth
from apps.core.filters import ByFlag, ById
from apps.core.rest import StrictSerializer


class UserSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    username = serializers.CharField()
    full_name = serializers.CharField()
    email = serializers.CharField()
    is_active = serializers.BooleanField()
    is_super_admin = serializers.BooleanField()
    closes_at = serializers.DateTimeField(allow_null=True)
    accounts = Reference(many=True)
    created_at = serializers.DateTimeField()


class UserInput(StrictSerializer):
    """A user who logs in by link or token. Without `account` one of the same name is made in
    `domain`, or in ROOT."""

    username = Text()
    full_name = Text(default="")
    email = Text(default="")
    domain = Id(allow_null=True, default=None)
    account = Id(allow_null=True, default=None)


class UserPatch(StrictSerializer):
    is_active = Truth()


@extend_schema_view(list=extend_schema(summary="List users"), retrieve=extend_schema(summary="One user"))
class UserViewSet(ResourceViewSet):
    queryset = User.objects.prefetch_related("accounts")
    serializer_class = UserSerializer
    infrastructure = "user.read"
    orders = {"username": "username", "created_at": "id"}
    default_order = "username"
    filters = {"active": ByFlag("is_active"), "account": ById("accounts__uuid")}

    @extend_schema(summary="Create a user", request=UserInput, responses={201: UserSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(UserInput)
        for place, model in (("domain", Domain), ("account", Account)):
            if given[place]:
                given[place] = self.find(model, given[place], place)
        return self.once(lambda: self.created(services.create_user(self.actor, **given)))

    @extend_schema(summary="Remove a user", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(removal.remove_user)

    @extend_schema(
        summary="Let a user in or keep them out", request=UserPatch, responses={200: UserSerializer}
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        active = self.read(UserPatch)["is_active"]
        return self.once(
            lambda: self.changed(services.set_active(self.actor, self.get_object(), active=active))
        )

    @extend_schema(
        summary="Begin to delete a user",
        description="They are kept out at once, and go when the time of grace is over.",
        request=None,
        responses={200: UserSerializer},
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(closing.close_user(self.actor, self.get_object())))

    @extend_schema(summary="Keep a user after all", request=None, responses={200: UserSerializer})
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(closing.reopen_user(self.actor, self.get_object())))

    @extend_schema(
        summary="What belongs to a user",
        description="What would be touched if they were kept out or deleted.",
        responses={200: TouchedAnswer},
    )
    @action(detail=True, methods=["get"])
    def touched(self, request: Request, id: str) -> Response:  # noqa: A002
        return Response(TouchedAnswer({"touched": touched_of_user(self.get_object())}).data)


class MeSerializer(UserSerializer):
    permissions = serializers.SerializerMethodField()

    def get_permissions(self, user: User) -> list[str]:
        """ "operate" for those who may do everything."""
        return ["operate"] if user.is_super_admin else []


class MeView(APIView):
    """The user that the request comes from."""

    @extend_schema(summary="Who I am", responses={200: MeSerializer})
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(request.user).data)
