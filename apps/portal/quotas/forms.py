"""Forms of quotas: limits and their grace, whose they are, and when a domain's machines count."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.accounts.counters import counted
from apps.accounts.models import Counting, Quota
from apps.portal.limit_fields import UNITS
from apps.portal.resources import uses
from apps.portal.service_forms import ServiceForm, line

GRACE = ("grace_percent", "grace_days")


def split(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of `LimitsForm` as services take them."""
    limits = {name: value for name, value in given.items() if name not in GRACE}
    return {"limits": limits, **{name: given[name] for name in GRACE}}


class LimitsForm(ServiceForm):
    """A field for each resource that is counted; empty is no limit."""

    def __init__(self, row: Quota, *args: Any) -> None:
        initial = {name: row.limit(name) for name in counted()}
        initial |= {"grace_percent": row.grace_percent, "grace_days": row.grace_days}
        super().__init__(*args, initial=initial)
        for use in uses(row):
            self._add(use.resource, str(UNITS.get(use.resource, use.label)), use.text)
        unset = say("Empty: as the portal's settings say.")
        self._add("grace_percent", say("Grace in percent"), unset)
        self._add("grace_days", say("Days of grace"), unset)

    def _add(self, name: str, text: str, help_text: str) -> None:
        widget = forms.NumberInput(attrs={"class": "form-control", "min": 0})
        field = forms.IntegerField(label=text, required=False, help_text=help_text, widget=widget)
        self.fields[name] = field


class MemberLimitsForm(LimitsForm):
    """The limits of a member; `username` is asked for where it is not known whose."""

    username = line(_("User name"), code=True)

    def __init__(self, row: Quota, *args: Any) -> None:
        super().__init__(row, *args)
        if row.user_id is not None:
            del self.fields["username"]

    def body(self) -> dict[str, Any]:
        return {name: value for name, value in super().body().items() if name != "username"}


class CountingForm(ServiceForm):
    counting = forms.ChoiceField(
        label=_("vCPUs and memory count"),
        required=False,
        choices=[
            ("", _("as the domain above says")),
            (Counting.ALLOCATED, _("for every machine, also while it is off")),
            (Counting.RUNNING, _("only while a machine is on")),
        ],
    )
