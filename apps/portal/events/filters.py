"""What the record of events is searched by, beyond what every list has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.db.models import Q

from apps.core import filters
from apps.jobs.events import event_kinds, event_label
from apps.jobs.events_api import MAX_ADDRESS, ByPerson, origin_filter
from apps.portal.list_filters import Control, Exactly, Found, Label, Option

OF_TENANTS = (
    *("account.", "domain.", "grant.", "invitation.", "login", "password.", "project.", "quota.", "role."),
    *(
        "service_account.",
        "session.",
        "snapshot.",
        "ssh_key.",
        "template.",
        "token.",
        "user.",
        "vm.",
        "volume.",
    ),
)
"""How kinds begin that others than operators can meet: infrastructure is not offered to them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Events of one kind. Only those are offered that the reader can meet."""

    name: str
    label: Label
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        return filters.ByText("kind").condition(self.name, text)

    def control(self, text: str, found: Found) -> Control:
        whole = found.actor is not None and found.actor.is_operator
        offered = {kind for kind in event_kinds() if whole or kind.startswith(OF_TENANTS)}
        labels = sorted((event_label(kind), kind) for kind in offered | ({text} if text else set()))
        options = [Option(kind, label, kind == text) for label, kind in labels]
        return Control(self.name, self.label, "select", text, options)


@dataclass(frozen=True, slots=True)
class About:
    """Events about what has the text in its name."""

    label: Label
    name: str = "q"
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        text = filters.checked(text, self.name, 200)
        named = Q(target_person__words__icontains=text, target_person__erased_at=None)
        return Q(target_name__icontains=text) | named

    def control(self, text: str, found: Found) -> Control:
        return Control(self.name, self.label, "search", text)


@dataclass(frozen=True, slots=True)
class By(Exactly):
    """Events of whoever had exactly this name then."""

    kind: ClassVar[str] = "typed"

    def condition(self, text: str, found: Found) -> Q:
        return ByPerson("actor", "actor_label").condition(self.name, text)


@dataclass(frozen=True, slots=True)
class From(Exactly):
    """Events of requests from this network address; to others than operators, of their own ones."""

    kind: ClassVar[str] = "typed"

    def condition(self, text: str, found: Found) -> Q:
        condition = ByPerson("address", limit=MAX_ADDRESS).condition(self.name, text)
        return origin_filter(found.actor, condition) if found.actor else Q(pk__in=[])
