"""Regions, zones and all that lies in them."""

from __future__ import annotations

from tests.matrix.groups import (
    EVERYBODY,
    INFRA_READ,
    INFRA_SUPER,
    INFRA_WRITE,
    PUBLIC_PART_WRITE,
    PUBLIC_PARTS,
    SUPER_AND_AUDITOR,
    SUPER_ONLY,
)
from tests.matrix.line import At, Line
from tests.matrix.world import PUBLIC_KEY

DOCUMENT = {"document": "region: {name: new}\nzone: {name: new}\n"}


def new_pod(at: At) -> dict[str, object]:
    return {
        "name": "new",
        "zone": at.id("zone"),
        "cidr": "192.168.7.0/24",
        "gateway": "192.168.7.1",
        "guest_start": "192.168.7.10",
        "guest_end": "192.168.7.20",
        "bridge": "br0",
    }


# A document tells all of a zone, also how to get to its hosts: who sees the zone's parts has not yet that.
DOCUMENT_READ = INFRA_SUPER.but(simple="+-")
DOCUMENT_LIST = INFRA_SUPER.but(simple="++")
PARTS = (
    ("pods", "pod"),
    ("clusters", "cluster"),
    ("hosts", "host"),
    ("primary-storages", "primary_storage"),
    ("secondary-storages", "secondary_storage"),
)
CHANGED = {"name": "changed"}

LINES = [
    Line("GET", "regions/?limit=200", PUBLIC_PARTS, shown="region"),
    Line("GET", "regions/{region}/", PUBLIC_PARTS),
    Line("POST", "regions/", SUPER_ONLY, lambda at: {"name": "new"}),
    Line("PATCH", "regions/{region}/", INFRA_SUPER, lambda at: CHANGED),
    Line("DELETE", "regions/{region}/", SUPER_ONLY),
    Line("GET", "zones/?limit=200", PUBLIC_PARTS, shown="zone"),
    Line("GET", "zones/{zone}/", PUBLIC_PARTS),
    Line("POST", "zones/", INFRA_SUPER, lambda at: {"name": "new", "region": at.id("region")}),
    Line("PATCH", "zones/{zone}/", PUBLIC_PART_WRITE, lambda at: CHANGED),
    Line("DELETE", "zones/{zone}/", INFRA_SUPER, done=(409,)),
    *(Line("POST", f"zones/{{zone}}/{verb}/", PUBLIC_PART_WRITE) for verb in ("enable", "disable")),
    *(
        line
        for path, noun in PARTS
        for line in (
            Line("GET", f"{path}/?limit=200", INFRA_READ, shown=noun),
            Line("GET", f"{path}/{{{noun}}}/", INFRA_READ),
            Line("PATCH", f"{path}/{{{noun}}}/", INFRA_WRITE, lambda at: CHANGED),
            Line("POST", f"{path}/{{{noun}}}/enable/", INFRA_WRITE),
            Line("POST", f"{path}/{{{noun}}}/disable/", INFRA_WRITE),
        )
    ),
    Line("POST", "pods/", PUBLIC_PART_WRITE, new_pod),
    Line("DELETE", "pods/{pod}/", INFRA_WRITE, done=(409,)),
    Line(
        "POST",
        "clusters/",
        INFRA_WRITE,
        lambda at: {"name": "new", "pod": at.id("pod"), "hypervisor": "simulator"},
    ),
    Line("DELETE", "clusters/{cluster}/", INFRA_WRITE, done=(409,)),
    Line(
        "POST",
        "hosts/",
        INFRA_WRITE,
        lambda at: {"name": "new", "cluster": at.id("simulated"), "driver": "simulator"},
    ),
    Line("DELETE", "hosts/{host}/", INFRA_WRITE, done=(204, 409)),
    Line("POST", "hosts/{host}/reconnect/", INFRA_WRITE),
    Line("POST", "hosts/{host}/trust-key/", INFRA_WRITE, lambda at: {"key": PUBLIC_KEY}),
    Line(
        "POST",
        "primary-storages/",
        PUBLIC_PART_WRITE,
        lambda at: {"name": "new", "zone": at.id("zone"), "scope": "zone", "path": "/srv/new"},
    ),
    Line("DELETE", "primary-storages/{primary_storage}/", INFRA_WRITE, done=(204, 409)),
    Line("POST", "primary-storages/{primary_storage}/reconnect/", INFRA_WRITE),
    Line(
        "POST",
        "secondary-storages/",
        PUBLIC_PART_WRITE,
        lambda at: {"name": "new", "zone": at.id("zone"), "path": "/srv/new"},
    ),
    Line("DELETE", "secondary-storages/{spare}/", INFRA_WRITE),
    Line("POST", "secondary-storages/{secondary_storage}/reconnect/", INFRA_WRITE),
    Line("GET", "networks/?limit=200", INFRA_READ, shown="network"),
    Line("GET", "networks/{network}/", INFRA_READ),
    Line("GET", "stray-machines/?limit=200", INFRA_READ, shown="stray"),
    Line("GET", "stray-machines/{stray}/", INFRA_READ),
    Line("GET", "capacity/", SUPER_AND_AUDITOR.but(simple="+")),
    Line("POST", "recount/", SUPER_ONLY, lambda at: {"fix": True}),
    Line("GET", "zone-documents/", DOCUMENT_LIST, shown="zone"),
    Line("GET", "zone-documents/{zone}/", DOCUMENT_READ),
    Line("POST", "zone-documents/plan/", SUPER_ONLY, lambda at: DOCUMENT),
    Line("POST", "zone-documents/apply/", SUPER_ONLY, lambda at: DOCUMENT),
    Line("GET", "schema/", EVERYBODY.but(anonymous="+")),
    Line("GET", "problems/not_found/", EVERYBODY.but(inactive="+", anonymous="+")),
]
