"""A zone as one document: what may stand in it, and what each part means.

Every section may be written once in the singular ("pod:") or as a list in the plural ("pods:"). Parts
name what they belong to ("cluster: Cluster1"); where there is only one candidate they need not. Where
two have the same name, what they belong to themselves is named as well ("pod: Pod2").
"""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_BRIDGE = "cloudbr0"
DEFAULT_URI = "qemu:///system"
NOT_INFRASTRUCTURE = ("production_vms", "example_vm", "ports")


@dataclass(frozen=True, slots=True)
class Where:
    """Where a part stands in its document."""

    place: str
    line: int


@dataclass(frozen=True, slots=True)
class ZonePart:
    where: Where
    region: str
    name: str
    network_type: str
    public_dns: tuple[str, ...]
    internal_dns: tuple[str, ...]
    enabled: bool


@dataclass(frozen=True, slots=True)
class PodPart:
    """Ranges hold both their ends; `reserved` is None where the portal may not use any address."""

    where: Where
    name: str
    cidr: str
    gateway: str
    reserved: tuple[str, str] | None
    guest: tuple[str, str]
    bridge: str
    mtu: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class ClusterPart:
    where: Where
    pod: str
    name: str
    hypervisor: str
    arch: str
    cpu_overcommit_percent: int
    memory_overcommit_percent: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class HostPart:
    """`host_key` is empty while nobody has looked at the key that the host shows."""

    where: Where
    pod: str
    cluster: str
    name: str
    address: str
    port: int
    username: str
    host_key: str
    uri: str
    extra: dict[str, str]
    enabled: bool


@dataclass(frozen=True, slots=True)
class PrimaryPart:
    """With the scope "cluster" `pod` and `cluster` name whose it is, with "host" `host` does as well."""

    where: Where
    name: str
    scope: str
    pod: str
    cluster: str
    host: str
    driver: str
    server: str
    path: str
    settings: dict[str, str]
    overprovision_percent: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class SecondaryPart:
    where: Where
    name: str
    driver: str
    server: str
    path: str
    enabled: bool


@dataclass
class Document:
    """All parts of a zone, in the order in which they stand."""

    zone: ZonePart
    pods: list[PodPart] = field(default_factory=list)
    clusters: list[ClusterPart] = field(default_factory=list)
    hosts: list[HostPart] = field(default_factory=list)
    primaries: list[PrimaryPart] = field(default_factory=list)
    secondaries: list[SecondaryPart] = field(default_factory=list)
