"""Fields for limits: one for each resource that is counted, where empty is no limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.counters import counted
from apps.portal.resources import label

UNITS = {
    "memory_mib": _("Memory in MiB"),
    "storage_gib": _("Disks in GiB"),
    "snapshot_gib": _("Space of snapshots in GiB"),
}


def add_limits(form: forms.Form, initial: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Add the fields to the form; their names, which are the resources'."""
    for name in counted():
        form.fields[name] = forms.IntegerField(
            label=UNITS.get(name, label(name)),
            required=False,
            initial=(initial or {}).get(name),
            widget=forms.NumberInput(attrs={"class": "form-control", "min": 0, "inputmode": "numeric"}),
        )
    return counted()


def taken(given: dict[str, Any]) -> dict[str, int]:
    """The limits among what a form gives, which loses them; what is empty is none."""
    found = {name: given.pop(name, None) for name in counted()}
    return {name: value for name, value in found.items() if value not in (None, "")}
