"""Who holds which role where, and until when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.accounts.models import Grant
from apps.accounts.scopes import place_models
from apps.core.errors import InvalidInput
from apps.core.filters import checked
from apps.core.names import MAX_NAME, fold
from apps.portal.list_filters import Choice, Control, Found, Id, Label, Option
from apps.portal.lists import Column, Empty, ListPage

SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Who:
    """Grants of people and groups that are called so."""

    label: Label
    name: str = "q"
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        key = fold(checked(text, self.name, MAX_NAME))
        return Q(user__search_key__contains=key) | Q(group__name_key__contains=key)

    def control(self, text: str, found: Found) -> Control:
        return Control(self.name, self.label, "search", text)


@dataclass(frozen=True, slots=True)
class Ends:
    """Grants by when they end."""

    name: str
    label: Label
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        now = timezone.now()
        soon = now + timedelta(days=SOON_DAYS)
        choices = {
            "never": Q(ends_at=None),
            "soon": Q(ends_at__gt=now, ends_at__lte=soon),
            "later": Q(ends_at__gt=soon),
        }
        if text not in choices:
            raise InvalidInput("not_a_choice", place=self.name, known=", ".join(choices))
        return choices[text]

    def control(self, text: str, found: Found) -> Control:
        words = (("never", _("Never")), ("soon", _("Within 30 days")), ("later", _("Later")))
        return Control(
            self.name, self.label, "select", text, [Option(key, word, key == text) for key, word in words]
        )


def rows() -> QuerySet[Grant]:
    return Grant.objects.in_force().select_related("user", "group", "role", "granted_by")


def holder(row: Grant) -> str:
    return row.user.username if row.user else row.group.name if row.group else ""


def find_places(_actor: Actor, grants: list[Any]) -> None:
    """Where each of them holds: a statement for each kind of place."""
    keys: dict[str, set[int]] = defaultdict(set)
    for row in grants:
        if row.place_id:
            keys[row.scope].add(row.place_id)
    found = {
        scope: place_models()[scope]._default_manager.in_bulk(sorted(wanted))
        for scope, wanted in keys.items()
    }
    for row in grants:
        row.place_row = found.get(row.scope, {}).get(row.place_id)


def place_of(row: Any) -> str:
    name = row.place_row.name if row.place_row else ""
    return f"{row.get_scope_display()} {name}".strip()


GRANTS = ListPage(
    key="grants",
    title=_("Grants"),
    rows=rows,
    columns=(
        Column("who", _("Who"), holder, href=lambda row: reverse("portal:grant", args=[row.uuid])),
        Column("kind", _("Kind"), lambda row: say("User") if row.user_id else say("Group"), shown=False),
        Column("role", _("Role"), lambda row: row.role.shown_name),
        Column("place", _("Where"), place_of),
        Column("ends", _("Until"), lambda row: row.ends_at or say("for good")),
        Column("by", _("Given by"), lambda row: row.granted_by.username if row.granted_by else ""),
        Column("created", _("Since"), lambda row: row.created_at, order="id"),
    ),
    filters=(
        Who(_("User or group")),
        Choice("scope", _("Where"), Grant.Scope.choices, several=True),
        Ends("ends", _("Ends")),
        Id("role", _("Id of the role"), "role__uuid"),
        Id("user", _("Id of the user"), "user__uuid"),
    ),
    default_order="-created",
    empty=Empty(
        _("No grants yet"),
        _("A grant gives somebody a role in a part of the cloud."),
        icon="shield-lock",
    ),
    prepare=find_places,
    template="portal/grants/list.html",
)
