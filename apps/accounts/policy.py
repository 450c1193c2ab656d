"""May this actor do this to this object, and which objects may this actor see?

Both answers come from one `Scope` a model, registered by the model's app. What nobody granted is
refused: a verb that is not `grant`ed to members is the operator's alone.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, Q, QuerySet

from apps.accounts.actor import Actor
from apps.accounts.models import Account, Membership
from apps.core.errors import NotFound, PermissionDenied

M = TypeVar("M", bound=Model)
FEW_ACCOUNTS = 30


class Scope(Protocol):
    """Who sees the rows of a model: as a filter and for one object. The two always agree."""

    def visible(self, actor: Actor) -> Q: ...

    def sees(self, actor: Actor, obj: Any) -> bool: ...


class Everyone:
    """Each logged-in user sees every row: offerings, zones."""

    def visible(self, actor: Actor) -> Q:
        return Q()

    def sees(self, actor: Actor, obj: Any) -> bool:
        return True


class Operators:
    """Infrastructure: the operator's alone."""

    def visible(self, actor: Actor) -> Q:
        return Q() if actor.is_operator else Q(pk__in=[])

    def sees(self, actor: Actor, obj: Any) -> bool:
        return actor.is_operator


class Members:
    """Rows of an account: seen by the account's members; with `public`, also by everyone where
    that field is true. `path` leads from the row to the account's key."""

    def __init__(self, path: str = "account_id", *, public: str = "") -> None:
        self.path = path
        self.public = public

    def visible(self, actor: Actor) -> Q:
        if actor.is_operator:
            return Q()
        if actor.user is None or not actor.user.is_active:
            return Q(pk__in=[])
        condition = Q(**{f"{self.path}__in": self._accounts(actor)})
        return condition | Q(**{self.public: True}) if self.public else condition

    def _accounts(self, actor: Actor) -> list[int] | QuerySet[Any]:
        """Keys where they are few: with them a database knows which index to use, and how often."""
        if len(actor.account_ids) <= FEW_ACCOUNTS:
            return sorted(actor.account_ids)
        return Membership.objects.filter(user=actor.user).values("account_id")

    def parts(self, actor: Actor) -> list[Q]:
        """The same rows as `visible`, account by account, for a list that merges what each has in its
        order; empty where that is not worth while."""
        if actor.is_operator or self.public or len(actor.account_ids) > FEW_ACCOUNTS:
            return []
        return [Q(**{self.path: key}) for key in sorted(actor.account_ids)]

    def sees(self, actor: Actor, obj: Any) -> bool:
        if actor.is_operator:
            return True
        if actor.user is None or not actor.user.is_active:
            return False
        if self.public and getattr(obj, self.public):
            return True
        for name in self.path.split("__"):
            obj = getattr(obj, name)
        return obj in actor.account_ids


_scopes: dict[type[Model], Scope] = {}
_granted: set[str] = set()


def register(model: type[Model], scope: Scope) -> None:
    """Say who sees the rows of `model`. Called once, by the model's app, when it is ready."""
    _scopes[model] = scope


def grant(*kinds: str) -> None:
    """Let members of an account use these verbs on what their account owns."""
    _granted.update(kinds)


def scope_of(model: type[Model]) -> Scope:
    return _scopes[model]


def visible(actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
    """The rows that the actor may know of."""
    return rows.filter(scope_of(rows.model).visible(actor))


def visible_parts(actor: Actor, model: type[Model]) -> list[Q]:
    """What `visible` shows of a model as parts that do not overlap and that an index each leads to; empty
    if it is not made of such."""
    scope = scope_of(model)
    return scope.parts(actor) if isinstance(scope, Members) else []


def find(actor: Actor, rows: QuerySet[M], uuid: object, *, place: str = "") -> M:
    """The visible row of this public id; NotFound names `place` otherwise."""
    kind = rows.model._meta.model_name
    try:
        return visible(actor, rows).get(uuid=uuid if isinstance(uuid, UUID) else UUID(str(uuid)))
    except (ObjectDoesNotExist, ValueError):
        raise NotFound(place=place, kind=kind) from None


def may(actor: Actor, kind: str, obj: Model | None = None) -> bool:
    """Whether the actor may do `kind` ("vm.start") to `obj`, an owned row or an account."""
    if actor.is_operator:
        return True
    if kind not in _granted or actor.user is None or not actor.user.is_active:
        return False
    if obj is None:
        return True
    owner = obj.pk if isinstance(obj, Account) else getattr(obj, "account_id", None)
    return owner in actor.account_ids


def require(actor: Actor, kind: str, obj: Model | None = None) -> None:
    """PermissionDenied unless the actor may; NotFound if the actor may not even know of it."""
    if may(actor, kind, obj):
        return
    if obj is not None and type(obj) in _scopes and not scope_of(type(obj)).sees(actor, obj):
        raise NotFound(kind=obj._meta.model_name)
    raise PermissionDenied(permission=kind)
