"""The zones in which a machine can be asked for, and what a reader should know before choosing one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.storage.models import Template
from apps.zones.models import Host, HostState, Zone

SHOWN = 60


@dataclass(frozen=True)
class Offer:
    """A zone, whether a host of it is up, whether the reader may use an image of it, and whether its
    machines are real."""

    zone: Zone
    is_up: bool
    has_images: bool
    is_real: bool

    @property
    def is_usable(self) -> bool:
        return self.is_up and self.has_images

    @property
    def note(self) -> str:
        """What speaks against it; empty for one that does all it should."""
        if not self.is_up:
            return _("no host is up here yet")
        if not self.has_images:
            return _("no image is here yet")
        return "" if self.is_real else _("simulated, its machines are not real")

    @property
    def label(self) -> str:
        if not self.note:
            return self.zone.name
        return _("%(name)s (%(note)s)") % {"name": self.zone.name, "note": self.note}


def offers_of(actor: Actor, ready: QuerySet[Template], uuid: UUID | None, pk: int | None) -> list[Offer]:
    """The first zones by name, and wherever they lie those of this public id and of this key."""
    up = Host.objects.filter(zone=OuterRef("pk"), enabled=True, state=HostState.UP)
    up = up.filter(cluster__enabled=True, pod__enabled=True)
    rows = policy.visible(actor, Zone.objects.filter(enabled=True)).annotate(
        is_up=Exists(up),
        is_real=Exists(up.exclude(driver=Host.Driver.SIMULATOR)),
        has_images=Exists(ready.filter(secondary_storage__zone=OuterRef("pk")).order_by()),
    )
    rows = rows.order_by("name_sort", "id")
    found = list(rows[:SHOWN])
    if not {uuid, pk} - {None} <= {key for zone in found for key in (zone.uuid, zone.pk)}:
        known = {zone.pk for zone in found}
        found += [zone for zone in rows.filter(Q(uuid=uuid) | Q(pk=pk)) if zone.pk not in known]
    return [Offer(zone, zone.is_up, zone.has_images, zone.is_real) for zone in found]


def chosen(
    offers: list[Offer], uuid: UUID | None, image_zone: int | None, last_zone: int | None
) -> Offer | None:
    """The zone that is named, else the named image's; else the last machine's if one could run there now,
    else the first where one could: a real one before a simulated one."""
    wanted: tuple[Callable[[Offer], bool], ...] = (
        lambda offer: offer.zone.uuid == uuid,
        lambda offer: offer.zone.pk == image_zone,
        lambda offer: offer.zone.pk == last_zone and offer.is_usable,
        lambda offer: offer.is_usable and offer.is_real,
        lambda offer: offer.is_usable,
        lambda offer: offer.has_images,
    )
    for fits in wanted:
        if found := next(filter(fits, offers), None):
            return found
    return offers[0] if offers else None
