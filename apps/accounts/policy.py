"""May this actor do this to this object, and which objects may this actor see?

Both answers come from one reach (`apps.accounts.reach`) and one scope a model (`apps.accounts.scopes`).
What no role allows is refused. The algebra is told in docs/adr/0009.
"""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, Q, QuerySet

from apps.accounts.actor import Actor
from apps.accounts.giving import short
from apps.accounts.models import User
from apps.accounts.scopes import Records, Rows, Scope, could_hold, place_models, register, scope_of
from apps.core.errors import NotFound, PermissionDenied

__all__ = [
    "Records",
    "Refused",
    "Rows",
    "Scope",
    "find",
    "may",
    "place_models",
    "reached",
    "register",
    "require",
    "require_somewhere",
    "scope_of",
    "sees",
    "somewhere",
    "visible",
    "visible_joined",
    "visible_parts",
]

M = TypeVar("M", bound=Model)


class Refused(PermissionDenied):
    """PermissionDenied that can say why: by which rule, in which scope, and who could grant it."""

    def __init__(self, actor: Actor, permission: str, obj: Model | None = None, **params: Any) -> None:
        super().__init__(permission=permission, **params)
        self.actor, self.permission, self.obj = actor, permission, obj

    def why(self) -> dict[str, Any]:
        from apps.accounts.why import why  # noqa: PLC0415 - it asks this module

        return why(self.actor, self.permission, self.obj).data()


def is_there(actor: Actor) -> bool:
    """Whether the actor is the system or an active user."""
    return actor.user is None or actor.user.is_active


def visible(actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
    """The rows that the actor may know of."""
    if not is_there(actor):
        return rows.filter(pk__in=[])
    scope = scope_of(rows.model)
    reach = actor.reach(f"{scope.noun}.read")
    condition = scope.where(reach)
    if not reach.everything and isinstance(scope, Rows) and (around := scope.around_of(reach)) is not None:
        condition |= around
    if not reach.everything and (open_rows := scope.open_to(actor)) is not None:
        condition = (condition | open_rows) if open_rows else Q()
    return rows.filter(condition)


def sees(actor: Actor, row: Model) -> bool:
    """Whether `visible` has the row."""
    if not is_there(actor):
        return False
    scope = scope_of(type(row))
    reach = actor.reach(f"{scope.noun}.read")
    if scope.is_open_to(actor, row) or scope.holds(reach, row):
        return True
    around = scope.around_of(reach) if isinstance(scope, Rows) else None
    return around is not None and type(row)._default_manager.filter(around, pk=row.pk).exists()


def reached(actor: Actor, permission: str, rows: QuerySet[M]) -> QuerySet[M]:
    """Those of the rows to which the actor may do it: what a form offers to choose from."""
    return rows.filter(scope_of(rows.model).where(actor.reach(permission)))


def visible_parts(actor: Actor, model: type[Model]) -> list[Q]:
    """What `visible` shows of a model as parts that do not overlap and that an index each leads to; empty
    if it is not made of such."""
    scope = _of_tenants(actor, model)
    return scope.parts(actor.reach(f"{scope.noun}.read")) if scope else []


def visible_joined(actor: Actor, model: type[Model]) -> Q:
    """What `visible` shows of a model, said once more in the form that is counted fastest; without
    conditions if there is none."""
    scope = _of_tenants(actor, model)
    return scope.joined(actor.reach(f"{scope.noun}.read")) if scope else Q()


def _of_tenants(actor: Actor, model: type[Model]) -> Rows | None:
    """The model's scope, if the reach alone says what is seen."""
    scope = scope_of(model)
    if not isinstance(scope, Rows) or scope.public or scope.everyone or not is_there(actor):
        return None
    return scope


def find(actor: Actor, rows: QuerySet[M], uuid: object, *, place: str = "") -> M:
    """The visible row of this public id; NotFound names `place` otherwise."""
    kind = rows.model._meta.model_name
    try:
        return visible(actor, rows).get(uuid=uuid if isinstance(uuid, UUID) else UUID(str(uuid)))
    except (ObjectDoesNotExist, ValueError):
        raise NotFound(place=place, kind=kind) from None


def may(actor: Actor, permission: str, obj: Model | None = None) -> bool:
    """Whether the actor may do it to `obj`, or, of what lies in no scope, in the whole cloud."""
    if not is_there(actor):
        return False
    reach = actor.reach(permission)
    if obj is None or actor.is_operator:
        return reach.everything
    scope = scope_of(type(obj))
    return (reach.everything or scope.governs(reach, obj)) and not scope.above(actor, permission, obj)


def somewhere(actor: Actor, permission: str) -> bool:
    """Whether there is any scope in which the actor may: for menus and for pages that ask on."""
    return is_there(actor) and could_hold(permission.partition(".")[0], actor.reach(permission))


def require(actor: Actor, permission: str, obj: Model | None = None) -> None:
    """Refused unless the actor may; NotFound if the actor may not even know of `obj`."""
    if may(actor, permission, obj):
        return
    if obj is not None and not sees(actor, obj):
        raise NotFound(kind=obj._meta.model_name)
    more = above(actor, permission, obj)
    raise Refused(actor, permission, obj, **more)


def above(actor: Actor, permission: str, obj: Model | None) -> dict[str, Any]:
    """Why an object that is reached is still too much for the actor, as a reason; empty if it is not that."""
    if obj is None or not is_there(actor):
        return {}
    scope, reach = scope_of(type(obj)), actor.reach(permission)
    if not (reach.everything or scope.governs(reach, obj)):
        return {}
    missing = scope.above(actor, permission, obj)
    reason = "user_is_more_than_you" if isinstance(obj, User) else "gives_more_than_you_hold"
    return {"reason": reason, "permissions": short(missing)} if missing else {}


def require_somewhere(actor: Actor, permission: str) -> None:
    """Refused unless there is a scope in which the actor may."""
    if not somewhere(actor, permission):
        raise Refused(actor, permission)
