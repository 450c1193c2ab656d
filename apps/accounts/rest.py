"""What endpoints that act for someone share: the actor, lists of what it sees, answers given once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts import idempotency, policy
from apps.accounts.actor import Actor
from apps.accounts.authentication import actor_of
from apps.accounts.models import Account
from apps.core.errors import InvalidInput, MalformedRequest
from apps.core.filters import DeclaredFilters, Filter, refuse_unknown
from apps.core.keyset import Lead
from apps.core.paging import KeysetPagination
from apps.core.rest import StrictSerializer

NAME_ORDERS = {"name": "name_sort", "created_at": "id"}


class Reference(serializers.Serializer[Any]):
    """Another object, as far as it takes to show and to find it."""

    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()


class ResourceViewSet(GenericViewSet[Any]):
    """A kind of object. `model_rows` says how its rows are loaded; which of them the actor sees is the
    policy's answer. `infrastructure` names the permission without which none of it answers."""

    lookup_field = "uuid"
    lookup_url_kwarg = "id"
    pagination_class = KeysetPagination
    filter_backends = (DeclaredFilters,)
    filters: ClassVar[Mapping[str, Filter]] = {}
    orders: ClassVar[Mapping[str, str]] = NAME_ORDERS
    default_order: ClassVar[str] = "name"
    infrastructure: ClassVar[str] = ""
    listings: ClassVar[frozenset[str]] = frozenset({"list"})
    body_was_read = False
    lead: Lead | None = None  # how the rows that are sought are found; set by the filters

    @cached_property
    def actor(self) -> Actor:
        return actor_of(self.request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.infrastructure:
            policy.require_somewhere(self.actor, self.infrastructure)
        if self.action not in self.listings:
            refuse_unknown(request, self.parameters())

    def parameters(self) -> set[str]:
        """Query parameters that the present action takes; of `listings` the filters judge them."""
        return set()

    def get_queryset(self) -> QuerySet[Any]:
        return policy.visible(self.actor, super().get_queryset())

    def parts(self, model: type[Model]) -> list[Q]:
        """What pages of `model` are merged from; see `apps.core.keyset`."""
        return policy.visible_parts(self.actor, model)

    def joined(self, model: type[Model]) -> Q:
        """How rows of `model` are counted; see `apps.accounts.policy`."""
        return policy.visible_joined(self.actor, model)

    def get_object(self) -> Any:
        """The row that the path names; NotFound if the actor may not know of it."""
        return policy.find(self.actor, self.get_queryset(), self.kwargs["id"])

    def find(self, model: type[Model], uuid: object, place: str, *related: str) -> Any:
        """A visible row that the request refers to."""
        rows: QuerySet[Any] = model._default_manager.all()
        return policy.find(self.actor, rows.select_related(*related) if related else rows, uuid, place=place)

    def own_account(self, uuid: object) -> Account:
        """The account that is to own something new: the given one, or the actor's only one."""
        if uuid:
            account: Account = self.find(Account, uuid, "account", "domain")
            return account
        keys = list(self.actor.account_ids)
        if len(keys) != 1:
            raise InvalidInput("account_needed", place="account")
        return Account.objects.select_related("domain").get(pk=keys[0])

    def read(self, serializer: type[serializers.Serializer[Any]], **options: Any) -> dict[str, Any]:
        """The request's body, judged."""
        self.body_was_read = True
        if not isinstance(self.request.data, Mapping):
            raise MalformedRequest("not_an_object")
        form = serializer(data=self.request.data, **options)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)

    def shown(self, row: Any) -> dict[str, Any]:
        """One row as this kind of object is shown."""
        return dict(self.get_serializer(row).data)

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the path's word
        return Response(self.shown(self.get_object()))

    def created(self, row: Any) -> Response:
        location = self.reverse_action("detail", args=[str(row.uuid)])
        return Response(self.shown(row), 201, headers={"Location": location})

    def changed(self, row: Any) -> Response:
        """The row as it is now."""
        return Response(self.shown(self.get_queryset().get(pk=row.pk)))

    def removed(self, service: Callable[[Actor, Any], None]) -> Response:
        """204 once the service has removed the row that the path names."""

        def act() -> Response:
            service(self.actor, self.get_object())
            return Response(status=204)

        return self.once(act)

    def once(self, act: Callable[[], Response]) -> Response:
        """Answer, or repeat the first answer to this Idempotency-Key. An act that reads no body takes
        none: what it would ignore is refused by name."""
        if not self.body_was_read:
            self.read(StrictSerializer)
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return act()
        answer, now = idempotency.once(self.actor, key, _described(self.request), lambda: _kept(act()))
        headers = {} if now else {"Idempotency-Replayed": "true"}
        if answer["location"]:
            headers["Location"] = answer["location"]
        return Response(answer["body"], answer["status"], headers=headers)


def _described(request: Request) -> list[Any]:
    """What makes two requests the same; of a file its name and its size."""
    body = request.data
    if isinstance(body, QueryDict):
        body = {name: [_identity(value) for value in values] for name, values in body.lists()}
    return [request.method, request.path, body]


def _identity(value: Any) -> Any:
    return [value.name, value.size] if isinstance(value, UploadedFile) else value


def _kept(response: Response) -> dict[str, Any]:
    body = json.loads(JSONRenderer().render(response.data) or b"null")
    return {"status": response.status_code, "location": response.headers.get("Location", ""), "body": body}


def parse_uuid(text: str) -> UUID | None:
    """None if the text is no UUID."""
    try:
        return UUID(text)
    except ValueError:
        return None
