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
        text = _text(item) % {
            "wanted": bare(item.resource, abs(item.wanted)),
            "left": bare(item.resource, item.missing or abs(item.left or 0)),
            "limit": bare(item.resource, item.limit),
        }
        yield Bar(label(item.resource), text, max(0, item.used + item.wanted), item.limit)


def _text(item: Standing) -> str:
    beyond = (item.left or 0) < 0
    if not item.fits:
        return _("needs %(wanted)s of %(limit)s: %(left)s too few")
    if item.wanted < 0 and beyond:
        return _("gives back %(wanted)s of %(limit)s: %(left)s above the limit")
    if item.wanted < 0:
        return _("gives back %(wanted)s of %(limit)s: %(left)s left")
    if beyond:
        return _("uses %(wanted)s of %(limit)s: %(left)s above the limit, in the days of grace")
    return _("uses %(wanted)s of %(limit)s: %(left)s left")


def bars_after(account: Account, amount: Amount, *, member_id: int | None) -> list[Bar]:
    """What `amount` more would make of the limits that it touches; nothing where it changes none."""
    if not amount:
        return []
    return list(bars_of(quota.standing(account, amount, member_id=member_id), touched=True))
