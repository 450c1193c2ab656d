"""Choosing one of very many: a field into which a name is typed, with what matches offered as one types.
Without a script it is a field for a name, or for an id where several rows have that name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy, projects
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain
from apps.accounts.rest import parse_uuid
from apps.core.errors import InvalidInput, NotFound
from apps.core.names import MAX_NAME, fold
from apps.portal.pages import page, told

CHOSEN_UP_TO = 100
"""So many rows are chosen from a list; of more one is named."""
OFFERED = 20
Rows = QuerySet[Any]

KINDS: dict[str, Callable[[Actor], Rows]] = {
    "domain": lambda actor: policy.visible(actor, Domain.objects.select_related("parent")),
    "account": lambda actor: policy.visible(actor, Account.objects.select_related("domain")),
    "project-domain": lambda actor: projects.domains_for(actor).select_related("parent"),
}


class Picker(forms.TextInput):
    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(**options)
        self.kind = kind

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        options = f"{(attrs or {}).get('id', name)}-options"
        asks = {
            "list": options,
            "autocomplete": "off",
            "hx-get": reverse("portal:pick", args=[self.kind]),
            "hx-params": name,
            "hx-trigger": "input changed delay:300ms, focus once",
            "hx-target": f"#{options}",
            "hx-swap": "innerHTML",
        }
        drawn = super().render(name, value, {**(attrs or {}), **asks}, renderer)
        return format_html('{}<datalist id="{}"></datalist>', drawn, options)


def picked(label: Any, kind: str, *, help_text: Any = "", required: bool = True) -> forms.CharField:
    """The field of a form whose service is handed the text."""
    help_text = help_text or _("Its name, or its id if several have that name.")
    return forms.CharField(
        label=label, help_text=help_text, required=required, max_length=500, widget=Picker(kind)
    )


class RowField(forms.CharField):
    """Gives the row itself, as a choice from a list would."""

    def __init__(self, rows: Rows, kind: str, **options: Any) -> None:
        super().__init__(max_length=500, widget=Picker(kind, attrs={"class": "form-control"}), **options)
        self.rows = rows

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return row_of(self.rows, text, "name")
        except InvalidInput as error:
            said = told(error)
            raise forms.ValidationError(f"{said.detail} {said.remedy}".strip()) from None

    def id_of(self, text: Any) -> Any:
        """For the API; what is no row of these stays as it was typed."""
        try:
            return str(row_of(self.rows, str(text), "name").uuid) if text else None
        except InvalidInput:
            return text

    def prepare_value(self, value: Any) -> Any:
        """What the form began with is an id: it is shown by its name where no other row has that one."""
        uuid = parse_uuid(str(value)) if value else None
        row = self.rows.filter(uuid=uuid).first() if uuid else None
        if row is None:
            return value
        return row.name if self.rows.filter(name_key=row.name_key).count() == 1 else str(row.uuid)


def row_of(rows: Rows, text: str, place: str) -> Any:
    """The one of this name or id."""
    uuid = parse_uuid(text.strip())
    found = list((rows.filter(uuid=uuid) if uuid else rows.filter(name_key=fold(text.strip())))[:2])
    if len(found) != 1:
        raise InvalidInput("several_of_this_name" if found else "no_such_owner", place=place)
    return found[0]


def offer(form: forms.Form, name: str, rows: Rows, kind: str) -> None:
    """Fill a field that chooses a row: few are listed, and of many one is named."""
    field: Any = form.fields[name]
    if len(rows.values_list("pk")[: CHOSEN_UP_TO + 1]) <= CHOSEN_UP_TO:
        field.queryset, field.to_field_name = rows, "uuid"
        return
    empty = getattr(field, "empty_label", None)
    hint = field.help_text or _("Its name, or its id if several have that name.")
    if empty and not field.required:
        hint = format_html("{} {}", hint, _("Empty: %(empty)s.") % {"empty": empty})
    form.fields[name] = RowField(rows, kind, label=field.label, required=field.required, help_text=hint)


@page
def pick(request: HttpRequest, actor: Actor, kind: str) -> HttpResponse:
    """What the typed text may mean, as options: those who see nothing are offered nothing."""
    if kind not in KINDS:
        raise NotFound
    text = next((said for name in request.GET if (said := request.GET.get(name, "").strip())), "")
    rows = KINDS[kind](actor)
    found = list(rows.filter(name_key__contains=fold(text[:MAX_NAME])).order_by("name_sort", "pk")[:OFFERED])
    named = list(rows.filter(name_key__in={row.name_key for row in found}).values_list("name_key", flat=True))
    above = _seen_above(actor, found)
    options = [
        (row.name if named.count(row.name_key) == 1 else row.uuid, _about(row, above)) for row in found
    ]
    return render(request, "portal/search/options.html", {"options": options})


def _above(row: Any) -> Domain | None:
    return row.domain if isinstance(row, Account) else row.parent


def _seen_above(actor: Actor, rows: list[Any]) -> set[int]:
    """An account tells of its domain; of what lies above a domain is told who sees that."""
    domains = {above.pk for row in rows if isinstance(row, Domain) and (above := _above(row))}
    seen = set(policy.visible(actor, Domain.objects.filter(pk__in=domains)).values_list("pk", flat=True))
    return seen | {row.domain_id for row in rows if isinstance(row, Account)}


def _about(row: Any, seen: set[int]) -> str:
    above = _above(row)
    return f"{row.name} · {above.name}" if above and above.pk in seen else str(row.name)
