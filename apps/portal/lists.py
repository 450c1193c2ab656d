"""List pages: one machinery for every list of the portal.

A section declares its list once and its view hands the request over:

    LIST = ListPage(
        key="hosts",
        title=_("Hosts"),
        rows=lambda: Host.objects.select_related("cluster", "zone"),
        columns=(
            Column("name", _("Name"), lambda host: host.name, order="name_sort",
                   href=lambda host: reverse("portal:host", args=[host.uuid])),
            Column("state", _("State"), lambda host: host.get_state_display(),
                   html=lambda host: badge("host", host.state)),
            Column("created", _("Created"), lambda host: host.created_at, order="id"),
        ),
        filters=(Search(_("Name")), Choice("state", _("State"), HostState.choices, several=True),
                 Owner("zone", _("Zone"), Zone.objects.all)),
        default_order="name",
        empty=Empty(_("No hosts yet"), _("Add one to a cluster."), "portal:host-new", _("Add host")),
    )

    @operator_page
    def host_list(request, actor):
        return LIST.respond(request, actor)

That gives filters, order and columns in the URL, pages by key in both directions, a capped total, CSV, and
the swap of the table alone where htmx asks for it. An `order` is a column that is never null, with an index
(column, id) behind it. What a page shows beyond its rows comes from `prepare(actor, rows)`, in a number of
queries that does not depend on the rows. A template of the section's own extends `portal/list.html`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core import keyset
from apps.core.errors import CloudError
from apps.portal.list_cells import moment
from apps.portal.list_csv import csv_of
from apps.portal.list_filters import Control, Filter, Found, find_owners
from apps.portal.list_url import Wish, read
from apps.portal.pages import told

PAGE = 50
Label = str | Promise
Row = Any
Rows = Callable[[], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """`text` is what CSV holds and what the cell shows, unless `html` draws it. A column with an
    `order` can be sorted by; one that is not `shown` is chosen by the reader."""

    key: str
    label: Label
    text: Callable[[Row], object]
    html: Callable[[Row], SafeString] | None = None
    href: Callable[[Row], str] | None = None
    order: str = ""
    operators: bool = False
    shown: bool = True

    def cell(self, row: Row) -> str:
        drawn: Any = self.html(row) if self.html else None
        if drawn is None:
            value = self.text(row)
            drawn = moment(value) if isinstance(value, datetime) else value
        if self.href and (href := self.href(row)):
            return format_html('<a href="{}"><bdi>{}</bdi></a>', href, drawn)
        return format_html("{}", "" if drawn is None else drawn)


@dataclass(frozen=True, slots=True)
class Empty:
    """What a list says that has no row yet. `url` is the name of the address that makes the first."""

    title: Label
    text: Label
    url: str = ""
    label: Label = ""
    icon: str = "circle"

    @property
    def href(self) -> str:
        return reverse(self.url) if self.url else ""


@dataclass(frozen=True, slots=True)
class ListPage:
    """The declaration of a list. `key` names it for saved views and for files of CSV. `bulk` tells the
    acts on several rows that this actor may ask for; `bulk_url` is the address that they are sent to. With
    `live`, a list's name in apps/portal/live/topics.py, the table follows what happens."""

    key: str
    title: Label
    rows: Rows
    columns: Sequence[Column]
    filters: Sequence[Filter] = ()
    default_order: str = "name"
    empty: Empty | None = None
    template: str = "portal/list.html"
    prepare: Callable[[Actor, list[Row]], None] | None = None
    live: str = ""
    bulk: Callable[[Actor], Sequence[Any]] | None = None
    bulk_url: str = ""
    bulk_limit: int = 200

    def columns_for(self, actor: Actor) -> list[Column]:
        return [column for column in self.columns if actor.is_operator or not column.operators]

    def filters_for(self, actor: Actor) -> list[Filter]:
        return [each for each in self.filters if actor.is_operator or not each.operators]

    def respond(
        self,
        request: HttpRequest,
        actor: Actor,
        *,
        rows: QuerySet[Any] | None = None,
        live: str = "",
        **context: Any,
    ) -> HttpResponseBase:
        """The page, its table alone for htmx, or the rows as CSV. `rows` narrow the list further, as
        on the page of one zone; `live` is then the topic that its table follows."""
        shown = Shown(self, request, actor, self.rows() if rows is None else rows, live=live)
        if request.GET.get("format") == "csv" and not shown.errors:
            return csv_of(request, shown.title, shown.csv_columns, shown.chunks())
        return shown.answer(context)


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
        self.narrowed = self._narrowed()

    def _narrowed(self) -> QuerySet[Any]:
        rows = self.visible
        for each in self.filters:
            text = self.wish.given.get(each.name)
            if not text:
                continue
            try:
                rows = rows.filter(each.condition(text, self.found))
            except CloudError as error:
                self.complain(each.name, error)
                rows = rows.none()
        return rows

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
        return keyset.page_of(
            self.narrowed, self.order, limit=PAGE, mark=mark, cursor=cursor, last=self.wish.last
        )

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
    def total(self) -> int:
        return keyset.capped_total(self.narrowed)

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
    def query(self) -> str:
        return self.wish.query()

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

    @property
    def csv_columns(self) -> list[Column]:
        return self.columns

    def chunks(self) -> Iterable[list[Row]]:
        """All rows that match, some hundred at a time."""
        for pks in keyset.chunks(self.narrowed, self.order, 500):
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
