"""Columns and filters that more than one list has."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from apps.portal.list_cells import badge
from apps.portal.list_filters import Flag
from apps.portal.lists import Column


def name_of(url: str) -> Column:
    """The row's name, which leads to the row's page."""
    return Column(
        "name",
        _("Name"),
        lambda row: row.name,
        order="name_sort",
        href=lambda row: reverse(f"portal:{url}", args=[row.uuid]),
    )


def _enabled(row: Any) -> str:
    return say("Enabled") if row.enabled else say("Disabled")


CREATED = Column("created", _("Created"), lambda row: row.created_at, order="id", shown=False)
ENABLED = Column("state", _("State"), _enabled, html=lambda row: badge("enabled", row.enabled))
ENABLED_FILTER = Flag("enabled", _("Enabled"), _("Enabled"), _("Disabled"))
