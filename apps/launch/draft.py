"""The launch wizard's pages: what each asks, what a new cloud begins with, and the document they make.

A draft holds texts as they were typed. The document made of them is judged like any other, and what is
found there is told beside the field that it came from: there is one set of rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from apps.launch.findings import Finding

Texts = Mapping[str, str]
Data = Mapping[str, Texts]

STEPS = ("zone", "pod", "cluster", "host", "primary", "secondary")
MAX_SIMULATED = 500

DEFAULTS: dict[str, dict[str, str]] = {
    "zone": {"region": "Region1", "name": "Zone1", "public_dns": "", "internal_dns": ""},
    "pod": {
        "name": "Pod1",
        "gateway": "",
        "netmask": "255.255.255.0",
        "guest_start": "",
        "guest_end": "",
        "reserved_start": "",
        "reserved_end": "",
        "bridge": "cloudbr0",
    },
    "cluster": {
        "name": "Cluster1",
        "hypervisor": "kvm",
        "arch": "x86_64",
        "cpu_overcommit_percent": "200",
        "memory_overcommit_percent": "100",
    },
    "host": {
        "where": "network",
        "hosts": "",
        "username": "root",
        "port": "22",
        "count": "2",
        "key": "portal",
    },
    "primary": {
        "name": "Primary1",
        "protocol": "directory",
        "scope": "cluster",
        "server": "",
        "path": "/srv/cloudportal/primary",
    },
    "secondary": {
        "name": "Secondary1",
        "protocol": "directory",
        "server": "",
        "path": "/srv/cloudportal/secondary",
    },
}


def fresh(step: str, draft: Data) -> dict[str, str]:
    """What a step proposes to whoever comes to it for the first time. What simulated hosts keep lies in
    the portal's own folder, and goes with it."""
    simulated = draft.get("cluster", {}).get("hypervisor") == "simulator"
    if step == "secondary" and simulated:
        return {"path": str(settings.VAR / "simulated" / "images")}
    return {}


_FIELDS: dict[str, tuple[str, str]] = {
    "region.name": ("zone", "region"),
    "pod.guest": ("pod", "guest_start"),
    "pod.guest.start": ("pod", "guest_start"),
    "pod.guest.end": ("pod", "guest_end"),
    "pod.reserved_system_ips": ("pod", "reserved_start"),
    "pod.reserved_system_ips.start": ("pod", "reserved_start"),
    "pod.reserved_system_ips.end": ("pod", "reserved_end"),
}
_SECTIONS = {
    "zone": "zone",
    "pod": "pod",
    "cluster": "cluster",
    "hosts": "host",
    "primary_storages": "primary",
    "secondary_storage": "secondary",
}
_HOST = re.compile(r"hosts\[(\d+)\](\.(\w+))?")


def field_of(place: str) -> tuple[str, str]:
    """The step and the field that a place of the composed document came from; "" for what came from none."""
    if place in _FIELDS:
        return _FIELDS[place]
    if match := _HOST.fullmatch(place):
        if match[3] == "cluster":
            return "cluster", "name"
        name = {"ssh_port": "port", "port": "port", "username": "username"}.get(match[3] or "", "hosts")
        return "host", name
    section, _, rest = re.sub(r"\[\d+\]", "", place).partition(".")
    step = _SECTIONS.get(section, "")
    name = rest.partition(".")[0]
    return step, name if name in DEFAULTS.get(step, {}) else ""


def line_of(finding: Finding) -> int:
    """Which line of the field of hosts is meant, from 1; 0 for another field."""
    match = _HOST.fullmatch(finding.place)
    return int(match[1]) + 1 if match and field_of(finding.place)[1] == "hosts" else 0


def compose(data: Data, steps: Iterable[str] = STEPS) -> dict[str, Any]:
    """The document's sections from these of the draft's steps. What was left blank is left out."""
    wanted = {step: data[step] for step in steps if step in data}
    zone = wanted.get("zone", DEFAULTS["zone"])
    sections: dict[str, Any] = {
        "region": _given(name=zone.get("region")),
        "zone": {
            **_given(name=zone.get("name")),
            "network_type": "Basic",
            **_given(
                public_dns=_words(zone.get("public_dns", "")),
                internal_dns=_words(zone.get("internal_dns", "")),
            ),
        },
    }
    if pod := wanted.get("pod"):
        sections["pod"] = _pod(pod)
    if cluster := wanted.get("cluster"):
        sections["cluster"] = {
            **_given(
                name=cluster.get("name"), hypervisor=cluster.get("hypervisor"), arch=cluster.get("arch")
            ),
            "cpu_overcommit_percent": _number(cluster.get("cpu_overcommit_percent", "")),
            "memory_overcommit_percent": _number(cluster.get("memory_overcommit_percent", "")),
        }
    simulated = wanted.get("cluster", {}).get("hypervisor") == "simulator"
    if host := wanted.get("host"):
        arch = wanted.get("cluster", {}).get("arch", "")
        sections["hosts"] = _simulated(host, arch) if simulated else _hosts(host)
    if primary := wanted.get("primary"):
        names = [host.get("name") or host.get("address", "") for host in sections.get("hosts", [])]
        sections["primary_storages"] = _primaries(
            primary, str(wanted.get("cluster", {}).get("name", "")), names
        )
    if secondary := wanted.get("secondary"):
        sections["secondary_storage"] = {**_given(name=secondary.get("name")), **_place(secondary)}
    return sections


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,;]+", text) if word]


def _number(text: str) -> int | str:
    """What is no number stays as it is, to be refused in its own place."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text.strip()) else text


def _pod(pod: Texts) -> dict[str, Any]:
    guest = _given(start=pod.get("guest_start"), end=pod.get("guest_end"))
    reserved = _given(start=pod.get("reserved_start"), end=pod.get("reserved_end"))
    own = _given(**{name: pod.get(name) for name in ("name", "gateway", "netmask", "bridge")})
    return {**own, **_given(reserved_system_ips=reserved), "guest": guest}


def _simulated(host: Texts, arch: str) -> list[dict[str, Any]]:
    """As many as asked for, of the cluster's architecture."""
    kind = {"extra": {"arch": arch}} if arch == "aarch64" else {}  # they have x86_64 anyway
    return [{"name": f"simulated-{n}", **kind} for n in range(1, (simulated_hosts(host) or 0) + 1)]


def _hosts(host: Texts) -> list[dict[str, Any]]:
    if host.get("where") == "here":
        return [{"name": "portal"}]
    way = {
        **_given(username=host.get("username")),
        **({"ssh_port": _number(host["port"])} if host.get("port") else {}),
    }
    lines = [_words(line) for line in host.get("hosts", "").splitlines() if line.strip()]
    return [
        {**({"name": words[0]} if len(words) > 1 else {}), "address": " ".join(words[1:]) or words[0], **way}
        for words in lines
    ]


def simulated_hosts(host: Texts) -> int | None:
    """How many are wanted; None if that is no number, or one that cannot be."""
    count = _number(host.get("count", ""))
    return count if isinstance(count, int) and 1 <= count <= MAX_SIMULATED else None


def _primaries(primary: Texts, cluster: str, hosts: list[str]) -> list[dict[str, Any]]:
    """One pool; of each host's own folder one a host."""
    name, place = primary.get("name", ""), _place(primary)
    match primary.get("scope"):
        case "host":
            return [{**_given(name=f"{name} {host}".strip()), "host": host, **place} for host in hosts]
        case "cluster":
            return [{**_given(name=name, cluster=cluster), **place}]
    return [{**_given(name=name), **place}]


def _place(storage: Texts) -> dict[str, Any]:
    protocol = storage.get("protocol") or "directory"
    server = storage.get("server", "") if protocol != "directory" else ""
    return {"protocol": protocol, **_given(server=server.strip(), path=storage.get("path", "").strip())}
