"""The operators' pages: what the cloud is built of, and launching a part of it."""

from __future__ import annotations

from typing import Any

from tests.matrix.groups import everybody
from tests.matrix.line import At, Line, dialog, get, post
from tests.matrix.tables.infrastructure import DOCUMENT, new_pod
from tests.matrix.world import CLOUD, PUBLIC_KEY, ZONES

INFRA = "/infrastructure/"

# To who reads no capacity anywhere there is nothing here, not even what lists elsewhere show everybody.
SEES = everybody(CLOUD, ".").but(simple="+", auditor="+")
PART_READ = everybody(ZONES, ".").but(simple="+.", auditor="++")
PART_WRITE = PART_READ.but(auditor="--")
PUBLIC_READ = PART_READ.but(simple="+-")
PUBLIC_WRITE = PUBLIC_READ.but(auditor="--")
PUBLIC_SUPER = PUBLIC_READ.but(simple="--", auditor="--")
SUPER_PART = everybody(CLOUD, ".").but(simple="-", auditor="-")
MAKES = everybody(CLOUD, ".").but(simple="+", auditor="-")
MAKES_IN = PART_READ.but(auditor="--")
LAUNCH, LAUNCH_ZONE = everybody(CLOUD, "."), everybody(ZONES, ".")
CHANGED: dict[str, Any] = {
    "name": "changed",
    "cpu_overcommit_percent": 200,
    "memory_overcommit_percent": 100,
    "port": 22,
    "username": "root",
    "uri": "qemu:///system",
    "path": "/srv/changed",
    "overprovision_percent": 200,
}
EITHER: dict[str, Any] = {"done": (302, 422)}


def _part(plural: str, noun: str) -> list[Line]:
    """A part that is known to who looks after the place where it lies."""
    page = f"{INFRA}{plural}/{{{noun}}}/"
    return [
        get(page, PART_READ),
        get(f"{page}change/", PART_WRITE),
        post(f"{page}change/", PART_WRITE, lambda at: CHANGED, **EITHER),
        get(f"{page}remove/", PART_WRITE),
        post(f"{page}remove/", PART_WRITE, done=(302,)),
        post(f"{page}switch/", PART_WRITE, lambda at: {"act": "disable"}),
    ]


def of_zone(at: At) -> dict[str, str]:
    return {"zone": at.id("zone"), "act": "count"}


def new_host(at: At) -> dict[str, Any]:
    return {"parent": at.id("simulated"), "name": "new"} | {
        name: CHANGED[name] for name in ("port", "username", "uri")
    }


STEPS = ("zone", "pod", "cluster", "host", "primary", "secondary")

LINES = [
    get(INFRA, SEES),
    get(INFRA, PUBLIC_READ, lambda at: {"zone": at.id("zone")}),
    get(INFRA, SEES, lambda at: {"view": "picture"}),
    get(f"{INFRA}recount/", PUBLIC_WRITE, lambda at: {"zone": at.id("zone")}),
    post(f"{INFRA}recount/", PUBLIC_WRITE, of_zone, done=(200,)),
    post(f"{INFRA}recount/", SUPER_PART, lambda at: {"act": "count"}, done=(200,)),
    get(f"{INFRA}regions/{{region}}/", PUBLIC_READ),
    *dialog(f"{INFRA}regions/new/", SUPER_PART, lambda at: {"name": "new"}),
    *dialog(f"{INFRA}regions/{{region}}/change/", PUBLIC_SUPER, lambda at: {"name": "changed"}),
    get(f"{INFRA}regions/{{region}}/remove/", PUBLIC_SUPER),
    post(f"{INFRA}regions/{{region}}/remove/", PUBLIC_SUPER, done=(302,)),
    get(f"{INFRA}zones/new/", SUPER_PART),
    post(
        f"{INFRA}zones/new/",
        PUBLIC_SUPER,
        lambda at: {"name": "new", "parent": at.id("region"), "network_type": "basic"},
        **EITHER,
    ),
    get(f"{INFRA}zones/{{zone}}/", PUBLIC_READ),
    *dialog(f"{INFRA}zones/{{zone}}/change/", PUBLIC_WRITE, lambda at: {"name": "changed"}),
    get(f"{INFRA}zones/{{zone}}/remove/", PUBLIC_SUPER),
    post(f"{INFRA}zones/{{zone}}/remove/", PUBLIC_SUPER, done=(302,)),
    post(f"{INFRA}zones/{{zone}}/switch/", PUBLIC_WRITE, lambda at: {"act": "disable"}),
    *_part("pods", "pod"),
    *_part("clusters", "cluster"),
    *_part("hosts", "host"),
    *_part("primary-storages", "primary_storage"),
    *_part("secondary-storages", "secondary_storage"),
    get(f"{INFRA}pods/new/", MAKES),
    post(
        f"{INFRA}pods/new/",
        MAKES_IN,
        lambda at: new_pod(at) | {"parent": at.id("zone"), "mtu": 1500},
    ),
    get(f"{INFRA}clusters/new/", MAKES),
    post(
        f"{INFRA}clusters/new/",
        MAKES_IN,
        lambda at: CHANGED | {"parent": at.id("pod"), "hypervisor": "simulator", "arch": "x86_64"},
    ),
    get(f"{INFRA}hosts/new/", MAKES),
    post(f"{INFRA}hosts/new/", MAKES_IN, new_host),
    get(f"{INFRA}secondary-storages/new/", MAKES),
    post(
        f"{INFRA}secondary-storages/new/",
        MAKES_IN,
        lambda at: CHANGED | {"parent": at.id("zone"), "driver": "directory"},
    ),
    get(f"{INFRA}primary-storages/new/", MAKES),
    get(f"{INFRA}primary-storages/new/", PART_WRITE, lambda at: {"in": at.id("host")}),
    post(
        f"{INFRA}primary-storages/new/",
        MAKES_IN,
        lambda at: CHANGED | {"owner": f"zone:{at.id('zone')}", "driver": "directory"},
    ),
    get(f"{INFRA}hosts/", PART_READ, shown="host"),
    get(f"{INFRA}hosts/", PART_READ, lambda at: {"format": "csv"}, shown="host", named=True),
    get(f"{INFRA}primary-storages/", PART_READ, shown="primary_storage"),
    get(f"{INFRA}secondary-storages/", PART_READ, shown="secondary_storage"),
    post(f"{INFRA}hosts/{{host}}/reconnect/", PART_WRITE),
    *dialog(f"{INFRA}hosts/{{host}}/trust/", PART_WRITE, lambda at: {"key": PUBLIC_KEY}),
    post(f"{INFRA}primary-storages/{{primary_storage}}/reconnect/", PART_WRITE),
    post(f"{INFRA}secondary-storages/{{secondary_storage}}/reconnect/", PART_WRITE),
    get("/launch/", LAUNCH),
    *(get(f"/launch/steps/{step}/", LAUNCH) for step in STEPS),
    post("/launch/steps/zone/", LAUNCH, lambda at: {"name": "new"}, **EITHER),
    post("/launch/steps/zone/check/", LAUNCH, lambda at: {"name": "new"}, done=(200,)),
    get("/launch/review/", LAUNCH),
    post("/launch/review/", LAUNCH, done=(302,)),
    get("/launch/yaml/", LAUNCH),
    *dialog("/launch/discard/", LAUNCH, done=(302,)),
    get("/launch/document/", LAUNCH),
    get("/launch/document/", LAUNCH_ZONE, lambda at: {"zone": at.id("zone")}),
    post("/launch/document/", LAUNCH, lambda at: DOCUMENT, done=(200, 422)),
    get("/launch/zones/{zone}/document/", LAUNCH_ZONE),
    get("/launch/{launch}/", LAUNCH),
    get("/launch/{launch}/live/", LAUNCH),
    post(
        "/launch/{launch}/act/",
        LAUNCH,
        lambda at: {"verb": "host", "id": at.id("launched")},
    ),
    *dialog(
        "/launch/{launch}/hosts/{launched}/",
        LAUNCH,
        lambda at: {"address": "192.0.2.9", "port": 22, "username": "root"},
        done=(200, 302, 422),
    ),
]
