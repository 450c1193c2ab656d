"""What keeps a part of the cloud from being removed, each with the page that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.urls import reverse

from apps.compute.models import VirtualMachine
from apps.core.words.counts import counted
from apps.network.models import IpAddress
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template, TemplateCopy, Volume
from apps.zones.models import Cluster, Host, Pod, Region, Zone


@dataclass(frozen=True, slots=True)
class Obstacle:
    """ "3 hosts", and where they are shown; empty for what has no page."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class _Holding:
    """Rows that hold on to another: `path` leads to it, `url` names the list of them that takes the
    filter `by`, or with `own` the page of the row itself."""

    rows: QuerySet[Any]
    path: str
    url: str
    by: str = ""


_TEMPLATES = Template.objects.exclude(state=Template.State.DELETED)
_TAKEN = IpAddress.objects.exclude(holder=None)
_HOLDING: dict[type[Model], tuple[_Holding, ...]] = {
    Region: (_Holding(Zone.objects.all(), "region", "region"),),
    Zone: (
        _Holding(Pod.objects.all(), "zone", "zone"),
        _Holding(PrimaryStorage.objects.all(), "zone", "primary-storages", "zone"),
        _Holding(SecondaryStorage.objects.all(), "zone", "secondary-storages", "zone"),
        _Holding(VirtualMachine.objects.all(), "zone", "machines", "zone"),
    ),
    Pod: (
        _Holding(Cluster.objects.all(), "pod", "pod"),
        _Holding(_TAKEN, "network__pod", "pod"),
        _Holding(VirtualMachine.objects.all(), "pod", ""),
    ),
    Cluster: (
        _Holding(Host.objects.all(), "cluster", "hosts", "cluster"),
        _Holding(PrimaryStorage.objects.all(), "cluster", "primary-storages", "cluster"),
    ),
    Host: (
        _Holding(VirtualMachine.objects.all(), "host", "machines", "host"),
        _Holding(PrimaryStorage.objects.all(), "host", "primary-storages", "host"),
    ),
    PrimaryStorage: (
        _Holding(Volume.objects.all(), "pool", ""),
        _Holding(TemplateCopy.objects.all(), "pool", "templates"),
    ),
    SecondaryStorage: (_Holding(_TEMPLATES, "secondary_storage", "templates"),),
}


def obstacles_of(row: Any) -> list[Obstacle]:
    """What has to go first; nothing for what can be removed."""
    return list(_obstacles(row))


def _obstacles(row: Any) -> Iterator[Obstacle]:
    for holding in _HOLDING[type(row)]:
        count = holding.rows.filter(**{holding.path: row.pk}).count()
        if count:
            kind = str(holding.rows.model._meta.verbose_name)
            yield Obstacle(counted(kind, count), _href(row, holding))


def _href(row: Any, holding: _Holding) -> str:
    if not holding.url:
        return ""
    own = type(row).__name__.lower() == holding.url
    href = reverse(f"portal:{holding.url}", args=[row.uuid] if own else [])
    return f"{href}?{urlencode({holding.by: row.uuid})}" if holding.by else href
