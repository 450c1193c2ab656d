"""Cells that more than one list draws."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import get_language

from apps.portal.badges import badge_of


def badge(kind: str, value: Any) -> SafeString:
    """The badge of a state, as `{% state %}` draws it."""
    return _badge(kind, value, get_language() or "")


@lru_cache(maxsize=500)
def _badge(kind: str, value: Any, language: str) -> SafeString:
    return SafeString(render_to_string("components/state.html", {"badge": badge_of(kind, value)}).strip())


def moment(value: datetime) -> SafeString:
    """A time as it is read down a column, with seconds and zone on hover. It takes no focus: thirty rows
    of stops would be in the way of the keyboard, and the row's own page tells the exact time."""
    local = localtime(value)
    day = date_format(local, "SHORT_DATE_FORMAT")
    exact = f"{day} {local:%H:%M:%S} {local.tzname()}"
    return format_html(
        '<time datetime="{}" title="{}">{} {}</time>', value.isoformat(), exact, day, f"{local:%H:%M}"
    )
