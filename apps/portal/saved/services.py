"""Keeping, changing and forgetting views of lists. They are a reader's own: no role matters but being
logged in, nobody else's are found, and no event is recorded, as for a theme or a language."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.core import constraints
from apps.core.errors import InvalidInput, NotFound
from apps.core.filters import checked
from apps.core.names import clean_name
from apps.portal.models import MAX_QUERY, SavedView

MAX_VIEWS = 30
"""Of one list and reader: they are tabs."""


def _owner(actor: Actor) -> User:
    if actor.user is None:
        raise NotFound(kind="savedview")
    return actor.user


def views_of(actor: Actor, list_key: str) -> list[SavedView]:
    rows = SavedView.objects.filter(user=_owner(actor), list_key=list_key)
    return list(rows.order_by("name_sort", "id")[:MAX_VIEWS])


def default_view(actor: Actor, list_key: str) -> SavedView | None:
    return SavedView.objects.filter(user=_owner(actor), list_key=list_key, is_default=True).first()


def find_view(actor: Actor, uuid: UUID) -> SavedView:
    view = SavedView.objects.filter(user=_owner(actor), uuid=uuid).first()
    if view is None:
        raise NotFound(kind="savedview")
    return view


@transaction.atomic
def save_view(actor: Actor, *, list_key: str, name: str, query: str, default: bool = False) -> SavedView:
    user = _owner(actor)
    name = clean_name(name)
    checked(query, "query", MAX_QUERY)
    if SavedView.objects.filter(user=user, list_key=list_key).count() >= MAX_VIEWS:
        raise InvalidInput("too_many_views", place="name", limit=MAX_VIEWS)
    view = constraints.insert(SavedView(user=user, list_key=list_key, name=name, query=query))
    if default:
        _make_default(view)
    return view


@transaction.atomic
def change_view(actor: Actor, view: SavedView, *, name: str, default: bool) -> SavedView:
    find_view(actor, view.uuid)
    view.set_name(clean_name(name))
    view.is_default = view.is_default and default
    constraints.update(view, "name", "name_key", "name_sort", "is_default")
    if default:
        _make_default(view)
    return view


def _make_default(view: SavedView) -> None:
    others = SavedView.objects.filter(user=view.user, list_key=view.list_key, is_default=True)
    others.exclude(pk=view.pk).update(is_default=False)
    SavedView.objects.filter(pk=view.pk).update(is_default=True)
    view.is_default = True


def delete_view(actor: Actor, view: SavedView) -> None:
    SavedView.objects.filter(user=_owner(actor), pk=view.pk).delete()
