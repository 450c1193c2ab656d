"""One page of machines by key: the newest first, no OFFSET, no total."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from apps.compute.models import VirtualMachine

PAGE = 50


@dataclass(frozen=True)
class Page:
    rows: list[VirtualMachine]
    next_after: str  # public id of the last row, or empty on the last page


def page_of(rows: QuerySet[VirtualMachine], after: str) -> Page:
    """The PAGE rows that follow the one with this public id; from the start for an unknown id."""
    last = _key(rows, after)
    if last is not None:
        rows = rows.filter(pk__lt=last)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return Page(found[:PAGE], str(found[PAGE - 1].uuid) if len(found) > PAGE else "")


def _key(rows: QuerySet[VirtualMachine], after: str) -> int | None:
    try:
        return rows.filter(uuid=after).values_list("pk", flat=True).first() if after else None
    except ValidationError:
        return None
