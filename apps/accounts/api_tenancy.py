"""Domains and accounts over REST: made, renamed, moved, disabled, closed and kept after all; their
members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import closing, members, ownership, policy, services, tenancy
from apps.accounts.models import Account, Domain, Membership, Role, Standing, User
from apps.accounts.rest import Reference, ResourceViewSet
from apps.core.fields import Id, Text
from apps.core.filters import ByChoice, ById, Search
from apps.core.rest import StrictSerializer

_MEMBER = [OpenApiParameter("user", OpenApiTypes.UUID, OpenApiParameter.PATH)]


class TouchedRow(serializers.Serializer[Any]):
    """Rows of one kind; `needed` of them stay, since others use them, and go to the heir."""

    kind = serializers.CharField()
    count = serializers.IntegerField()
    names = serializers.ListField(child=serializers.CharField(), help_text="The first few.")
    needed = serializers.IntegerField()


class TouchedAnswer(serializers.Serializer[Any]):
    touched = TouchedRow(many=True)


class OwnerSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    state = serializers.ChoiceField(Standing.choices, source="standing")
    closes_at = serializers.DateTimeField(allow_null=True)
    heir = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(Reference(allow_null=True))
    def get_heir(self, row: Account | Domain) -> dict[str, Any] | None:
        """Who takes over what others use; null also where you may not know of that account."""
        return self._seen(row.heir)

    def _seen(self, row: Account | Domain | None) -> dict[str, Any] | None:
        view = self.context.get("view")
        if row is None or view is None or not policy.sees(view.actor, row):
            return None
        return dict(Reference(row).data)


class DomainSerializer(OwnerSerializer):
    parent = serializers.SerializerMethodField()  # type: ignore[assignment]

    @extend_schema_field(Reference(allow_null=True))
    def get_parent(self, domain: Domain) -> dict[str, Any] | None:
        """The domain above; null for the topmost one that you see."""
        return self._seen(domain.parent)


class AccountSerializer(OwnerSerializer):
    kind = serializers.ChoiceField(Account.Kind.choices)
    domain = Reference()


class DomainInput(StrictSerializer):
    name = Text()
    parent = Id()  # type: ignore[assignment]


class MoveDomainInput(StrictSerializer):
    parent = Id()  # type: ignore[assignment]


class AccountInput(StrictSerializer):
    name = Text()
    domain = Id()
    members = serializers.ListField(child=Id(), default=list, max_length=100)


class MoveAccountInput(StrictSerializer):
    domain = Id()


class NameInput(StrictSerializer):
    name = Text()


class CloseInput(StrictSerializer):
    """`heir` is the account that takes over what others use, such as an image."""

    heir = Id(allow_null=True, default=None)


class MemberSerializer(serializers.Serializer[Any]):
    user = serializers.SerializerMethodField()
    role = serializers.SerializerMethodField()
    ends_at = serializers.DateTimeField(allow_null=True)
    rule = serializers.CharField(source="rule.name", default=None, allow_null=True, help_text="That gave it.")

    @extend_schema_field(Reference())
    def get_user(self, row: Membership) -> dict[str, Any]:
        return {"id": str(row.user.uuid), "name": row.user.username}

    @extend_schema_field(Reference())
    def get_role(self, row: Membership) -> dict[str, Any]:
        return {"id": str(row.role.uuid), "name": row.role.name}


class MembersAnswer(serializers.Serializer[Any]):
    members = MemberSerializer(many=True)


class MemberInput(StrictSerializer):
    """Without a role a new member is a user of the account."""

    user = Id()
    role = Id(allow_null=True, default=None)
    ends_at = serializers.DateTimeField(allow_null=True, default=None)


class MemberPatch(StrictSerializer):
    """What is not given stays."""

    role = Id(required=False)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)


class OwnerViewSet(ResourceViewSet):
    """What accounts and domains share."""

    def _changed_by(self, act: Callable[[Any], Any]) -> Response:
        return self.once(lambda: self.changed(act(self.get_object())))

    @extend_schema(summary="Rename", request=NameInput)
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        name = self.read(NameInput)["name"]
        rename: Any = tenancy.rename_domain if self.basename == "domain" else tenancy.rename_account
        return self._changed_by(lambda row: rename(self.actor, row, name=name))

    @extend_schema(
        summary="Let nothing start or be made there",
        description="Its machines are stopped. Its people still log in.",
        request=None,
    )
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self._changed_by(lambda row: closing.disable(self.actor, row))

    @extend_schema(summary="Let it work again", request=None)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, id: str) -> Response:  # noqa: A002
        return self._changed_by(lambda row: closing.enable(self.actor, row))

    @extend_schema(
        summary="Begin to delete it with all it owns",
        description="Its machines are stopped. It goes at `closes_at`; until then it can be kept after all.",
        request=CloseInput,
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, id: str) -> Response:  # noqa: A002
        heir = self.read(CloseInput)["heir"]
        found = self.find(Account, heir, "heir", "domain") if heir else None
        return self._changed_by(lambda row: closing.close(self.actor, row, heir=found))

    @extend_schema(summary="Keep it after all", request=None)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, id: str) -> Response:  # noqa: A002
        return self._changed_by(lambda row: closing.reopen(self.actor, row))

    @extend_schema(
        summary="What it owns", description="What would go if it were closed.", responses={200: TouchedAnswer}
    )
    @action(detail=True, methods=["get"])
    def touched(self, request: Request, id: str) -> Response:  # noqa: A002
        row = self.get_object()
        policy.require(self.actor, f"{self.basename}.close", row)
        return Response(TouchedAnswer({"touched": ownership.touched(row)}).data)


@extend_schema_view(list=extend_schema(summary="List domains"), retrieve=extend_schema(summary="One domain"))
class DomainViewSet(OwnerViewSet):
    queryset = Domain.objects.select_related("parent", "heir__domain")
    serializer_class = DomainSerializer
    infrastructure = "domain.read"
    filters = {"q": Search(), "parent": ById("parent__uuid")}

    @extend_schema(summary="Create a domain", request=DomainInput, responses={201: DomainSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(DomainInput)
        given["parent"] = self.find(Domain, given["parent"], "parent")
        return self.once(lambda: self.created(services.create_domain(self.actor, **given)))

    @extend_schema(
        summary="Move below another domain",
        description="With all below it. What it uses counts there, and has to fit.",
        request=MoveDomainInput,
    )
    @action(detail=True, methods=["post"])
    def move(self, request: Request, id: str) -> Response:  # noqa: A002
        parent = self.find(Domain, self.read(MoveDomainInput)["parent"], "parent")
        return self._changed_by(lambda row: tenancy.move_domain(self.actor, row, parent=parent))


@extend_schema_view(
    list=extend_schema(summary="List the accounts you belong to"),
    retrieve=extend_schema(summary="One account"),
)
class AccountViewSet(OwnerViewSet):
    queryset = Account.objects.select_related("domain", "heir__domain")
    serializer_class = AccountSerializer
    filters = {
        "q": Search(),
        "domain": ById("domain__uuid"),
        "kind": ByChoice("kind", tuple(Account.Kind.values)),
    }

    @extend_schema(summary="Create an account", request=AccountInput, responses={201: AccountSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(AccountInput)
        given["domain"] = self.find(Domain, given["domain"], "domain")
        given["members"] = [self.find(User, member, "members") for member in given["members"]]
        return self.once(lambda: self.created(services.create_account(self.actor, **given)))

    @extend_schema(
        summary="Move to another domain",
        description="What it uses counts there, and has to fit.",
        request=MoveAccountInput,
    )
    @action(detail=True, methods=["post"])
    def move(self, request: Request, id: str) -> Response:  # noqa: A002
        domain = self.find(Domain, self.read(MoveAccountInput)["domain"], "domain")
        return self._changed_by(lambda row: tenancy.move_account(self.actor, row, domain=domain))

    @extend_schema(summary="Who acts for it", responses={200: MembersAnswer})
    @action(detail=True, methods=["get"])
    def members(self, request: Request, id: str) -> Response:  # noqa: A002
        return Response(self._members(self.get_object()))

    @extend_schema(summary="Add a member", request=MemberInput, responses={200: MembersAnswer})
    @members.mapping.post
    def add_member(self, request: Request, id: str) -> Response:  # noqa: A002
        given = self.read(MemberInput)

        def act() -> Response:
            account, user = self.get_object(), self.find(User, given["user"], "user")
            role = self.find(Role, given["role"], "role") if given["role"] else None
            members.add_member(self.actor, account, user=user, role=role, ends_at=given["ends_at"])
            return Response(self._members(account))

        return self.once(act)

    @extend_schema(
        summary="Change a member's role",
        parameters=_MEMBER,
        request=MemberPatch,
        responses={200: MembersAnswer},
    )
    @action(detail=True, methods=["patch"], url_path=r"members/(?P<user>[^/.]+)")
    def member(self, request: Request, id: str, user: str) -> Response:  # noqa: A002
        given = self.read(MemberPatch)

        def act() -> Response:
            account, person = self.get_object(), self.find(User, user, "user")
            wanted: dict[str, Any] = {"ends_at": given["ends_at"]} if "ends_at" in given else {}
            if "role" in given:
                wanted["role"] = self.find(Role, given["role"], "role")
            members.change_member(self.actor, account, user=person, **wanted)
            return Response(self._members(account))

        return self.once(act)

    @extend_schema(summary="Remove a member", parameters=_MEMBER, responses={204: None})
    @member.mapping.delete
    def remove_member(self, request: Request, id: str, user: str) -> Response:  # noqa: A002
        def act() -> Response:
            account = self.get_object()
            members.remove_member(self.actor, account, user=self.find(User, user, "user"))
            return Response(status=204)

        return self.once(act)

    def _members(self, account: Account) -> dict[str, Any]:
        rows = account.memberships.select_related("user", "role", "rule").order_by("user__username")
        return dict(MembersAnswer({"members": rows}).data)
