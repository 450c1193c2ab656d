"""Steps that make this machine the first host of a demo zone, through the portal's HTTP API: the
same code path as any other host."""

from __future__ import annotations

import socket
import time
from typing import Any

from bootstrap.bridge import Bridge, free_name, free_subnet, taken_subnets
from bootstrap.context import Context
from bootstrap.failures import CheckFailed
from bootstrap.steps import Step
from bootstrap.terminal import Heartbeat, say

ZONE = "demo"
HOST_SECONDS = 120.0
SYNC_SECONDS = 20.0
"""Longer than a few rounds of host sync: what a host that was only missed takes to be seen again."""
Row = dict[str, Any]


class GuestBridge(Step):
    key = "bridge"
    title = "Guest bridge"

    def __init__(self, context: Context) -> None:
        self._installation = context.installation

    def _bridge(self) -> Bridge | None:
        memory = self._installation.memory
        return Bridge(memory.bridge, memory.subnet, memory.name) if memory.bridge else None

    def needed(self) -> str | None:
        bridge = self._bridge()
        if bridge is None:
            return "make a host-only bridge with a free private subnet"
        return None if bridge.is_up() else f"make the host-only bridge {bridge.name} ({bridge.subnet}) again"

    def do(self) -> None:
        memory = self._installation.memory
        if not memory.bridge:
            memory.bridge = free_name()
            memory.subnet = str(free_subnet(taken_subnets()))
            self._installation.save()
        Bridge(memory.bridge, memory.subnet, memory.name).create()

    def prove(self) -> str:
        bridge = self._bridge()
        if bridge is None or not bridge.is_up():
            name = self._installation.memory.bridge
            raise CheckFailed(f"bridge {name} is not up", repair=f"ip link show {name}")
        return f"{bridge.name}, {bridge.subnet}, no uplink"


class DemoZone(Step):
    key = "zone"
    title = "Demo zone"

    def __init__(self, context: Context) -> None:
        self._context = context

    def needed(self) -> str | None:
        first = "make this machine its first host"
        if not self._context.token:
            return self._context.unseen(first)
        host = self._host()
        if host is None:
            return first
        return None if host["state"] == "Up" else f"see to its host, which is {host['state']}"

    def _host(self) -> Row | None:
        """The host that is the machine the workers run on."""
        return self._context.api.find("hosts/", address="", driver="libvirt")

    def do(self) -> None:
        memory = self._context.installation.memory
        storage = self._context.installation.storage
        for folder in ("primary", "secondary", "host"):
            (storage / folder).mkdir(parents=True, exist_ok=True)
            (storage / folder).chmod(0o711)
        bridge = Bridge(memory.bridge, memory.subnet, memory.name)
        region = self._ensure("regions/", name=ZONE)
        zone = self._ensure("zones/", name=ZONE, region=region["id"], network_type="Basic")
        pod = self._ensure(
            "pods/",
            name=f"{ZONE}-pod",
            zone=zone["id"],
            cidr=str(bridge.subnet),
            gateway=bridge.gateway,
            guest_start=str(bridge.subnet[10]),
            guest_end=str(bridge.subnet[250]),
            bridge=bridge.name,
        )
        cluster = {"name": f"{ZONE}-cluster", "pod": pod["id"], "hypervisor": "kvm", "arch": "x86_64"}
        cluster_id = self._ensure("clusters/", **cluster)["id"]
        secondary = {"name": f"{ZONE}-secondary", "zone": zone["id"], "path": str(storage / "secondary")}
        self._ensure("secondary-storages/", **secondary)
        self._ensure_host(cluster_id, work_dir=str(storage / "host"))
        self._ensure(
            "primary-storages/",
            name=f"{ZONE}-primary",
            zone=zone["id"],
            scope="cluster",
            cluster=cluster_id,
            path=str(storage / "primary"),
        )

    def _ensure(self, collection: str, *, name: str, **body: object) -> Row:
        """The row of this name, made now if there is none; if that takes a job, once the job is done."""
        api = self._context.api
        row = api.find(collection, name=name) or api.post(collection, {"name": name, **body})
        if row.get("job"):
            api.await_job(row, f"adding {name}", seconds=HOST_SECONDS)
        return row

    def _ensure_host(self, cluster: str, *, work_dir: str) -> None:
        """Add this machine as a host; one that is there but not up is given the time of a few syncs,
        then reached anew."""
        host = self._host()
        if host is None:
            extra = {"work_dir": work_dir}
            self._ensure("hosts/", name=_host_name(), cluster=cluster, driver="libvirt", extra=extra)
            return
        if self._is_up_within(SYNC_SECONDS if host["job"] is None else HOST_SECONDS):
            return
        api = self._context.api
        api.await_job(
            api.post(f"hosts/{host['id']}/reconnect/", {}), "reaching the host", seconds=HOST_SECONDS
        )

    def _is_up_within(self, seconds: float) -> bool:
        limit = time.monotonic() + seconds
        with Heartbeat("waiting for the host"):
            while time.monotonic() < limit:
                host = self._host()
                if host is not None and host["state"] == "Up":
                    return True
                if host is not None and host["job"] is None and host["last_seen_at"] is None:
                    return False
                time.sleep(0.2)
        return False

    def prove(self) -> str:
        host = self._host()
        if host is None or host["state"] != "Up":
            state = host["state"] if host else "missing"
            raise CheckFailed(f"this machine, as a host, is {state}", repair="make logs")
        accelerator = host["accelerator"]
        if accelerator != "kvm":
            say("      Notice: nothing boots with KVM here (no hardware virtualisation); QEMU emulates.")
        return f"{host['name']}: {host['cpu_cores']} cores, {host['memory_mib']} MiB, {accelerator}"


def _host_name() -> str:
    return socket.gethostname().partition(".")[0] or "localhost"
