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

    @page_for("host.read")
    def host_list(request, actor):
        return LIST.respond(request, actor)

That gives filters, order and columns in the URL, pages by key in both directions, a capped total, CSV, and
the swap of the table alone where htmx asks for it. An `order` is a column that is never null, with an index
(column, id) behind it. What a page shows beyond its rows comes from `prepare(actor, rows)`, in a number of
queries that does not depend on the rows. A template of the section's own extends `portal/list.html`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.portal.list_cells import moment
from apps.portal.list_csv import csv_of, lines_of
from apps.portal.list_filters import Filter
from apps.portal.list_shown import Shown
from apps.portal.saved.services import default_view
from apps.portal.working import working_account

Label = str | Promise
Row = Any
Rows = Callable[[], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """`text` is what CSV holds and what the cell shows, unless `html` draws it. A column with an
    `order` can be sorted by; one that is not `shown` is chosen by the reader. Where no index has an owner
    first and then this order, the order is `walked` if many rows match: sorting them would cost more."""

    key: str
    label: Label
    text: Callable[[Row], object]
    html: Callable[[Row], SafeString] | None = None
    href: Callable[[Row], str] | None = None
    order: str = ""
    operators: bool = False
    shown: bool = True
    walked: bool = False

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
    saves_views: bool = False
    own: bool = False  # of what the reader's accounts own: it begins with the one that they work in
    lines: Callable[[Actor, list[Row]], Iterable[Any]] | None = None  # rows as the API shows them, for JSON

    def columns_for(self, actor: Actor) -> list[Column]:
        return [column for column in self.columns if not column.operators or _operates(actor)]

    def filters_for(self, actor: Actor) -> list[Filter]:
        return [each for each in self.filters if not each.operators or _operates(actor)]

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
        if not request.GET and (begins := self._begins(request, actor)):
            return redirect(f"{request.path}?{begins}")
        shown = Shown(self, request, actor, self.rows() if rows is None else rows, live=live)
        if request.GET.get("format") == "csv" and not shown.errors:
            return csv_of(request, shown.title, shown.columns, shown.chunks())
        if request.GET.get("format") == "jsonl" and self.lines and not shown.errors:
            return lines_of(request, shown.title, partial(self.lines, actor), shown.chunks())
        return shown.answer(context)

    def _begins(self, request: HttpRequest, actor: Actor) -> str:
        """The query of what the list shows before anybody asked for something: the reader's default view,
        or what belongs to the account that they work in."""
        if self.saves_views and (view := default_view(actor, self.key)) and view.query:
            return view.query
        account = working_account(request) if self.own else None
        return f"account={account.uuid}" if account else ""


def _operates(actor: Actor) -> bool:
    """Sees at least a part of the infrastructure."""
    return policy.somewhere(actor, "capacity.read")
