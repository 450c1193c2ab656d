"""The editor of a role's rules: rows that buttons add, move and take away, with or without a script."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Domain
from apps.accounts.roles.rules import MAX_RULES, Rules, checked
from apps.core.errors import CloudError
from apps.portal.pages import told
from apps.portal.service_forms import ServiceForm, line

Pair = list[str]


class RoleForm(ServiceForm):
    name = line(_("Name"))
    about = line(_("What it is for"), required=False)
    domain = forms.ModelChoiceField(
        Domain.objects.none(),
        label=_("Domain"),
        help_text=_("The role can be given in this domain and below it."),
        empty_label=_("The whole cloud"),
        required=False,
        to_field_name="uuid",
    )

    def __init__(self, actor: Actor, data: QueryDict | None, *, change: bool = False, **options: Any) -> None:
        self.rules: list[Pair] = options.pop("rules", [["allow", ""]])
        super().__init__(data, **options)
        if data is not None:
            self.rules = pairs_of(data)
        if change:
            del self.fields["domain"]
            return
        field: Any = self.fields["domain"]
        field.queryset = domains_of(actor)
        if not policy.may(actor, "role.create"):
            field.empty_label = None

    def given(self) -> dict[str, Any]:
        return {**self.cleaned_data, "rules": written(self.rules)}


def domains_of(actor: Actor) -> Any:
    """Where the actor may make roles."""
    rows = Domain.objects.order_by("name_sort", "pk")
    return rows.filter(policy.scope_of(Domain).where(actor.reach("role.create")))


def pairs_of(data: QueryDict) -> list[Pair]:
    """The rows as they stand in the form, after what its button asked for."""
    pairs = zip(data.getlist("effect"), data.getlist("pattern"), strict=False)
    rows = [[effect, pattern.strip()] for effect, pattern in pairs][:MAX_RULES]
    do, _dash, number = data.get("do", "").partition("-")
    at = int(number) if number.isdecimal() and len(number) < 4 else -1
    if do == "add":
        rows.append(["allow", ""])
    elif do == "remove" and 0 <= at < len(rows):
        del rows[at]
    elif do == "up" and 0 < at < len(rows):
        rows[at - 1], rows[at] = rows[at], rows[at - 1]
    elif do == "down" and 0 <= at < len(rows) - 1:
        rows[at + 1], rows[at] = rows[at], rows[at + 1]
    return rows


def written(rows: list[Pair]) -> list[Pair]:
    """Those that say something."""
    return [pair for pair in rows if pair[1]]


def judged(rows: list[Pair]) -> tuple[Rules, str]:
    """The rules that the rows make, and what is wrong with them if they make none."""
    try:
        return Rules.of(checked(written(rows))), ""
    except CloudError as error:
        said = told(error)
        return Rules.of([]), f"{error.place}: {said.detail} {said.remedy}".strip()
