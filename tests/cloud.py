"""A zone on real test hosts, built through the portal's own API as any operator would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootstrap.api import Api
from guest.tiny import build
from tests.lab import Lab
from tests.stack import ROOT, Stack

CACHE = ROOT / "var" / "cache" / "guest"


def tiny_image() -> Path:
    """The demo guest, built once for all tests of a checkout."""
    return build(CACHE / "tiny.qcow2", CACHE, lambda line: None)


class LabCloud:
    """Zone, pod, cluster, pool, the lab's hosts and the tiny template. Ids are the API's."""

    def __init__(self, stack: Stack, lab: Lab, *, hosts: int | None = None) -> None:
        self.stack, self.lab = stack, lab
        self.storage = lab.shared / stack.folder.name
        for folder in ("primary", "secondary"):
            (self.storage / folder).mkdir(parents=True)
        region = stack.post("regions/", {"name": "Lab"})
        self.zone = stack.post("zones/", {"name": "Lab", "region": region["id"], "network_type": "Basic"})
        network = lab.guest_network
        pod = stack.post(
            "pods/",
            {
                "zone": self.zone["id"],
                "name": "Pod",
                "cidr": str(network),
                "gateway": lab.guest_gateway,
                "guest_start": str(network[20]),
                "guest_end": str(network[200]),
                "bridge": lab.guest_bridge,
            },
        )
        self.cluster = stack.post(
            "clusters/", {"pod": pod["id"], "name": "Cluster", "hypervisor": "kvm", "arch": "x86_64"}
        )
        stack.post(
            "secondary-storages/",
            {"zone": self.zone["id"], "name": "Secondary", "path": str(self.storage / "secondary")},
        )
        self.pool = stack.post(
            "primary-storages/",
            {
                "zone": self.zone["id"],
                "scope": "cluster",
                "cluster": self.cluster["id"],
                "name": "Primary",
                "path": str(self.storage / "primary"),
            },
        )
        numbers = range(len(lab.hosts) if hosts is None else hosts)
        self.hosts = [self._add_host(number) for number in numbers]
        for host in self.hosts:
            job = stack.job(host)
            assert job["state"] == "done", job
        self.template = self._add_template()
        self.offering = self._smallest_offering()

    def _add_host(self, number: int) -> Any:
        address = self.lab.address(number)
        body = {
            "cluster": self.cluster["id"],
            "name": address.name,
            "address": address.address,
            "port": address.port,
            "username": address.username,
            "private_key": self.lab.private_key.read_text(),
            "host_key": address.host_key,
            "driver": "libvirt",
            "extra": {"work_dir": address.work_dir},
        }
        return self.stack.post("hosts/", body)

    def _add_template(self) -> Any:
        api = Api(self.stack.url, self.stack.token)
        fields = {"name": "tiny", "zone": self.zone["id"], "is_public": "true"}
        answer = api.upload("templates/", fields, tiny_image())
        job = self.stack.job(answer)
        assert job["state"] == "done", job
        return answer

    def _smallest_offering(self) -> Any:
        offerings = self.stack.get("service-offerings/")["results"]
        return min(offerings, key=lambda row: (row["memory_mib"], row["vcpus"]))

    def request(self, name: str, **changes: Any) -> dict[str, Any]:
        """The body of a request for one machine of the smallest size."""
        body = {"name": name, "zone": self.zone["id"], "offering": self.offering["id"]}
        return {**body, "template": self.template["id"], **changes}

    def deploy(self, name: str, **changes: Any) -> Any:
        """A machine, once its job is done."""
        answer = self.stack.post("virtual-machines/", self.request(name, **changes))
        job = self.stack.job(answer, seconds=120)
        assert job["state"] == "done", (job, self.stack.logs())
        return self.stack.get(f"virtual-machines/{answer['id']}/")

    def remove_machines(self) -> None:
        """Every machine away, for good; whatever its state once its job has ended."""
        stack = self.stack
        for job in stack.get("jobs/?limit=100")["results"]:
            if job["state"] not in {"done", "failed", "cancelled"}:
                assert stack.job(job, seconds=180)["state"] != "stuck", job
        for verb, states in (("destroy", {"Running", "Stopped"}), ("expunge", {"Destroyed"})):
            vms = stack.get("virtual-machines/?limit=100")["results"]
            jobs: list[Any] = [
                stack.post(f"virtual-machines/{vm['id']}/{verb}/") for vm in vms if vm["state"] in states
            ]
            for job in jobs:
                assert stack.job(job)["state"] == "done"
        for vm in stack.get("virtual-machines/?limit=100")["results"]:
            stack.post(f"virtual-machines/{vm['id']}/dismiss/")
