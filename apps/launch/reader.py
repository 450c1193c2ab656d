"""From text to a Document, or to findings that say what is wrong and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from apps.core.checks import clean_bridge, clean_host_address, clean_path, clean_whole
from apps.core.names import clean_name, fold
from apps.launch import values
from apps.launch.document import (
    DEFAULT_BRIDGE,
    DEFAULT_URI,
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
from apps.storage.mounts import BACKUP_SERVERS, MOUNTED
from apps.zones.keys import clean_host_key
from apps.zones.models import Zone
from apps.zones.services import clean_arch, clean_uri, clean_username

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


class _Reader:
    def __init__(self, root: Section, findings: Findings) -> None:
        self.root, self.findings = root, findings
        self._pods: dict[str, str] = {}
        self._clusters: dict[str, list[ClusterPart]] = {}
        self._hosts: dict[str, list[HostPart]] = {}

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
        self._pods = {fold(pod.name): pod.name for pod in document.pods}
        document.clusters = [self._cluster(one) for one in root.sections("cluster", "clusters")]
        document.hosts = [self._host(one) for one in root.sections("host", "hosts")]
        for one in root.sections("primary_storage", "primary_storages"):
            document.primaries.append(self._primary(one))
        for one in root.sections("secondary_storage", "secondary_storages"):
            document.secondaries.append(self._secondary(one))
        for one in root.sections("gluster_cluster", "gluster_clusters"):
            self._gluster_cluster(one, document)
        for host in document.hosts:
            self._hosts.setdefault(fold(host.name), []).append(host)
        document.primaries = [self._owned(pool) for pool in document.primaries]
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
            where=part.where,
            region=region,
            name=part.read("name", clean=clean_name),
            network_type=part.read(
                "network_type", clean=values.choice, default=str(Zone.NetworkType.BASIC), known=_NETWORK_TYPES
            ),
            public_dns=part.read("public_dns", clean=values.addresses, default=()),
            internal_dns=part.read("internal_dns", clean=values.addresses, default=()),
            enabled=part.read("enabled", clean=flag, default=True),
        )
        part.end()
        return zone

    def _pod(self, part: Section) -> PodPart:
        gateway = part.read("gateway", clean=values.ipv4)
        netmask = part.read("netmask", clean=values.ipv4)
        pod = PodPart(
            where=part.where,
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
        found = (part.read("start", clean=values.ipv4), part.read("end", clean=values.ipv4))
        part.end()
        return found

    def _guest(self, pod: Section, gateway: str, netmask: str) -> tuple[str, str]:
        part = pod.section("guest")
        if part is None:
            self.findings.refused("required", pod.at("guest"), pod.line)
            return ("", "")
        for name, of_pod in (("gateway", gateway), ("netmask", netmask)):
            own = part.read(name, clean=values.ipv4, default=of_pod)
            if own and of_pod and own != of_pod:
                self.findings.refused("guest_not_as_pod", part.at(name), part.line, of_pod=of_pod)
        return self._range(part) or ("", "")

    def _cluster(self, part: Section) -> ClusterPart:
        cluster = self._cluster_part(part)
        part.end()
        return cluster

    def _cluster_part(self, part: Section) -> ClusterPart:
        cluster = ClusterPart(
            where=part.where,
            pod=self._pod_of(part),
            name=part.read("name", clean=clean_name),
            hypervisor=part.read("hypervisor", clean=values.choice, default="kvm", known=_HYPERVISORS),
            arch=part.read("arch", clean=clean_arch, default="x86_64"),
            cpu_overcommit_percent=part.read(
                "cpu_overcommit_percent", clean=clean_whole, default=200, low=100, high=5000
            ),
            memory_overcommit_percent=part.read(
                "memory_overcommit_percent", clean=clean_whole, default=100, low=100, high=1000
            ),
            enabled=part.read("enabled", clean=flag, default=True),
        )
        self._clusters.setdefault(fold(cluster.name), []).append(cluster)
        return cluster

    def _host(self, part: Section) -> HostPart:
        pod = part.read("pod", clean=clean_name, default="")
        name = part.read("cluster", clean=clean_name, default="")
        pod, cluster = self._cluster_of(part.where, part.at("cluster"), pod, name)
        return self._host_of(part, pod, cluster)

    def _cluster_of(self, where: Where, place: str, pod: str, name: str) -> tuple[str, str]:
        """Pod and name of the cluster that is meant: named, or the only one there is."""
        every = self._clusters.values()
        named = self._clusters.get(fold(name), []) if name else [one for some in every for one in some]
        meant = [one for one in named if not pod or fold(one.pod) == fold(pod)]
        if len(meant) == 1:
            return meant[0].pod, meant[0].name
        if name and not meant:
            self.findings.refused("no_such_part", place, where.line, kind="cluster", name=name)
        else:
            self.findings.refused("which_part", place, where.line, kind="cluster")
        return pod, name

    def _host_of(self, part: Section, pod: str, cluster: str) -> HostPart:
        named_by_address = part.has("address")
        address = part.read("address", clean=clean_host_address, default="")
        host = HostPart(
            where=part.where,
            pod=pod,
            cluster=cluster,
            name=part.read(
                "name", "fqdn", clean=clean_name, default=address if named_by_address else REQUIRED
            ),
            address=address,
            port=part.read("ssh_port", "port", clean=clean_whole, default=22, low=1, high=65535),
            username=part.read("username", clean=clean_username, default="root"),
            host_key=part.read("host_key", clean=clean_host_key, default=""),
            uri=part.read("uri", clean=clean_uri, default=DEFAULT_URI),
            extra=part.read("extra", clean=values.extra, default={}),
            enabled=part.read("enabled", clean=flag, default=True),
        )
        part.end()
        return host

    def _pod_of(self, part: Section) -> str:
        """The pod that a cluster belongs to: named, or the only one there is."""
        named = part.read("pod", clean=clean_name, default="")
        if named:
            if fold(named) not in self._pods:
                self.findings.refused("no_such_part", part.at("pod"), part.line, kind="pod", name=named)
            return named
        if len(self._pods) == 1:
            return next(iter(self._pods.values()))
        self.findings.refused("which_part", part.at("pod"), part.line, kind="pod")
        return ""

    def _primary(self, part: Section) -> PrimaryPart:
        cluster = part.read("cluster", clean=clean_name, default="")
        host = part.read("host", clean=clean_name, default="")
        scope = "host" if host else "cluster" if cluster else "zone"
        primary = PrimaryPart(
            where=part.where,
            name=part.read("name", clean=clean_name),
            scope=part.read("scope", clean=values.choice, default=scope, known=_SCOPES),
            pod=part.read("pod", clean=clean_name, default=""),
            cluster=cluster,
            host=host,
            **self._place_of_files(part),
            settings=part.read("settings", clean=values.storage_settings, default={}),
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
            where=part.where,
            name=part.read("name", clean=clean_name),
            **self._place_of_files(part),
            enabled=part.read("enabled", clean=flag, default=True),
        )
        part.end()
        return secondary

    def _place_of_files(self, part: Section) -> dict[str, str]:
        driver = part.read("protocol", clean=values.choice, default="directory", known=_PROTOCOLS)
        server = part.read("server", clean=clean_host_address, default="")
        if driver in MOUNTED and not server:
            self.findings.refused("required", part.at("server"), part.line)
        if driver not in MOUNTED and server:
            self.findings.refused("server_without_protocol", part.at("server"), part.line)
        return {"driver": driver, "server": server, "path": part.read("path", clean=clean_path)}

    def _owned(self, pool: PrimaryPart) -> PrimaryPart:
        """The pool with the pod and the cluster of whom it belongs to."""
        where = pool.where
        if pool.scope == "cluster" and pool.cluster:
            pod, name = self._cluster_of(where, f"{where.place}.cluster", pool.pod, pool.cluster)
            return replace(pool, pod=pod, cluster=name)
        if pool.scope == "host" and pool.host:
            meant = [
                host
                for host in self._hosts.get(fold(pool.host), [])
                if (not pool.cluster or fold(host.cluster) == fold(pool.cluster))
                and (not pool.pod or fold(host.pod) == fold(pool.pod))
            ]
            if len(meant) == 1:
                return replace(pool, pod=meant[0].pod, cluster=meant[0].cluster, host=meant[0].name)
            reason = "which_part" if meant else "no_such_part"
            self.findings.refused(reason, f"{where.place}.host", where.line, kind="host", name=pool.host)
        return pool

    def _gluster_cluster(self, part: Section, document: Document) -> None:
        """A cluster, its hosts, and a pool of its own for each replicated volume."""
        hosts = list(part.sections("host", "hosts"))
        volumes = list(part.sections("volume", "volumes"))
        if found := part.take("management"):
            self.findings.ignore("management_elsewhere", part.at("management"), found[1].line)
        common = part.read("options", clean=values.notes, default={})
        if raid := part.read("raid", clean=values.notes, default={}):
            common |= {f"raid.{name}": value for name, value in raid.items()}
        cluster = self._cluster_part(part)
        document.clusters.append(cluster)
        nodes = [self._host_of(one, cluster.pod, cluster.name) for one in hosts]
        document.hosts.extend(nodes)
        servers = [node.address for node in nodes if node.address]
        if volumes and not servers:
            self.findings.refused("required", part.at("hosts"), part.line)
        elif volumes:
            self.findings.ignore("volumes_built_elsewhere", part.at("volumes"), volumes[0].line)
        for one in volumes:
            document.primaries.append(self._gluster_volume(one, cluster, servers, common))
        part.end()

    def _gluster_volume(
        self, part: Section, cluster: ClusterPart, servers: Sequence[str], common: dict[str, str]
    ) -> PrimaryPart:
        name = part.read("name", clean=clean_name)
        settings = {
            **common,
            "replica": str(part.read("replica", clean=clean_whole, default=3, low=1, high=16)),
            "arbiter": str(part.read("arbiter", clean=clean_whole, default=0, low=0, high=1)),
            "bricks": part.read("bricks", clean=clean_path),
        }
        if len(servers) > 1:
            settings[BACKUP_SERVERS] = ":".join(servers[1:])
        path = f"/{name}"
        with self.findings.catching(part.at("name"), part.line):
            clean_path(path, place=part.at("name"))
        part.end()
        return PrimaryPart(
            where=part.where,
            name=name,
            scope="cluster",
            pod=cluster.pod,
            cluster=cluster.name,
            host="",
            driver="gluster",
            server=servers[0] if servers else "",
            path=path,
            settings=settings,
            overprovision_percent=200,
            enabled=True,
        )
