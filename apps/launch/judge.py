"""What holds between the parts of a document: names once, ranges in their subnet, addresses apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Any

from apps.core.names import fold
from apps.launch.document import Document, PodPart, PrimaryPart, SecondaryPart, Where
from apps.launch.findings import Findings
from apps.network.subnets import MAX_ADDRESSES

MAX_PODS = 500


def judge(document: Document, findings: Findings) -> None:
    """Add what is wrong or odd between parts that were each read without fault."""
    _names(document, findings)
    if len(document.pods) > MAX_PODS:
        findings.refused("too_many_pods", "pods", document.zone.where.line, limit=MAX_PODS)
        return
    whole = [pod for pod in document.pods if pod.cidr and all(pod.guest)]
    for pod in document.pods:
        if pod.cidr:
            _ranges(pod, findings)
    subnets = [(pod, IPv4Network(pod.cidr)) for pod in whole]
    for (first, subnet), (second, other) in combinations(subnets, 2):
        if subnet.overlaps(other):
            findings.refused(
                "subnet_overlaps",
                f"{second.where.place}.netmask",
                second.where.line,
                cidr=first.cidr,
                pod=first.name,
            )
    _own_addresses(document, whole, findings)
    if not document.pods or not document.clusters or not document.hosts:
        findings.warn("nothing_to_run_on", "hosts", document.zone.where.line)
    for kind, parts in (("primary_storage", document.primaries), ("secondary_storage", document.secondaries)):
        if not parts:
            findings.warn("no_storage", kind, document.zone.where.line, kind=kind)


def _names(document: Document, findings: Findings) -> None:
    """Pods and storages have their names from the zone, clusters from their pod, hosts from their
    cluster."""
    kinds: Iterable[tuple[str, list[Any], Callable[[Any], tuple[str, ...]]]] = (
        ("pod", document.pods, lambda _pod: ()),
        ("cluster", document.clusters, lambda cluster: (fold(cluster.pod),)),
        ("host", document.hosts, lambda host: (fold(host.pod), fold(host.cluster))),
        ("primary_storage", document.primaries, lambda _pool: ()),
        ("secondary_storage", document.secondaries, lambda _storage: ()),
    )
    for kind, parts, parents in kinds:
        seen: dict[tuple[str, ...], Where] = {}
        for part in parts:
            first = seen.setdefault((*parents(part), fold(part.name)), part.where)
            if part.name and first is not part.where:
                findings.refused(
                    "name_twice", f"{part.where.place}.name", part.where.line, kind=kind, first=first.line
                )
    _once(document, findings)


def _once(document: Document, findings: Findings) -> None:
    """No two hosts have one address, no two pools one export of a server."""
    addresses: dict[tuple[str, int], Where] = {}
    for host in document.hosts:
        first = addresses.setdefault((host.address, host.port), host.where)
        if host.address and first is not host.where:
            place = f"{host.where.place}.address"
            findings.refused("address_twice", place, host.where.line, first=first.line)
    exports: dict[tuple[str, str], Where] = {}
    for pool in document.primaries:
        first = exports.setdefault((pool.server, pool.path), pool.where)
        if pool.server and first is not pool.where:
            findings.refused("export_twice", f"{pool.where.place}.path", pool.where.line, first=first.line)


def _ranges(pod: PodPart, findings: Findings) -> None:
    network = IPv4Network(pod.cidr)
    place, line = pod.where.place, pod.where.line
    if not 8 <= network.prefixlen <= 30:
        findings.refused("not_a_subnet", f"{place}.netmask", line)
        return
    low, high = int(network.network_address) + 1, int(network.broadcast_address) - 1
    if not low <= _number(pod.gateway) <= high:
        findings.refused("outside_subnet", f"{place}.gateway", line, cidr=pod.cidr)
    ranges = {"guest": pod.guest} | ({"reserved_system_ips": pod.reserved} if pod.reserved else {})
    for name, (start, end) in ranges.items():
        for side, address in (("start", start), ("end", end)):
            if address and not low <= _number(address) <= high:
                findings.refused("outside_subnet", f"{place}.{name}.{side}", line, cidr=pod.cidr)
        if not start or not end:
            continue
        if _number(end) < _number(start):
            findings.refused("range_reversed", f"{place}.{name}.end", line)
        elif _number(start) <= _number(pod.gateway) <= _number(end):
            findings.refused("range_holds_gateway", f"{place}.{name}.start", line, gateway=pod.gateway)
        if name == "guest" and _number(end) - _number(start) >= MAX_ADDRESSES:
            findings.refused("range_too_large", f"{place}.{name}.end", line, limit=MAX_ADDRESSES)
    if pod.reserved and all(pod.reserved) and all(pod.guest) and _overlap(pod.reserved, pod.guest):
        findings.refused("ranges_overlap", f"{place}.guest.start", line)


def _own_addresses(document: Document, pods: list[PodPart], findings: Findings) -> None:
    """Whatever has an address already must not have one that a guest could get, and is odd in the
    range that the portal keeps for its own system."""
    things = list(_things_with_address(document))
    guests = [(pod, _number(pod.guest[0]), _number(pod.guest[1])) for pod in pods]
    for thing in things:
        for pod, first, last in guests:
            if first <= thing.number <= last:
                findings.refused(
                    "address_in_guest_range",
                    thing.place,
                    thing.line,
                    what=thing.what,
                    address=thing.address,
                    pod=pod.name,
                )
    for pod in pods:
        if pod.reserved and all(pod.reserved):
            _tell_reserved(things, pod, pod.reserved, findings)


def _tell_reserved(things: list[_Thing], pod: PodPart, reserved: tuple[str, str], findings: Findings) -> None:
    first, last = _number(reserved[0]), _number(reserved[1])
    inside: dict[str, list[str]] = {}
    for thing in things:
        if first <= thing.number <= last and thing.what not in inside.get(thing.address, []):
            inside.setdefault(thing.address, []).append(thing.what)
    for address, what in inside.items():
        findings.warn(
            "in_reserved_range",
            f"{pod.where.place}.reserved_system_ips",
            pod.where.line,
            what=", ".join(what),
            address=address,
            start=reserved[0],
            end=reserved[1],
        )


@dataclass(frozen=True, slots=True)
class _Thing:
    """What has this address, as a text and as a number."""

    what: str
    address: str
    number: int
    place: str
    line: int


def _things_with_address(document: Document) -> Iterator[_Thing]:
    """A name is no address here: nobody looks it up."""
    for what, address, place, line in _named_things(document):
        with suppress(ValueError):
            yield _Thing(what, address, int(IPv4Address(address)), place, line)


def _named_things(document: Document) -> Iterator[tuple[str, str, str, int]]:
    """What, its address or name, place, line."""
    for host in document.hosts:
        yield f"host {host.name}", host.address, f"{host.where.place}.address", host.where.line
    zone = document.zone
    for kind, servers in (("public_dns", zone.public_dns), ("internal_dns", zone.internal_dns)):
        for server in servers:
            yield kind, server, f"{zone.where.place}.{kind}", zone.where.line
    stores: list[PrimaryPart | SecondaryPart] = [*document.primaries, *document.secondaries]
    for part in stores:
        if part.server:
            yield f"storage {part.name}", part.server, f"{part.where.place}.server", part.where.line


def _overlap(first: tuple[str, str], second: tuple[str, str]) -> bool:
    return _number(first[0]) <= _number(second[1]) and _number(second[0]) <= _number(first[1])


def _number(address: str) -> int:
    return int(IPv4Address(address)) if address else 0
