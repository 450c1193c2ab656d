"""What a list page can be narrowed to: each filter is data, lives in the URL under its name, and draws
its own control. What the API can filter by as well stands on `apps.core.filters`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar, Protocol, cast
from uuid import UUID

from django.db.models import CharField, Model, Q, QuerySet, Value
from django.utils.dateparse import parse_date
from django.utils.functional import Promise

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core import filters
from apps.core.errors import InvalidInput
from apps.core.names import MAX_NAME, fold

Label = str | Promise
OFFERED = 100
"""Owners offered by name in one select; further ones are found by typing their name."""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: Label
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """How a filter is drawn: `kind` is "search", "select", "several", "typed" or "date"."""

    name: str
    label: Label
    kind: str
    value: str = ""
    options: Sequence[Option] = ()
    error: str = ""

    @property
    def chosen_text(self) -> str:
        return ", ".join(str(option.label) for option in self.options if option.chosen)


class Filter(Protocol):
    """`condition` raises InvalidInput for a text that means nothing."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> Label: ...

    @property
    def operators(self) -> bool: ...

    def condition(self, text: str, found: Found) -> Q: ...

    def control(self, text: str, found: Found) -> Control: ...


@dataclass(frozen=True, slots=True)
class Search:
    """Rows whose name holds the text, accents and capitals aside. `by` is a better way to them than to
    look at every name, for lists that are long."""

    label: Label
    name: str = "q"
    path: str = "name_key"
    by: filters.Sought | None = None
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        return filters.Search(self.path).condition(self.name, text)

    def control(self, text: str, found: Found) -> Control:
        return Control(self.name, self.label, "search", text)


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows with one of the chosen values. In the URL several are joined by commas or repeated."""

    name: str
    label: Label
    choices: Sequence[tuple[str, Label]]
    path: str = ""
    several: bool = False
    merged: bool = False  # there is an index by value and then by each order of the list
    operators: bool = False

    def parts(self, text: str) -> list[Q]:
        """The chosen values one by one, to merge what each has in the list's order."""
        chosen = dict.fromkeys(value for value in text.split(",") if value)
        return [Q(**{self.path or self.name: value}) for value in chosen] if self.merged else []

    def condition(self, text: str, found: Found) -> Q:
        values = tuple(value for value, _label in self.choices)
        wanted = [value for value in text.split(",") if value]
        return filters.ByChoice(self.path or self.name, values).condition(self.name, ",".join(wanted))

    def control(self, text: str, found: Found) -> Control:
        chosen = set(text.split(","))
        options = [Option(value, label, value in chosen) for value, label in self.choices]
        return Control(self.name, self.label, "several" if self.several else "select", text, options)


@dataclass(frozen=True, slots=True)
class Flag:
    """Rows of which something is true, or not; `yes` and `no` are its words."""

    name: str
    label: Label
    yes: Label
    no: Label
    path: str = ""
    inverted: bool = False
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        return filters.ByFlag(self.path or self.name, self.inverted).condition(self.name, text)

    def control(self, text: str, found: Found) -> Control:
        options = [Option("true", self.yes, text == "true"), Option("false", self.no, text == "false")]
        return Control(self.name, self.label, "select", text, options)


@dataclass(frozen=True, slots=True)
class Mine:
    """Rows that the reader made; `path` leads to who made a row."""

    label: Label
    mine: Label
    name: str = "mine"
    path: str = "created_by"
    indexed: bool = False  # there is an index that begins with it
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        if text != "true":
            raise InvalidInput("not_a_choice", place=self.name, known="true")
        return Q(**{self.path: found.actor.user if found.actor else None})

    def control(self, text: str, found: Found) -> Control:
        return Control(self.name, self.label, "select", text, [Option("true", self.mine, text == "true")])


@dataclass(frozen=True, slots=True)
class _Typed:
    """What is typed as it stands, into one field of this kind."""

    kind: ClassVar[str] = "typed"

    name: str
    label: Label
    path: str = ""
    operators: bool = False

    def control(self, text: str, found: Found) -> Control:
        return Control(self.name, self.label, self.kind, text)


@dataclass(frozen=True, slots=True)
class Exactly(_Typed):
    """Rows whose column is exactly this text."""

    def condition(self, text: str, found: Found) -> Q:
        return filters.ByText(self.path or self.name).condition(self.name, text)


@dataclass(frozen=True, slots=True)
class Id(_Typed):
    """Rows about the object of this public id, which a link brings along."""

    def condition(self, text: str, found: Found) -> Q:
        return filters.ById(self.path or self.name).condition(self.name, text)


@dataclass(frozen=True, slots=True)
class Day(_Typed):
    """Rows since the beginning of a day (UTC); with `until`, up to its end."""

    kind: ClassVar[str] = "date"

    until: bool = False

    def condition(self, text: str, found: Found) -> Q:
        try:
            day = parse_date(text)
        except ValueError:
            day = None
        if day is None or not 1970 <= day.year <= 9000:
            raise InvalidInput("not_a_day", place=self.name)
        begin = datetime.combine(day, time(), tzinfo=UTC)
        bound = {"lt": begin + timedelta(days=1)} if self.until else {"gte": begin}
        return Q(**{f"{self.path or self.name}__{how}": value for how, value in bound.items()})


@dataclass(frozen=True, slots=True)
class Owner:
    """Rows that belong to an object with a name: a zone, an account. In the URL its public id, or its
    name where people type it. `path` is the foreign key; `rows` are narrowed to what the actor sees."""

    name: str
    label: Label
    rows: Callable[[], QuerySet[Any]]
    path: str = ""
    indexed: bool = False  # there is an index that begins with it
    operators: bool = False

    @property
    def key(self) -> str:
        return self.path or self.name

    def condition(self, text: str, found: Found) -> Q:
        keys = found.chosen.get(self.name, [])
        if not keys:
            raise InvalidInput("no_such_owner", place=self.name)
        return Q(**{self.key: keys[0]}) if len(keys) == 1 else Q(**{f"{self.key}__in": keys})

    def control(self, text: str, found: Found) -> Control:
        offered = found.offered.get(self.name, [])
        options = [Option(str(uuid), name, text in {str(uuid), name}) for uuid, name in offered[:OFFERED]]
        if len(offered) <= OFFERED and (not text or any(option.chosen for option in options)):
            return Control(self.name, self.label, "select", text, options)
        names = {str(uuid): name for uuid, name in offered}
        return Control(self.name, self.label, "typed", names.get(text, text), options)


@dataclass(slots=True)
class Found:
    """The owners that a page's filters offer and those that its URL names, and who reads the page."""

    offered: dict[str, list[tuple[UUID, str]]] = field(default_factory=dict)
    chosen: dict[str, list[int]] = field(default_factory=dict)
    actor: Actor | None = None


def find_owners(actor: Actor, declared: Iterable[Filter], given: Mapping[str, str]) -> Found:
    """What all filters by owner offer, and whom the URL names: one query for all of them."""
    owners = [each for each in declared if isinstance(each, Owner)]
    found = Found({owner.name: [] for owner in owners}, actor=actor)
    if not owners:
        return found
    parts = [_part(actor, owner, given.get(owner.name, "")) for owner in owners]
    rows = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    for name, pk, uuid, shown, _sort in sorted(rows, key=lambda row: (row[4], row[1])):
        found.offered[name].append((uuid, shown))
        text = given.get(name, "")
        if text and (text.casefold() in {str(uuid), uuid.hex} or fold(text) == fold(shown)):
            found.chosen.setdefault(name, []).append(pk)
    return found


def _part(actor: Actor, owner: Owner, text: str) -> QuerySet[Any]:
    """Those of an owner's kind, or of too many to choose from any, and the chosen ones wherever they lie."""
    rows = owner.rows()
    visible: QuerySet[Model] = policy.visible(actor, rows)
    joined = policy.visible_joined(actor, rows.model)
    first = visible.filter(joined).order_by().values("pk")[: OFFERED + 1]
    wanted = Q(pk__in=first)
    if text and len(text) <= MAX_NAME and "\0" not in text:
        wanted |= _named(text)
    columns = ("pk", "uuid", "name", "name_sort")
    kind = Value(owner.name, output_field=CharField())
    found = visible.filter(wanted).order_by().annotate(owner_kind=kind)
    return cast("QuerySet[Any]", found.values_list("owner_kind", *columns))


def _named(text: str) -> Q:
    try:
        return Q(uuid=UUID(text))
    except ValueError:
        return Q(name_key=fold(text)[: 2 * MAX_NAME])
