"""The cloud that is measured: this machine as the one host of a zone, added like any other host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.bare import Pattern, pattern_of
from bench.stack import Client, Stack, rest, succeeded, wait_until

Row = dict[str, Any]
MEMORY_MIB = 192
WARM_UP = 12
"""Machines deployed before anything is measured: each worker has then opened its connections."""


@dataclass(slots=True)
class Site:
    stack: Stack
    client: Client
    wish: Row
    host_id: str

    def deploy(self, name: str) -> UUID:
        """Ask for one machine, paused; returns once the portal has answered."""
        return UUID(self.client.post("virtual-machines/", {**self.wish, "name": name})["id"])

    def deploy_batch(self, name: str, count: int) -> list[UUID]:
        answer = self.client.post("virtual-machines/batch/", {**self.wish, "name": name, "count": count})
        return [UUID(row["id"]) for row in answer["virtual_machines"]]

    def remove(self, uuids: list[UUID]) -> None:
        """Into the trash and out of it, with everything they held."""
        rest()
        succeeded("vm.deploy", uuids)
        for act in ("destroy", "expunge"):
            for uuid in uuids:
                self.client.post(f"virtual-machines/{uuid}/{act}/", {})
            rest()
        from apps.compute.models import VirtualMachine

        left = VirtualMachine.objects.filter(uuid__in=uuids)
        wait_until(lambda: not left.exists(), "machines are expunged")

    def pattern(self) -> Pattern:
        """What a machine by hand must be like, from one that was deployed just now."""
        import libvirt

        from apps.jobs.models import Job
        from workers.operation import Operation
        from workers.operations.compute.base import VmOperation, machine_spec
        from workers.world import World

        uuid = self.deploy("pattern")
        rest()
        job = Job.objects.get(kind="vm.deploy", target_uuid=uuid)
        operation = Operation.registry[job.kind](job, World(lambda: None, 60))
        assert isinstance(operation, VmOperation)
        spec, volume = machine_spec(operation), operation.volumes[0]
        raw = libvirt.open("qemu:///system")
        direct = "cache='none'" in raw.lookupByUUID(uuid.bytes).XMLDesc()
        raw.close()
        copy = volume.template_copy
        assert copy is not None
        found = pattern_of(spec, direct=direct, image=copy.template.image, volume_bytes=volume.size_bytes)
        self.remove([uuid])
        return found


def build(stack: Stack, image: Path, *, bridge: str, subnet: Any) -> Site:
    """A zone with this machine in it and the template copied: through the API, like any other."""
    api = stack.context.api
    storage = stack.installation.storage
    for name in ("primary", "secondary", "host"):
        (storage / name).mkdir(parents=True)
    region = api.post("regions/", {"name": "bench"})
    zone = api.post("zones/", {"name": "bench", "region": region["id"], "network_type": "Basic"})
    pod = api.post(
        "pods/",
        {
            "name": "bench",
            "zone": zone["id"],
            "cidr": str(subnet),
            "gateway": str(subnet[1]),
            "guest_start": str(subnet[2]),
            "guest_end": str(subnet[-2]),
            "bridge": bridge,
        },
    )
    overcommit = {"cpu_overcommit_percent": 5000, "memory_overcommit_percent": 1000}
    cluster = api.post("clusters/", {"name": "bench", "pod": pod["id"], "hypervisor": "kvm", **overcommit})
    secondary = {"name": "bench", "zone": zone["id"], "path": str(storage / "secondary")}
    api.post("secondary-storages/", secondary)
    host = api.post(
        "hosts/",
        {
            "name": "bench",
            "cluster": cluster["id"],
            "driver": "libvirt",
            "extra": {"work_dir": str(storage / "host")},
        },
    )
    api.await_job(host, "adding the host", seconds=60)
    where = {"scope": "cluster", "cluster": cluster["id"], "path": str(storage / "primary")}
    pool = api.post("primary-storages/", {"name": "bench", "zone": zone["id"], **where})
    api.await_job(pool, "adding the pool", seconds=60)
    fields = {"name": "tiny", "zone": zone["id"], "is_public": "true"}
    template = api.upload("templates/", fields, image)
    api.await_job(template, "registering the template", seconds=60)
    offering = next(row for row in api.rows("service-offerings/") if row["memory_mib"] == MEMORY_MIB)
    wish = {
        "zone": zone["id"],
        "template": template["id"],
        "offering": offering["id"],
        "start_paused": True,
    }
    site = Site(stack, Client(stack), wish, host["id"])
    site.remove(site.deploy_batch("warm-%d", WARM_UP))
    return site


def host_row() -> Any:
    from apps.zones.models import Host

    return Host.objects.get(name="bench")
