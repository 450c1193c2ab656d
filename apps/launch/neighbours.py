"""What a document has in common with other zones: allowed, since networks may be apart, but odd enough
to be told before it is done."""

from __future__ import annotations

from ipaddress import IPv4Address

from apps.launch.document import Document
from apps.launch.findings import Findings
from apps.launch.world import World
from apps.storage.models import SecondaryStorage
from apps.zones.models import Pod


def look_at_neighbours(document: Document, world: World, findings: Findings) -> None:
    """Warns of addresses that machines of another zone's pod may get too, and of a place where another
    zone keeps its images. Two queries, however many parts there are."""
    own = world.zone.pk if world.zone else None
    others = list(Pod.objects.exclude(zone=own).select_related("zone").order_by("id"))
    for pod in document.pods:
        first, last = (int(IPv4Address(address)) for address in pod.guest)
        shared = [other for other in others if other.guest_first <= last and other.guest_last >= first]
        if shared:
            place = f"{pod.where.place}.guest.start"
            named = {"pod": shared[0].name, "zone": shared[0].zone.name}
            findings.warn("addresses_elsewhere", place, pod.where.line, **named)
    kept = {
        (row.server, row.path): row.zone.name
        for row in SecondaryStorage.objects.exclude(zone=own).select_related("zone").order_by("-id")
    }
    for store in document.secondaries:
        if zone := kept.get((store.server, store.path)):
            findings.warn("images_elsewhere", f"{store.where.place}.path", store.where.line, zone=zone)
