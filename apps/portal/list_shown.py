"""One request's list: what the templates of `apps.portal.lists` read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core import keyset
from apps.core.errors import CloudError
from apps.portal.list_filters import Choice, Control, Found, Mine, Owner, Search, find_owners
from apps.portal.list_url import Wish, read
from apps.portal.pages import told
from apps.portal.saved.services import views_of

if TYPE_CHECKING:
    from apps.portal.lists import Column, Empty, ListPage
    from apps.portal.models import SavedView

PAGE = 30
Label = str | Promise
Row = Any


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a column. `direction` is "ascending" or "descending" where the list is sorted by it."""

    key: str
    label: Label
    href: str = ""
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row as it is drawn: `cells` are pairs of label and HTML."""

    row: Row
    cells: list[tuple[Label, str]]


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved view of the list, or all of it."""

    label: Label
    href: str
    current: bool


@dataclass
class Shown:
    """One request's list: what templates read."""

    declared: ListPage
    request: HttpRequest
    actor: Actor
    source: QuerySet[Any]
    live: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.declared.live and not self.live:
            self.live = f"list:{self.declared.live}"
        self.all_columns = self.declared.columns_for(self.actor)
        self.filters = self.declared.filters_for(self.actor)
        self.sortable = {column.key: column.order for column in self.all_columns if column.order}
        names = [each.name for each in self.filters]
        columns = [column.key for column in self.all_columns]
        self.wish: Wish = read(self.request.GET, names, self, self.declared.default_order, columns)
        self.found: Found = find_owners(self.actor, self.filters, self.wish.given)
        self.visible = policy.visible(self.actor, self.source)
        self.parts = policy.visible_parts(self.actor, self.source.model)
        self.lead: keyset.Lead | None = None
        self.narrowed = self._narrowed()

    def _narrowed(self) -> QuerySet[Any]:
        rows = self.met = self.visible
        leading = Q()
        for each in self.filters:
            text = self.wish.given.get(each.name)
            if not text:
                continue
            try:
                if isinstance(each, Search) and each.by:
                    self.lead = each.by.lead(each.name, text)
                    continue
                condition = each.condition(text, self.found)
                rows = rows.filter(condition)
                if isinstance(each, Owner) and "__" not in each.key:
                    self.met = keyset.filter_met(self.met, each.key, self.found.chosen[each.name])
                else:
                    self.met = self.met.filter(condition)
                if isinstance(each, Choice) and not self.parts:
                    self.parts = each.parts(text)
                if isinstance(each, Owner | Mine) and each.indexed:
                    leading &= condition
            except CloudError as error:
                self.complain(each.name, error)
                rows = rows.none()
        return self._led(rows, leading) if leading and self.parts and not self.lead else rows

    def _led(self, rows: QuerySet[Any], leading: Q) -> QuerySet[Any]:
        """Where few rows in all meet these conditions, those are looked at instead of each account's."""
        found = keyset.few(self.source.model, leading)
        if found is None:
            return rows
        self.parts = []
        return rows.filter(pk__in=found)

    @property
    def matching(self) -> QuerySet[Any]:
        """All rows that the list finds, in no order."""
        return self.lead.narrow(self.narrowed) if self.lead else self.narrowed

    def complain(self, name: str, error: CloudError) -> None:
        said = told(error)
        self.errors[name] = f"{said.detail} {said.remedy}".strip()

    @property
    def title(self) -> str:
        return str(self.declared.title)

    @cached_property
    def columns(self) -> list[Column]:
        chosen = self.wish.columns
        return [c for c in self.all_columns if (c.key in chosen if chosen else c.shown)]

    @cached_property
    def order(self) -> keyset.Order:
        name = self.wish.order.removeprefix("-")
        return keyset.Order.by(self.sortable[name], descending=self.wish.order.startswith("-"))

    @cached_property
    def page(self) -> keyset.Page:
        mark = keyset.mark_of(self.request.path, self.wish.query())
        wish = self.wish
        try:
            return self._page(mark, wish.cursor)
        except CloudError as error:
            self.complain("page", error)
            return self._page(mark, "")

    def _page(self, mark: str, cursor: str) -> keyset.Page:
        rows, parts, lead = self.narrowed, self.parts, self.lead
        if not self.total_is_capped:
            rows, parts, lead = self.source.model._default_manager.filter(pk__in=self.keys), [], None
        elif self._is_walked and not parts:
            rows = self.met
        return keyset.page_of(
            rows,
            self.order,
            limit=PAGE,
            mark=mark,
            cursor=cursor,
            last=self.wish.last,
            parts=parts,
            lead=lead,
        )

    @property
    def _is_walked(self) -> bool:
        return next(c.walked for c in self.all_columns if c.key == self.wish.order.removeprefix("-"))

    @cached_property
    def rows(self) -> list[Row]:
        rows = keyset.load(self.visible, self.page.pks)
        if self.declared.prepare:
            self.declared.prepare(self.actor, rows)
        return rows

    @cached_property
    def lines(self) -> list[Line]:
        return [Line(row, [(column.label, column.cell(row)) for column in self.columns]) for row in self.rows]

    @cached_property
    def keys(self) -> list[Any]:
        """Of what the list finds, unless that is capped."""
        joined = policy.visible_joined(self.actor, self.source.model)
        return keyset.found(self.narrowed, lead=self.lead, parts=self.parts, joined=joined)

    @property
    def total(self) -> int:
        return len(self.keys)

    @property
    def total_is_capped(self) -> bool:
        return self.total > keyset.TOTAL_CAP

    @property
    def cap(self) -> int:
        return keyset.TOTAL_CAP

    @property
    def is_narrowed(self) -> bool:
        return bool(self.wish.given)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all to see, whatever the filters."""
        return not self.is_narrowed and not self.total

    @property
    def empty(self) -> Empty | None:
        return self.declared.empty

    @property
    def headers(self) -> Iterable[Header]:
        name, descending = self.wish.order.removeprefix("-"), self.wish.order.startswith("-")
        for column in self.columns:
            if not column.order:
                yield Header(column.key, column.label)
                continue
            sorted_by = column.key == name
            turned = f"-{column.key}" if sorted_by and not descending else column.key
            direction = ("descending" if descending else "ascending") if sorted_by else ""
            yield Header(column.key, column.label, self.wish.href(order=turned), direction)

    @property
    def controls(self) -> list[Control]:
        drawn = [each.control(self.wish.given.get(each.name, ""), self.found) for each in self.filters]
        return [
            Control(c.name, c.label, c.kind, c.value, c.options, self.errors.get(c.name, "")) for c in drawn
        ]

    @property
    def filters_on(self) -> int:
        """How many filters narrow the list, beside the search that always stands open."""
        searches = {each.name for each in self.filters if isinstance(each, Search)}
        return len(set(self.wish.given) - searches)

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks for the table alone, to put it where the old one stands."""
        asked = self.request.headers
        return "HX-Request" in asked and "HX-History-Restore-Request" not in asked

    @property
    def notes(self) -> list[str]:
        """What is told above the table: what belongs to no control that is drawn with it, and what the
        address holds that is not known."""
        labels = {each.name: each.label for each in self.filters}
        lines = [text for name, text in self.errors.items() if name not in labels]
        if self.is_partial:
            lines += [f"{labels[name]}: {text}" for name, text in self.errors.items() if name in labels]
        if self.wish.unknown:
            known = ", ".join(sorted(labels))
            unknown = ", ".join(self.wish.unknown)
            said = _("This address asks for something unknown, left out here: %(unknown)s. Known: %(known)s.")
            lines.append(said % {"unknown": unknown, "known": known})
        return lines

    @property
    def here(self) -> str:
        """This very page of the list, from where a table that follows what happens is fetched anew."""
        return self.request.path + self.wish.href(cursor=self.wish.cursor, page=self.wish.page)

    @property
    def first_href(self) -> str:
        return self.wish.href() if self.page.previous else ""

    @property
    def previous_href(self) -> str:
        return self.wish.href(cursor=self.page.previous) if self.page.previous else ""

    @property
    def next_href(self) -> str:
        return self.wish.href(cursor=self.page.next) if self.page.next else ""

    @property
    def last_href(self) -> str:
        return self.wish.href(page="last") if self.page.next else ""

    @property
    def clear_href(self) -> str:
        return self.wish.cleared_href()

    @property
    def csv_href(self) -> str:
        return self.wish.href(format="csv")

    @property
    def lines_href(self) -> str:
        """The same rows as lines of JSON; empty where the list has none."""
        return self.wish.href(format="jsonl") if self.declared.lines else ""

    @property
    def query(self) -> str:
        return self.wish.query()

    @property
    def key(self) -> str:
        return self.declared.key

    @cached_property
    def saved(self) -> list[SavedView]:
        return views_of(self.actor, self.key) if self.declared.saves_views else []

    @property
    def current_view(self) -> SavedView | None:
        return next((view for view in self.saved if view.query == self.query), None)

    @property
    def is_savable(self) -> bool:
        """Whether there is anything to keep, and nothing wrong with it."""
        return self.declared.saves_views and bool(self.query) and not self.errors

    @property
    def tabs(self) -> list[Tab]:
        bare = Wish({}, self.declared.default_order, (), "", "", (), self.declared.default_order, "")
        everything = Tab(_("All"), bare.href(), not self.query)
        return [
            everything,
            *(
                Tab(view.name, f"?{view.query or 'view=all'}", view.query == self.query)
                for view in self.saved
            ),
        ]

    @property
    def choosable(self) -> list[tuple[Column, bool]]:
        """Every column that the reader may look at, and whether it is shown."""
        shown = {column.key for column in self.columns}
        return [(column, column.key in shown) for column in self.all_columns]

    @property
    def other_fields(self) -> list[tuple[str, str]]:
        """What the form of columns sends along."""
        return [*self.wish.given.items(), ("order", self.wish.order)]

    @property
    def kept_fields(self) -> list[tuple[str, str]]:
        """What the form of filters sends along, so that filtering keeps order and columns."""
        fields = [("order", self.wish.order), ("columns", ",".join(self.wish.columns))]
        return [(name, value) for name, value in fields if value]

    @property
    def bulk_href(self) -> str:
        return reverse(self.declared.bulk_url)

    @property
    def may_take_all(self) -> bool:
        """Whether an act on all that were found, beyond this page, is one that is allowed at once."""
        return len(self.lines) < self.total <= self.declared.bulk_limit

    @cached_property
    def bulk(self) -> Sequence[Any]:
        return self.declared.bulk(self.actor) if self.declared.bulk else ()

    def chunks(self) -> Iterable[list[Row]]:
        """All rows that match, some hundred at a time."""
        for pks in keyset.chunks(self.matching, self.order, 500):
            rows = keyset.load(self.visible, pks)
            if self.declared.prepare:
                self.declared.prepare(self.actor, rows)
            yield rows

    def answer(self, context: dict[str, Any]) -> HttpResponse:
        """The page or, for htmx, its table. htmx swaps what comes with 200 only."""
        partial = self.is_partial
        _complete = (self.page, self.total)
        name = "portal/list_table.html" if partial else self.declared.template
        status = 422 if self.errors and not partial else 200
        response = render(self.request, name, {"list": self, **context}, status=status)
        response["Vary"] = "HX-Request"
        if partial and "X-Live" not in self.request.headers:
            response["HX-Push-Url"] = self.here
        return response
