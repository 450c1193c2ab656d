"""The operator's pages of what the cloud is built of."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, path

from apps.portal.infrastructure import hosts, lists, overview, storage, views
from apps.portal.infrastructure.parts import PARTS, Part


def _of(part: Part) -> Iterator[URLPattern]:
    one, given = f"{part.plural}/<uuid:uuid>/", {"kind": part.kind}
    if part.kind != "primary-storage":
        yield path(f"{part.plural}/new/", views.part_new, given, name=f"{part.kind}-new")
    if part.kind in {"region", "zone", "pod", "cluster"}:
        yield path(one, views.part_page, given, name=part.kind)
    yield path(f"{one}change/", views.part_change, given, name=f"{part.kind}-change")
    yield path(f"{one}remove/", views.part_remove, given, name=f"{part.kind}-remove")
    if part.enable:
        yield path(f"{one}switch/", views.part_switch, given, name=f"{part.kind}-switch")


urlpatterns = [
    path("", overview.infrastructure, name="infrastructure"),
    path("recount/", overview.recount, name="recount"),
    *(pattern for part in PARTS.values() for pattern in _of(part)),
    path("hosts/", lists.host_list, name="hosts"),
    path("primary-storages/", lists.primary_list, name="primary-storages"),
    path("primary-storages/new/", storage.primary_new, name="primary-storage-new"),
    path("primary-storages/<uuid:uuid>/", storage.primary_page, name="primary-storage"),
    path(
        "primary-storages/<uuid:uuid>/reconnect/", storage.primary_reconnect, name="primary-storage-reconnect"
    ),
    path("secondary-storages/", lists.secondary_list, name="secondary-storages"),
    path("secondary-storages/<uuid:uuid>/", storage.secondary_page, name="secondary-storage"),
    path(
        "secondary-storages/<uuid:uuid>/reconnect/",
        storage.secondary_reconnect,
        name="secondary-storage-reconnect",
    ),
    path("hosts/<uuid:uuid>/", hosts.host_page, name="host"),
    path("hosts/<uuid:uuid>/reconnect/", hosts.host_reconnect, name="host-reconnect"),
    path("hosts/<uuid:uuid>/trust/", hosts.host_trust, name="host-trust"),
]
