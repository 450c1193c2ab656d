"""What a change takes of a quota, as forms tell it before it is asked for: a bar for each limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.accounts import quota
from apps.accounts.amounts import Amount
from apps.accounts.models import Account
from apps.accounts.quota import Standing
from apps.portal.resources import bare, label


@dataclass(frozen=True)
class Bar:
    label: str
    text: str
    used: int
    total: int


def bars_of(standing: list[Standing], *, touched: bool = False) -> Iterator[Bar]:
    """One for each resource of which the account has only so much; only what changes, if `touched`."""
    for item in standing:
        if item.limit is None or (touched and not item.wanted):
            continue
        after = max(0, item.used + item.wanted)
        text = _text(item) % {
            "now": bare(item.resource, item.used),
            "after": bare(item.resource, after),
            "beyond": bare(item.resource, item.missing or abs(item.left or 0)),
            "most": bare(item.resource, item.ceiling or 0),
            "limit": bare(item.resource, item.limit),
        }
        yield Bar(label(item.resource), text, after, item.limit)


def _text(item: Standing) -> str:
    beyond = (item.left or 0) < 0
    if not item.fits and (item.ceiling or 0) > (item.limit or 0):
        return _("%(now)s now, %(after)s afterwards, of %(limit)s (%(most)s in the days of grace): too many")
    if not item.fits:
        return _("%(now)s now, %(after)s afterwards, of %(limit)s: %(beyond)s too many")
    if item.wanted < 0 and beyond:
        return _("%(now)s now, %(after)s afterwards, of %(limit)s: %(beyond)s above it")
    if beyond:
        return _("%(now)s now, %(after)s afterwards, of %(limit)s: %(beyond)s above it, in the days of grace")
    return _("%(now)s now, %(after)s afterwards, of %(limit)s")


def bars_after(account: Account, amount: Amount, *, member_id: int | None) -> list[Bar]:
    """What `amount` more would make of the limits that it touches; nothing where it changes none."""
    if not amount:
        return []
    return list(bars_of(quota.standing(account, amount, member_id=member_id), touched=True))
