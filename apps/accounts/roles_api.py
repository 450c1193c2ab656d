"""Roles, who holds them where, and groups; and why somebody may or may not."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import grants, policy
from apps.accounts.actor import Actor
from apps.accounts.models import Domain, Grant, Group, Role, User
from apps.accounts.rest import Reference, ResourceViewSet
from apps.accounts.roles import services as roles
from apps.accounts.scopes import place_models, registered_models
from apps.accounts.why import why
from apps.core.errors import InvalidInput
from apps.core.fields import Id, Text
from apps.core.filters import ByChoice, ByFlag, ById, Search
from apps.core.rest import StrictSerializer
from apps.core.words.permissions import PERMISSIONS

_PAIR = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}


@extend_schema_field({"type": "array", "items": _PAIR, "minItems": 1})
class Pairs(serializers.Field[Any, Any, Any, Any]):
    """Rules as they came: the service says which of them cannot be used."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class RoleSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    key = serializers.CharField(allow_null=True, help_text="Of a role that comes with the portal.")
    about = serializers.CharField(source="shown_about")
    domain = Reference(allow_null=True)
    rules = serializers.ListField(source="pairs", child=serializers.ListField(child=serializers.CharField()))
    permissions = serializers.SerializerMethodField(help_text="Every permission that the rules allow.")
    created_at = serializers.DateTimeField()

    def get_permissions(self, role: Role) -> list[str]:
        return sorted(role.allowed.permissions())


class RoleInput(StrictSerializer):
    """Without `domain` it is one of the whole cloud."""

    name = Text()
    rules = Pairs()
    about = Text(default="")
    domain = Id(allow_null=True, default=None)


class RolePatch(StrictSerializer):
    name = Text(required=False)
    about = Text(required=False)
    rules = Pairs(required=False)


@extend_schema_view(list=extend_schema(summary="List roles"), retrieve=extend_schema(summary="One role"))
class RoleViewSet(ResourceViewSet):
    queryset = Role.objects.select_related("domain")
    serializer_class = RoleSerializer
    filters = {"q": Search(), "domain": ById("domain__uuid"), "custom": ByFlag("key__isnull")}

    @extend_schema(summary="Create a role", request=RoleInput, responses={201: RoleSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(RoleInput)
        if given["domain"]:
            given["domain"] = self.find(Domain, given["domain"], "domain")
        return self.once(lambda: self.created(roles.create_role(self.actor, **given)))

    @extend_schema(summary="Change a role", request=RolePatch, responses={200: RoleSerializer})
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        given = self.read(RolePatch)
        return self.once(lambda: self.changed(roles.change_role(self.actor, self.get_object(), **given)))

    @extend_schema(summary="Remove a role that nobody holds", request=None, responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(roles.remove_role)


class PersonReference(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    username = serializers.CharField()


class GrantSerializer(serializers.Serializer[Any]):
    """`place` is the id of the region, zone, cluster, host, domain or account; null is the whole cloud."""

    id = serializers.UUIDField(source="uuid")
    user = PersonReference(allow_null=True)
    group = Reference(allow_null=True)
    role = Reference()
    scope = serializers.ChoiceField(Grant.Scope.choices)
    place = serializers.SerializerMethodField()
    ends_at = serializers.DateTimeField(allow_null=True)
    granted_by = serializers.SerializerMethodField(help_text="Null where the system gave it.")
    created_at = serializers.DateTimeField()

    def get_place(self, grant: Grant) -> str | None:
        model = place_models().get(grant.scope)
        row: Any = model._default_manager.filter(pk=grant.place_id).first() if model else None
        return str(row.uuid) if row else None

    def get_granted_by(self, grant: Grant) -> str | None:
        return grant.granted_by.username if grant.granted_by else None


class GrantInput(StrictSerializer):
    user = Id(allow_null=True, default=None)
    group = Id(allow_null=True, default=None)
    role = Id()
    scope = serializers.ChoiceField(Grant.Scope.choices)
    place = Id(allow_null=True, default=None)
    ends_at = serializers.DateTimeField(allow_null=True, default=None)


class GrantPatch(StrictSerializer):
    ends_at = serializers.DateTimeField(allow_null=True)


@extend_schema_view(
    list=extend_schema(summary="List who holds which role"), retrieve=extend_schema(summary="One grant")
)
class GrantViewSet(ResourceViewSet):
    queryset = Grant.objects.select_related("user", "group", "role", "granted_by")
    serializer_class = GrantSerializer
    orders = {"created_at": "id"}
    default_order = "created_at"
    filters = {
        "user": ById("user__uuid"),
        "group": ById("group__uuid"),
        "role": ById("role__uuid"),
        "scope": ByChoice("scope", tuple(Grant.Scope.values)),
    }

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.in_force()

    @extend_schema(summary="Grant a role", request=GrantInput, responses={201: GrantSerializer})
    def create(self, request: Request) -> Response:
        given = self.read(GrantInput)
        scope, place = given.pop("scope"), given.pop("place")
        given["place"] = self._place(scope, place)
        for name, model in (("user", User), ("group", Group), ("role", Role)):
            if given[name]:
                given[name] = self.find(model, given[name], name)
        return self.once(lambda: self.created(grants.grant_role(self.actor, **given)))

    def _place(self, scope: str, uuid: object) -> Any:
        if (scope == Grant.Scope.GLOBAL) != (uuid is None):
            raise InvalidInput("place_and_scope", place="place")
        return None if uuid is None else self.find(place_models()[scope], uuid, "place")

    @extend_schema(summary="Change the end of a grant", request=GrantPatch, responses={200: GrantSerializer})
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        ends_at = self.read(GrantPatch)["ends_at"]
        return self.once(lambda: self.changed(grants.extend(self.actor, self.get_object(), ends_at=ends_at)))

    @extend_schema(summary="Take a role away", request=None, responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.removed(grants.revoke_grant)


class GroupSerializer(serializers.Serializer[Any]):
    """`directory_key` is the directory's stable id of it, which a mapping rule names."""

    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    directory = Reference(source="directory_group.directory", allow_null=True, default=None)
    directory_key = serializers.CharField(source="directory_group.key", allow_null=True, default=None)
    people = serializers.SerializerMethodField(help_text="How many belong to it.")
    created_at = serializers.DateTimeField()

    def get_people(self, group: Group) -> int:
        return group.people.count()


@extend_schema_view(
    list=extend_schema(summary="List groups that roles can be granted to"),
    retrieve=extend_schema(summary="One group"),
)
class GroupViewSet(ResourceViewSet):
    queryset = Group.objects.select_related("directory_group__directory")
    serializer_class = GroupSerializer
    filters = {"q": Search(), "directory": ById("directory_group__directory__uuid")}


def kinds_of_objects() -> dict[str, type[Any]]:
    """What rights are asked about, as events name it: "virtual-machine", "domain"."""
    models = registered_models()
    return {
        str(model._meta.verbose_name).replace(" ", "-"): model
        for model in sorted(models, key=lambda model: str(model._meta.verbose_name))
        if hasattr(model, "uuid")
    }


def checked_object(actor: Actor, kind: str, uuid: object) -> Any:
    """The visible object of a kind."""
    kinds = kinds_of_objects()
    if kind not in kinds:
        raise InvalidInput("not_a_choice", place="kind", known=", ".join(kinds))
    return policy.find(actor, kinds[kind]._default_manager.all(), uuid, place="id")


class AccessSerializer(serializers.Serializer[Any]):
    permission = serializers.CharField()
    words = serializers.CharField()
    allowed = serializers.BooleanField()
    decided_by = serializers.CharField()
    text = serializers.CharField()
    paths = serializers.ListField(child=serializers.DictField())
    who_may = serializers.ListField(child=serializers.CharField())
    ended_at = serializers.CharField(allow_null=True)


class AccessQuery(StrictSerializer):
    user = Id(allow_null=True, default=None)
    permission = Text()
    kind = Text(default="")
    id = Id(allow_null=True, default=None)


class AccessCheckViewSet(ResourceViewSet):
    """May this user do that to this object, and why (not)? Of oneself for everybody, of others for who may
    see their roles."""

    queryset = User.objects.all()
    serializer_class = AccessSerializer

    @extend_schema(
        summary="Check what somebody may do", request=AccessQuery, responses={200: AccessSerializer}
    )
    def create(self, request: Request) -> Response:
        given = self.read(AccessQuery)
        if given["permission"] not in PERMISSIONS:
            raise InvalidInput(
                "pattern_matches_nothing", place="permission", pattern=given["permission"][:100]
            )
        user: Any = self.find(User, given["user"], "user") if given["user"] else self.actor.user
        if user != self.actor.user:
            require_sees_rights(self.actor, user)
        asked = self.actor if user == self.actor.user else Actor(user)
        obj = checked_object(self.actor, given["kind"], given["id"]) if given["kind"] else None
        return Response(AccessSerializer(why(asked, given["permission"], obj).data()).data)


def require_sees_rights(actor: Actor, user: User) -> None:
    """Somebody's rights are told to who sees roles in all of theirs."""
    policy.require(actor, "grant.read", user)
