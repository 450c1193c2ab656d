"""Steps that make this machine the first host of a demo zone, through the portal's HTTP API: the
same code path as any other host."""

from __future__ import annotations

import socket
from typing import Any

from bootstrap.bridge import Bridge, free_name, free_subnet, taken_subnets
from bootstrap.context import Context
from bootstrap.failures import CheckFailed
from bootstrap.steps import Step
from bootstrap.terminal import Heartbeat, say
from guest.run import BuildFailed
from guest.tiny import build

ZONE = "demo"
TEMPLATE = "tiny"
TEMPLATE_SECONDS = 300.0
HOST_SECONDS = 120.0
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


class TinyImage(Step):
    key = "image"
    title = "Demo image"

    def __init__(self, context: Context) -> None:
        self._installation = context.installation
        self.path = context.installation.cache / "tiny.qcow2"

    def needed(self) -> str | None:
        return None if self.path.exists() else "build it from Debian packages"

    def do(self) -> None:
        cache = self._installation.cache / "guest"
        with Heartbeat("building the demo image"):
            try:
                build(self.path, cache, lambda line: say(f"      {line}"))
            except BuildFailed as error:
                repair = f"python3 -m guest.tiny {self.path} --cache {cache}"
                raise CheckFailed("the demo image is not built", repair=repair, details=str(error)) from error

    def prove(self) -> str:
        return f"{self.path.stat().st_size / 1e6:.1f} MB"


class DemoZone(Step):
    key = "zone"
    title = "Demo zone"

    def __init__(self, context: Context, image: TinyImage) -> None:
        self._context = context
        self._image = image

    def needed(self) -> str | None:
        if not self._context.token:
            return "make this machine its first host, and register the image"
        host = self._host()
        if host is None:
            return "make this machine its first host, and register the image"
        template = self._context.api.find("templates/", name=TEMPLATE)
        return None if template and template["state"] == "Ready" else "register the image"

    def _host(self) -> Row | None:
        return self._context.api.find("hosts/", name=_host_name())

    def do(self) -> None:
        api = self._context.api
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
        cluster = self._ensure(
            "clusters/", name=f"{ZONE}-cluster", pod=pod["id"], hypervisor="kvm", arch="x86_64"
        )
        self._ensure(
            "secondary-storages/", name=f"{ZONE}-secondary", zone=zone["id"], path=str(storage / "secondary")
        )
        self._ensure(
            "hosts/",
            name=_host_name(),
            cluster=cluster["id"],
            driver="libvirt",
            extra={"work_dir": str(storage / "host")},
        )
        self._ensure(
            "primary-storages/",
            name=f"{ZONE}-primary",
            zone=zone["id"],
            scope="cluster",
            cluster=cluster["id"],
            path=str(storage / "primary"),
        )
        if api.find("templates/", name=TEMPLATE) is None:
            answer = api.upload(
                "templates/", {"name": TEMPLATE, "zone": zone["id"], "is_public": "true"}, self._image.path
            )
            api.await_job(answer, "registering the demo image", seconds=TEMPLATE_SECONDS)

    def _ensure(self, collection: str, *, name: str, **body: object) -> Row:
        """The row of this name, made now if there is none; if that takes a job, once the job is done."""
        api = self._context.api
        found = api.find(collection, name=name)
        if found is not None:
            return found
        answer = api.post(collection, {"name": name, **body})
        if answer.get("job"):
            api.await_job(answer, f"adding {name}", seconds=HOST_SECONDS)
            found = api.find(collection, name=name)
            if found is None:
                raise CheckFailed(f"{collection}{name} is not there after its job", repair="make logs")
            return found
        return answer

    def prove(self) -> str:
        host = self._host()
        if host is None or host["state"] != "Up":
            state = host["state"] if host else "missing"
            raise CheckFailed(f"host {_host_name()} is {state}", repair="make logs")
        accelerator = host["accelerator"]
        if accelerator != "kvm":
            say("      Notice: nothing boots with KVM here (no hardware virtualisation); QEMU emulates.")
        return f"{host['name']}: {host['cpu_cores']} cores, {host['memory_mib']} MiB, {accelerator}"


def _host_name() -> str:
    return socket.gethostname().partition(".")[0] or "localhost"
