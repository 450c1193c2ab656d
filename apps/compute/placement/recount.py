"""Counting anew: whether the counts beside the rows still say what the rows say.

Pointer and count move together, so in any one statement's view they agree. A difference is confirmed
with the counting row locked: what is still under way then has not touched that row yet, and adds its
part to whatever is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Cast, Coalesce

from apps.accounts import recount as quotas
from apps.compute.models import Nic, VirtualMachine
from apps.network import addresses
from apps.network.models import IpAddress
from apps.storage.models import PrimaryStorage, TemplateCopy, Volume
from apps.zones.models import Host, Zone


@dataclass(frozen=True, slots=True)
class Drift:
    """A count that is not what the rows add up to. `kind` is host, pool, template_copy, quota or
    address; `uuid` and `name` are those of the object or, for a quota, of its owner."""

    kind: str
    uuid: str
    name: str
    counter: str
    recorded: int
    actual: int


@dataclass(frozen=True, slots=True)
class _Counter:
    kind: str
    model: type[models.Model]
    field: str
    rows: models.QuerySet[Any]  # what it counts, grouped by the pointer to the counting row
    zone: str

    def read(self) -> models.QuerySet[Any]:
        """Every counting row with what it should say."""
        total = Cast(Coalesce(Subquery(self.rows.values("total")), 0), BigIntegerField())
        rows: models.QuerySet[Any] = self.model._default_manager.annotate(actual=total)
        return rows


def _rows(model: type[models.Model], pointer: str, total: Any) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = model._default_manager.filter(**{pointer: OuterRef("pk")}).order_by()
    grouped: models.QuerySet[Any] = rows.values(pointer).annotate(total=total)
    return grouped


_COUNTERS = (
    _Counter("host", Host, "allocated_vcpus", _rows(VirtualMachine, "host", Sum("claimed_vcpus")), "zone"),
    _Counter(
        "host",
        Host,
        "allocated_memory_mib",
        _rows(VirtualMachine, "host", Sum("claimed_memory_mib")),
        "zone",
    ),
    _Counter("pool", PrimaryStorage, "allocated_bytes", _rows(Volume, "pool", Sum("size_bytes")), "zone"),
    _Counter(
        "template_copy", TemplateCopy, "uses", _rows(Volume, "template_copy", Count("pk")), "pool__zone"
    ),
)


def recount(zone: Zone | None = None, *, fix: bool = False) -> list[Drift]:
    """All drift of one zone, or of everything with the quotas, which know no zone. `fix` writes what
    the rows say; the drift reported is then what there was."""
    drifts = [drift for counter in _COUNTERS for drift in _recount(counter, zone, fix)]
    drifts += _recount_addresses(zone, fix)
    if zone is None:
        drifts += _recount_quotas(fix)
    return drifts


def _recount(counter: _Counter, zone: Zone | None, fix: bool) -> Iterable[Drift]:
    rows = counter.read().exclude(**{counter.field: F("actual")})
    if zone is not None:
        rows = rows.filter(**{counter.zone: zone})
    for pk in rows.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            counter.model._default_manager.select_for_update().get(pk=pk)
            row = rows.filter(pk=pk).first()
            if row is None:
                continue
            if fix:
                counter.model._default_manager.filter(pk=pk).update(**{counter.field: row.actual})
        name = row.template.name if isinstance(row, TemplateCopy) else row.name
        recorded = getattr(row, counter.field)
        yield Drift(counter.kind, str(row.uuid), name, counter.field, recorded, int(row.actual))


def _recount_addresses(zone: Zone | None, fix: bool) -> Iterable[Drift]:
    """Addresses whose holder is no NIC that points at them, and the other way round."""
    nic = Nic.objects.filter(ip=OuterRef("pk"))
    rows = IpAddress.objects.annotate(
        held=Exists(nic.filter(uuid=OuterRef("holder"))),
        owner=Subquery(nic.values("uuid")[:1]),
    ).filter(Q(held=False) & (~Q(holder=None) | ~Q(owner=None)))
    if zone is not None:
        rows = rows.filter(network__zone=zone)
    for row in rows.select_related("network").order_by("pk"):
        if fix and row.owner is None and row.holder is not None:
            addresses.release(row.holder)
        elif fix:
            IpAddress.objects.filter(pk=row.pk, holder=row.holder).update(holder=row.owner, free_after=None)
        recorded, actual = int(row.holder is not None), int(row.owner is not None)
        yield Drift("address", str(row.network.uuid), row.address, "holder", recorded, actual)


def _recount_quotas(fix: bool) -> Iterable[Drift]:
    for drift in quotas.recount(fix=fix):
        name = f"{drift.member} ({drift.name})" if drift.member else drift.name
        yield Drift("quota", drift.uuid, name, f"used_{drift.resource}", drift.recorded, drift.actual)
