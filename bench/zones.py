"""Planning the document of a zone of a thousand hosts: all of it new, and all of it there already.

Runs against the database of Django's settings and takes away what it made there.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction

from apps.accounts.actor import Actor
from apps.launch.apply import apply_document
from apps.launch.export import dump
from apps.launch.plan import plan_document

HOSTS, CLUSTERS, PODS, ROUNDS = 1000, 50, 10, 7
ACTOR = Actor.system("a measurement")


def document() -> str:
    """A zone of 1,000 hosts as an operator would write it."""
    sections: dict[str, Any] = {
        "region": {"name": "Bench"},
        "zone": {"name": "Thousand", "public_dns": ["10.0.0.2"], "internal_dns": ["10.0.0.2"]},
        "pods": [_pod(number) for number in range(PODS)],
        "clusters": [
            {"name": f"cluster-{number}", "pod": f"pod-{number % PODS}", "hypervisor": "KVM"}
            for number in range(CLUSTERS)
        ],
        "hosts": [
            {
                "name": f"host-{number}.example.org",
                "cluster": f"cluster-{number % CLUSTERS}",
                "address": f"172.16.{number // 250}.{number % 250 + 1}",
            }
            for number in range(HOSTS)
        ],
        "primary_storages": [
            {"name": f"pool-{number}", "cluster": f"cluster-{number}", "path": "/srv/primary"}
            for number in range(CLUSTERS)
        ],
        "secondary_storage": {"name": "images", "protocol": "NFS", "server": "nas", "path": "/export/images"},
    }
    return dump(sections)


def _pod(number: int) -> dict[str, Any]:
    return {
        "name": f"pod-{number}",
        "gateway": f"10.{number}.0.1",
        "netmask": "255.255.0.0",
        "guest": {"start": f"10.{number}.4.0", "end": f"10.{number}.4.255"},
    }


def run() -> tuple[dict[str, float], dict[str, list[float]]]:
    """Milliseconds of the slowest of both kinds of plan; the median of each kind's rounds counts."""
    text = document()
    new = [_milliseconds(text, changes=HOSTS + PODS + 2 * CLUSTERS + 3) for _ in range(ROUNDS)]
    with transaction.atomic():
        apply_document(ACTOR, text)
        there = [_milliseconds(text, changes=0) for _ in range(ROUNDS)]
        transaction.set_rollback(True)
    samples = {"zone_plan_ms_new": new, "zone_plan_ms_there": there}
    medians = [sorted(found)[len(found) // 2] for found in samples.values()]
    return {"zone_plan_ms": max(medians)}, samples


def _milliseconds(text: str, *, changes: int) -> float:
    begun = time.perf_counter()
    plan = plan_document(ACTOR, text)
    took = (time.perf_counter() - begun) * 1000
    if plan.refused or len(plan.changes) != changes:
        raise RuntimeError(f"planned {len(plan.changes)} changes: {list(plan.findings)[:3]}")
    return took
