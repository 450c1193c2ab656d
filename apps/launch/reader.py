"""From text to a Document, or to findings that say what is wrong and where."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Any

from apps.core.checks import clean_bridge, clean_host_address, clean_ipv4, clean_path, clean_whole
from apps.core.errors import InvalidInput
from apps.core.names import clean_name, fold
from apps.launch.document import (
    DEFAULT_BRIDGE,
    NOT_INFRASTRUCTURE,
    ClusterPart,
    Document,
    HostPart,
    PodPart,
    PrimaryPart,
    SecondaryPart,
    Where,
    ZonePart,
)
from apps.launch.findings import Findings
from apps.launch.section import REQUIRED, Section, flag
from apps.launch.yaml_tree import Unreadable, read_tree
from apps.zones.keys import clean_host_key
from apps.zones.models import Zone
from apps.zones.services import MAX_DNS, clean_arch, clean_username

_NETWORK_TYPES = {fold(value): value for value in Zone.NetworkType.values}
_HYPERVISORS = {"kvm": "kvm", "simulator": "simulator"}
_PROTOCOLS = {"directory": "directory", "nfs": "nfs", "gluster": "gluster", "glusterfs": "gluster"}
_SCOPES = {"zone": "zone", "cluster": "cluster", "host": "host"}


def read_document(text: str) -> tuple[Document | None, Findings]:
    """The document in `text` and all findings about it; None if it cannot be read at all."""
    findings = Findings()
    try:
        root = Section(read_tree(text), "", findings)
    except Unreadable as error:
        line = int(error.params.pop("line"))
        reason = error.params.pop("reason")
        findings.refused(reason, "document", line, **error.params)
        return None, findings
    document = _Reader(root, findings).read()
    return document, findings


def _choice(value: Any, *, place: str, known: dict[str, str]) -> str:
    if not isinstance(value, str) or fold(value) not in known:
        raise InvalidInput("not_a_choice", place=place, known=", ".join(dict.fromkeys(known.values())))
    return known[fold(value)]


def _ipv4(value: Any, *, place: str) -> str:
    return str(clean_ipv4(value, place=place))


def _addresses(value: Any, *, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_DNS:
        raise InvalidInput("out_of_range", place=place, low=0, high=MAX_DNS)
    return tuple(_ipv4(child.data, place=place) for child in value)


def _texts(value: Any, *, place: str) -> dict[str, str]:
    """Settings kept as they are written, for drivers that know them."""
    if not isinstance(value, dict) or len(value) > 50:
        raise InvalidInput("not_settings", place=place)
    found = {}
    for name, child in value.items():
        data = (
            {True: "on", False: "off"}.get(child.data, child.data)
            if isinstance(child.data, bool)
            else child.data
        )
        if (
            isinstance(data, dict | list)
            or data is None
            or len(str(data)) > 200
            or not str(data).isprintable()
        ):
            raise InvalidInput("not_settings", place=f"{place}.{name}")
        found[name[:64]] = str(data)
    return found


class _Reader:
    def __init__(self, root: Section, findings: Findings) -> None:
        self.root, self.findings = root, findings

    def read(self) -> Document:
        root = self.root
        region = root.section("region")
        region_name = ""
        if region is None:
            self.findings.refused("required", "region", root.line)
        else:
            region_name = region.read("name", clean=clean_name)
            region.end()
        document = Document(self._zone(region_name))
        document.pods = [self._pod(one) for one in root.sections("pod", "pods")]
        document.clusters = [self._cluster(one, document) for one in root.sections("cluster", "clusters")]
        document.hosts = [self._host(one, document) for one in root.sections("host", "hosts")]
        for one in root.sections("primary_storage", "primary_storages"):
            document.primaries.append(self._primary(one))
        for one in root.sections("secondary_storage", "secondary_storages"):
            document.secondaries.append(self._secondary(one))
        for one in root.sections("gluster_cluster", "gluster_clusters"):
            self._gluster_cluster(one, document)
        for name in NOT_INFRASTRUCTURE:
            if found := root.take(name):
                self.findings.ignore("not_infrastructure", name, found[1].line)
        root.end()
        return document

    def _zone(self, region: str) -> ZonePart:
        part = self.root.section("zone")
        if part is None:
            self.findings.refused("required", "zone", self.root.line)
            return ZonePart(Where("zone", self.root.line), region, "", "", (), (), enabled=True)
        zone = ZonePart(
            where=_where(part),
            region=region,
            name=part.read("name", clean=clean_name),
            network_type=part.read(
                "network_type", clean=_choice, default=str(Zone.NetworkType.BASIC), known=_NETWORK_TYPES
            ),
            public_dns=part.read("public_dns", clean=_addresses, default=()),
            internal_dns=part.read("internal_dns", clean=_addresses, default=()),
            enabled=part.read("enabled", clean=flag, default=True),
        )
        part.end()
        return zone

    def _pod(self, part: Section) -> PodPart:
        gateway = part.read("gateway", clean=_ipv4)
        netmask = part.read("netmask", clean=_ipv4)
        pod = PodPart(
            where=_where(part),
            name=part.read("name", clean=clean_name),
            cidr=self._cidr(part, gateway, netmask),
            gateway=gateway,
            reserved=self._range(part.section("reserved_system_ips")),
            guest=self._guest(part, gateway, netmask),
            bridge=part.read("bridge", clean=clean_bridge, default=DEFAULT_BRIDGE),
            mtu=part.read("mtu", clean=clean_whole, default=1500, low=576, high=9216),
            enabled=part.read("enabled", clean=flag, default=True),
        )
        part.end()
        return pod

    def _cidr(self, part: Section, gateway: str, netmask: str) -> str:
        if not gateway or not netmask:
            return ""
        try:
            return str(IPv4Network(f"{gateway}/{netmask}", strict=False))
        except (AddressValueError, NetmaskValueError, ValueError):
            self.findings.refused("not_a_netmask", part.at("netmask"), part.line)
            return ""

    def _range(self, part: Section | None) -> tuple[str, str] | None:
        if part is None:
            return None
        found = (part.read("start", clean=_ipv4), part.read("end", clean=_ipv4))
        part.end()
        return found

    def _guest(self, pod: Section, gateway: str, netmask: str) -> tuple[str, str]:
        part = pod.section("guest")
        if part is None:
            self.findings.refused("required", pod.at("guest"), pod.line)
            return ("", "")
        for name, of_pod in (("gateway", gateway), ("netmask", netmask)):
            own = part.read(name, clean=_ipv4, default=of_pod)
            if own and of_pod and own != of_pod:
                self.findings.refused("guest_not_as_pod", part.at(name), part.line, of_pod=of_pod)
        return self._range(part) or ("", "")

    def _cluster(self, part: Section, document: Document) -> ClusterPart:
        cluster = self._cluster_part(part, document)
        part.end()
        return cluster

    def _cluster_part(self, part: Section, document: Document) -> ClusterPart:
        return ClusterPart(
            where=_where(part),
            pod=self._owner(part, "pod", [pod.name for pod in document.pods]),
            name=part.read("name", clean=clean_name),
            hypervisor=part.read("hypervisor", clean=_choice, default="kvm", known=_HYPERVISORS),
            arch=part.read("arch", clean=clean_arch, default="x86_64"),
            cpu_overcommit_percent=part.read(
                "cpu_overcommit_percent", clean=clean_whole, default=200, low=100, high=5000
            ),
            memory_overcommit_percent=part.read(
                "memory_overcommit_percent", clean=clean_whole, default=100, low=100, high=1000
            ),
            enabled=part.read("enabled", clean=flag, default=True),
        )

    def _host(self, part: Section, document: Document) -> HostPart:
        cluster = self._owner(part, "cluster", [cluster.name for cluster in document.clusters])
        return self._host_of(part, cluster)

    def _host_of(self, part: Section, cluster: str) -> HostPart:
        address = part.read("address", clean=clean_host_address, default="")
        host = HostPart(
            where=_where(part),
            cluster=cluster,
            name=part.read("name", "fqdn", clean=clean_name, default=address or REQUIRED),
            address=address,
            port=part.read("ssh_port", "port", clean=clean_whole, default=22, low=1, high=65535),
            username=part.read("username", clean=clean_username, default="root"),
            host_key=part.read("host_key", clean=clean_host_key, default=""),
            enabled=part.read("enabled", clean=flag, default=True),
        )
        part.end()
        return host

    def _owner(self, part: Section, kind: str, candidates: Sequence[str]) -> str:
        """What a part belongs to: named, or the only one there is."""
        named = part.read(kind, clean=clean_name, default="")
        if named:
            if fold(named) not in {fold(one) for one in candidates}:
                self.findings.refused("no_such_part", part.at(kind), part.line, kind=kind, name=named)
            return named
        if len(candidates) == 1:
            return candidates[0]
        self.findings.refused("which_part", part.at(kind), part.line, kind=kind)
        return ""

    def _primary(self, part: Section) -> PrimaryPart:
        cluster = part.read("cluster", clean=clean_name, default="")
        host = part.read("host", clean=clean_name, default="")
        scope = "host" if host else "cluster" if cluster else "zone"
        primary = PrimaryPart(
            where=_where(part),
            name=part.read("name", clean=clean_name),
            scope=part.read("scope", clean=_choice, default=scope, known=_SCOPES),
            cluster=cluster,
            host=host,
            **self._place_of_files(part),
            settings=part.read("settings", clean=_texts, default={}),
            overprovision_percent=part.read(
                "overprovision_percent", clean=clean_whole, default=200, low=100, high=1000
            ),
            enabled=part.read("enabled", clean=flag, default=True),
        )
        if primary.scope != scope:
            self.findings.refused("scope_and_owner", part.at("scope"), part.line)
        part.end()
        return primary

    def _secondary(self, part: Section) -> SecondaryPart:
        secondary = SecondaryPart(
            where=_where(part),
            name=part.read("name", clean=clean_name),
            **self._place_of_files(part),
            enabled=part.read("enabled", clean=flag, default=True),
        )
        part.end()
        return secondary

    def _place_of_files(self, part: Section) -> dict[str, str]:
        driver = part.read("protocol", clean=_choice, default="directory", known=_PROTOCOLS)
        server = part.read("server", clean=clean_host_address, default="")
        if driver == "nfs" and not server:
            self.findings.refused("required", part.at("server"), part.line)
        if driver == "directory" and server:
            self.findings.refused("server_without_protocol", part.at("server"), part.line)
        return {"driver": driver, "server": server, "path": part.read("path", clean=clean_path)}

    def _gluster_cluster(self, part: Section, document: Document) -> None:
        """A cluster, its hosts, and a pool of its own for each replicated volume."""
        hosts = list(part.sections("host", "hosts"))
        volumes = list(part.sections("volume", "volumes"))
        if found := part.take("management"):
            self.findings.ignore("management_elsewhere", part.at("management"), found[1].line)
        common = part.read("options", clean=_texts, default={})
        if raid := part.read("raid", clean=_texts, default={}):
            common |= {f"raid.{name}": value for name, value in raid.items()}
        cluster = self._cluster_part(part, document)
        document.clusters.append(cluster)
        nodes = [self._host_of(one, cluster.name) for one in hosts]
        document.hosts.extend(nodes)
        for one in volumes:
            document.primaries.append(self._gluster_volume(one, cluster, nodes, common))
        part.end()

    def _gluster_volume(
        self, part: Section, cluster: ClusterPart, nodes: Sequence[HostPart], common: dict[str, str]
    ) -> PrimaryPart:
        name = part.read("name", clean=clean_name)
        own = {
            "replica": str(part.read("replica", clean=clean_whole, default=3, low=1, high=16)),
            "arbiter": str(part.read("arbiter", clean=clean_whole, default=0, low=0, high=1)),
            "bricks": part.read("bricks", clean=clean_path),
        }
        part.end()
        return PrimaryPart(
            where=_where(part),
            name=name,
            scope="cluster",
            cluster=cluster.name,
            host="",
            driver="gluster",
            server=nodes[0].address if nodes else "",
            path=f"/{name}",
            settings={**common, **own},
            overprovision_percent=200,
            enabled=True,
        )


def _where(part: Section) -> Where:
    return Where(part.place, part.line)
