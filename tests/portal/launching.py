"""The launch wizard as somebody fills it in, for tests of its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone

from apps.jobs.models import Job, JobLock, JobState
from apps.launch.models import Launch

CAMPUS = (Path(__file__).parents[1] / "launch" / "campus.yaml").read_text()
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
TYPED: dict[str, dict[str, str]] = {
    "zone": {"region": "Athens", "name": "Zone1", "public_dns": "10.0.0.2, 9.9.9.9"},
    "pod": {
        "name": "Pod1",
        "gateway": "10.1.0.1",
        "netmask": "255.255.255.0",
        "guest_start": "10.1.0.100",
        "guest_end": "10.1.0.200",
        "bridge": "cloudbr0",
    },
    "cluster": {
        "name": "Cluster1",
        "hypervisor": "kvm",
        "arch": "x86_64",
        "cpu_overcommit_percent": "150",
        "memory_overcommit_percent": "100",
    },
    "host": {
        "where": "network",
        "hosts": "kvm1 10.1.0.11\r\n10.1.0.12",
        "username": "root",
        "port": "2222",
        "key": "portal",
    },
    "primary": {"name": "Primary1", "protocol": "nfs", "scope": "zone", "server": "nas", "path": "/export/p"},
    "secondary": {"name": "Secondary1", "protocol": "directory", "path": "/srv/secondary"},
}


def fill(client: Client, **changes: dict[str, str]) -> None:
    """All steps of the wizard."""
    for step, texts in TYPED.items():
        answer = client.post(f"/launch/steps/{step}/", {**texts, **changes.get(step, {}), "to": "next"})
        assert answer.status_code == 302, answer.content.decode()


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def launched(client: Client, **changes: dict[str, str]) -> Launch:
    fill(client, **changes)
    shown = client.get("/launch/review/")
    answer = client.post("/launch/review/", {"digest": shown.context["plan"].digest})
    assert answer.status_code == 302
    launch = Launch.objects.get()
    assert answer["Location"] == f"/launch/{launch.uuid}/"
    return launch


def over(*rows: Any) -> None:
    """The jobs about these rows have ended."""
    jobs = Job.objects.filter(target_uuid__in=[row.uuid for row in rows])
    jobs.update(state=JobState.DONE, finished_at=timezone.now())
    JobLock.objects.filter(job__in=jobs).delete()
