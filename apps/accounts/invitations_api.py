"""Invitations over REST: of the accounts that the actor invites into, and those that wait for the actor."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import invitations
from apps.accounts.models import Account, Invitation, InvitationState, Role
from apps.accounts.rest import Reference, ResourceViewSet
from apps.accounts.roles.ready import USER, ready
from apps.core.fields import Id, Text
from apps.core.filters import ByChoice, ById
from apps.core.rest import StrictSerializer


class InvitationSerializer(serializers.Serializer[Any]):
    """`username` or `email` is whom it is for."""

    id = serializers.UUIDField(source="uuid")
    account = Reference()
    role = Reference()
    username = serializers.CharField()
    email = serializers.CharField()
    state = serializers.ChoiceField(InvitationState.choices)
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class InvitationInput(StrictSerializer):
    """Whom it is for: a `username` or an `email`. Without a `role` they become ordinary members."""

    account = Id()
    username = Text(default="")
    email = Text(default="")
    role = Id(default=None, allow_null=True)


class InvitationLinkSerializer(serializers.Serializer[Any]):
    """The path of the link, which is shown this once; what follows # is its secret."""

    path = serializers.CharField()


class ByLinkInput(StrictSerializer):
    token = Text()


@extend_schema_view(
    list=extend_schema(summary="List invitations"), retrieve=extend_schema(summary="One invitation")
)
class InvitationViewSet(ResourceViewSet):
    queryset = Invitation.objects.select_related("account__domain", "role", "invited_by")
    serializer_class = InvitationSerializer
    orders = {"created_at": "id"}
    default_order = "created_at"
    filters = {
        "account": ById("account__uuid"),
        "state": ByChoice("state", tuple(InvitationState.values)),
    }

    @extend_schema(summary="Invite somebody", request=InvitationInput, responses={201: InvitationSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(InvitationInput)
        account: Account = self.find(Account, given.pop("account"), "account", "domain")
        given["role"] = self.find(Role, given["role"], "role") if given["role"] else ready(USER)
        given["portal"] = request.build_absolute_uri("/")
        return self.once(lambda: self.created(invitations.invite(self.actor, account, **given)))

    @extend_schema(summary="Withdraw an invitation", request=None, responses={200: InvitationSerializer})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(invitations.withdraw(self.actor, self.get_object())))

    @extend_schema(summary="Send an invitation again", request=None, responses={200: InvitationSerializer})
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.once(lambda: self.changed(invitations.resend(self.actor, self.get_object())))

    @extend_schema(
        summary="Make a link of an invitation", request=None, responses={200: InvitationLinkSerializer}
    )
    @action(detail=True, methods=["post"])
    def link(self, request: Request, id: str) -> Response:  # noqa: A002
        """An answer that is never repeated: the secret is kept nowhere."""
        self.read(StrictSerializer)
        path = invitations.copy_link(self.actor, self.get_object())
        return Response({"path": path}, headers={"Cache-Control": "no-store"})

    @extend_schema(summary="Accept an invitation", request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, id: str) -> Response:  # noqa: A002
        def act() -> Response:
            invitations.accept(self.actor, self.get_object())
            return Response(status=204)

        return self.once(act)

    @extend_schema(summary="Decline an invitation", request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, id: str) -> Response:  # noqa: A002
        def act() -> Response:
            invitations.decline(self.actor, self.get_object())
            return Response(status=204)

        return self.once(act)

    @extend_schema(summary="Accept the invitation of a link", request=ByLinkInput, responses={204: None})
    @action(detail=False, methods=["post"], url_path="accept-by-link")
    def accept_by_link(self, request: Request) -> Response:
        token = self.read(ByLinkInput)["token"]

        def act() -> Response:
            row = invitations.by_link(self.actor, token)
            invitations.accept(self.actor, row, token=token)
            return Response(status=204)

        return self.once(act)
