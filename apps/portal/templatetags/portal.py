"""What templates say things with: icons, states, sizes and times."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.core.words.times import ago
from apps.portal.badges import badge_of

register = template.Library()
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@cache
def _drawing(name: str) -> str:
    """The inside of an icon's SVG; empty before front-end files were fetched."""
    path = settings.BASE_DIR / "static" / "vendor" / "icons" / f"{name}.svg"
    if not path.exists():
        return ""
    text = path.read_text()
    return text[text.index(">") + 1 : text.rindex("</svg>")].strip()


@register.simple_tag
def icon(name: str, kind: str = "") -> SafeString:
    """An icon beside a word that says the same: screen readers skip it."""
    drawing = mark_safe(_drawing(name))  # noqa: S308 - our own file
    return format_html(
        '<svg class="icon {}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{}</svg>',
        kind,
        drawing,
    )


@register.inclusion_tag("components/state.html")
def state(kind: str, value: Any) -> dict[str, Any]:
    """The badge of a state: `{% state "vm" vm.state %}`. Kinds are those of apps.portal.badges."""
    return {"badge": badge_of(kind, value)}


@register.filter
def size(count: int | None) -> str:
    """Bytes in the largest binary unit that leaves at least one: 1.5 GiB."""
    amount, unit = float(count or 0), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    places = 0 if amount >= 100 or amount == int(amount) else 1
    return f"{number_format(amount, places, use_l10n=True, force_grouping=True)} {_UNITS[unit]}"


@register.filter
def mib(count: int | None) -> str:
    """Mebibytes in the largest binary unit: 2 GiB."""
    return size((count or 0) * 2**20)


@register.simple_tag
def when(moment: datetime | None) -> str:
    """How long ago, with the exact time and its zone on hover and for machines."""
    if moment is None:
        return ""
    exact = f"{date_format(timezone.localtime(moment), 'DATETIME_FORMAT')} {timezone.localtime(moment):%Z}"
    return format_html(
        '<time datetime="{}" title="{}" tabindex="0">{}</time>',
        moment.isoformat(),
        exact,
        ago(moment),
    )


@register.simple_tag
def live_since() -> int:
    """The moment of which a page shows the state, as static/portal/live.js names it to the server."""
    return int(time.time() * 1000)


@register.filter
def seconds(value: float | None) -> str:
    """A duration as people read it: 0.4 s, 12 s, 3 min 20 s."""
    if value is None:
        return ""
    if value < 10:
        return f"{number_format(value, 1, use_l10n=True)} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


@register.filter
def percent(part: float | None, whole: float | None) -> int:
    """Of a whole, from 0; 0 of nothing."""
    return round(100 * (part or 0) / whole) if whole else 0
