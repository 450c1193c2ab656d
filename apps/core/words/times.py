"""How long ago, and how long until, in the largest unit that fits. Django has words for this, but not
all of them in Greek, and some of those misspelt."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONTH = 30 * DAY
YEAR = 365 * DAY


def ago(moment: datetime) -> str:
    """ "5 minutes ago". What is still to come reads as `until`, but for what other clocks make of now."""
    past = round((timezone.now() - moment).total_seconds())
    if past <= -MINUTE:
        return until(moment)
    if past < 1:
        return _("now")
    unit = next((unit for unit in (YEAR, MONTH, DAY, HOUR, MINUTE) if past >= unit), 1)
    n = past // unit
    texts = {
        YEAR: ngettext("%(n)s year ago", "%(n)s years ago", n),
        MONTH: ngettext("%(n)s month ago", "%(n)s months ago", n),
        DAY: ngettext("%(n)s day ago", "%(n)s days ago", n),
        HOUR: ngettext("%(n)s hour ago", "%(n)s hours ago", n),
        MINUTE: ngettext("%(n)s minute ago", "%(n)s minutes ago", n),
        1: ngettext("%(n)s second ago", "%(n)s seconds ago", n),
    }
    return texts[unit] % {"n": n}


def until(moment: datetime) -> str:
    """ "in 5 days": whole ones only, so that nobody counts on more time than there is."""
    rest = int((moment - timezone.now()).total_seconds())
    if rest < MINUTE:
        return _("any moment now")
    unit = next(unit for unit in (DAY, HOUR, MINUTE) if rest >= unit)
    n = rest // unit
    texts = {
        DAY: ngettext("in %(n)s day", "in %(n)s days", n),
        HOUR: ngettext("in %(n)s hour", "in %(n)s hours", n),
        MINUTE: ngettext("in %(n)s minute", "in %(n)s minutes", n),
    }
    return texts[unit] % {"n": n}
