"""Finding machines by a part of their name among a hundred thousand, in any order of a list.

A name is found by its parts (`VmNamePart`), of which the text's rarest leads the way. If few machines
have it they are looked at one by one. If many have it, the parts themselves are read in the list's order
until a page is full: by name or by age, whichever way, they lie in an index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from apps.compute.models import VirtualMachine, VmNamePart
from apps.core import filters
from apps.core.keyset import FEW, Order, matches
from apps.core.names import MAX_NAME, PART, fold

_TRIED = 6
_WORD = re.compile(r"[^\W\d_]{1,2}|\d{1,2}")
_ORDERS = {("name_sort", "id"): ("name_sort", "vm_id"), ("id",): ("vm_id",)}


class ByName(filters.Sought):
    """The filter `q` of lists of machines. One or two letters find the names in which a word begins with
    them; longer texts are found anywhere in a name."""

    def lead(self, name: str, text: str) -> Lead:
        return Lead(fold(filters.checked(text, name, MAX_NAME)))


class Lead:
    """How to come to the machines whose name holds `text`, which is folded."""

    model: type[Model] = VirtualMachine

    def __init__(self, text: str) -> None:
        self.text = text
        self.part, self.is_rare = _rarest(_parts(text))

    @property
    def condition(self) -> Q:
        """What tells that a name holds the text, once its part was found."""
        return Q() if self.text == self.part else Q(name_key__contains=self.text)

    def narrow(self, rows: QuerySet[VirtualMachine]) -> QuerySet[VirtualMachine]:
        """Those of the rows whose name holds the text."""
        return rows.filter(self.matching)

    @property
    def matching(self) -> Q:
        """The same as a condition on machines."""
        if not self.part:
            return Q(name_key__contains=self.text)
        return self.condition & Q(pk__in=VmNamePart.objects.filter(part=self.part).values("vm_id"))

    def read(
        self, rows: QuerySet[VirtualMachine], order: Order, parts: Sequence[Q]
    ) -> tuple[QuerySet[Any], Order]:
        """What a page is read from in this order, and that order there."""
        if not self.part or self.is_rare:
            return self.narrow(rows), order
        accounts, paths = _accounts(parts), _ORDERS.get(order.paths)
        if paths is None or accounts is None:
            return self._met(rows), order
        merged = len(parts) > 1  # then each is read as far as it goes, and needs no other account named
        return self._parts_of(rows, [] if merged else accounts), Order(paths, order.descending)

    def keys(self, rows: QuerySet[VirtualMachine], parts: Sequence[Q], joined: Q) -> QuerySet[Any, Any]:
        """Of all that match, in the form in which they are found fastest. `joined` leads over accounts, in
        which parts of names lie like their machines."""
        accounts = _accounts(parts)
        if not self.part or self.is_rare:
            return self.narrow(rows).values_list("pk", flat=True)
        if accounts is None:
            return self._met(rows).values_list("pk", flat=True)
        return self._parts_of(rows, accounts).filter(joined).values_list("vm_id", flat=True)

    def _met(self, rows: QuerySet[VirtualMachine]) -> QuerySet[VirtualMachine]:
        """Those of the rows whose name holds the text, each looked at as it is met."""
        part = VmNamePart.objects.filter(part=self.part, vm=OuterRef("pk"))
        return rows.filter(Q(name_key__contains=self.text) if len(self.text) >= PART else Exists(part))

    def _parts_of(self, rows: QuerySet[VirtualMachine], accounts: Sequence[int]) -> QuerySet[VmNamePart]:
        """The parts of those of the rows that match. Their machines are looked at one by one, as parts are
        met."""
        machine = rows.filter(self.condition, pk=OuterRef("vm_id"))
        found = VmNamePart.objects.filter(matches(machine), part=self.part)
        return found.filter(account_id__in=accounts) if accounts else found


def _accounts(parts: Sequence[Q]) -> list[int] | None:
    """The accounts that a list is merged from, none for a list of all; None where it is merged from
    something else, of which the parts of names know nothing."""
    conditions = [condition for part in parts for condition in part.children]
    accounts = [each[1] for each in conditions if isinstance(each, tuple) and each[0] == "account_id"]
    return accounts if len(accounts) == len(conditions) else None


def _parts(text: str) -> list[str]:
    """At most _TRIED of the text's parts, from all over it; none if it has no whole part."""
    if len(text) < PART:
        return [text] if _WORD.fullmatch(text) else []
    parts = list(dict.fromkeys(text[start : start + PART] for start in range(len(text) - PART + 1)))
    return parts[:: -(-len(parts) // _TRIED)]


def _rarest(parts: Sequence[str]) -> tuple[str, bool]:
    """The part that the fewest names have, and whether they are few; counted up to FEW each, at once."""
    if not parts:
        return "", False
    counts = dict(zip(parts, _count(parts), strict=True))
    part = min(parts, key=lambda part: (counts[part], not _joins_words(part)))
    return part, counts[part] <= FEW


def _joins_words(part: str) -> bool:
    """The end of a word and the beginning of the next: where many names have a part, fewer have this."""
    return len(part) == PART and not part[1].isalnum()


def _count(parts: Sequence[str]) -> list[int]:
    table = connection.ops.quote_name(VmNamePart._meta.db_table)
    one = f"(SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE part = %s LIMIT {FEW + 1}) counted)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join([one] * len(parts)), list(parts))
        return list(cursor.fetchone())
