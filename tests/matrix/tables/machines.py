"""Machines and what they are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from apps.compute.models import Placement, VirtualMachine
from tests.matrix.groups import (
    EVERYBODY,
    MACHINE_READ,
    MACHINE_WRITE,
    PLACEMENT_READ,
    SUPER_ONLY,
    TENANT_READ,
    TENANT_WRITE,
)
from tests.matrix.line import At, Line
from tests.matrix.world import PUBLIC_KEY


def in_state(state: str, **columns: Any) -> Callable[[At], object]:
    return lambda at: VirtualMachine.objects.filter(pk=at["vm"].pk).update(state=state, **columns)


def placed(at: At) -> None:
    Placement.objects.get_or_create(vm=at["vm"], defaults={"fits": True, "explanation": {}})


def wanted(at: At, **more: Any) -> dict[str, Any]:
    """A deploy that works."""
    return {
        "name": "web",
        "account": at.id("account"),
        "zone": at.id("zone"),
        "offering": str(at.world.offering.uuid),
        "template": at.id("public_template"),
        **more,
    }


def outcome(body: str) -> int:
    """What became of the only machine that was acted on."""
    (row,) = json.loads(body)["results"]
    return {"not_found": 404, "permission_denied": 403}[row["error"]["code"]] if row["error"] else 202


def to_another(at: At) -> dict[str, str]:
    """The account of the place sub; of what is there, that of the place own."""
    return {"account": str(at.world.accounts["own" if at.place == "sub" else "sub"].uuid)}


def all_to_another(at: At) -> dict[str, str]:
    return {"source": at.id("account"), **to_another(at)}


RUNNING, DESTROYED, ERROR = in_state("Running"), in_state("Destroyed"), in_state("Error", host=None, pod=None)
VM = "virtual-machines/{vm}/"

# Who asks for a machine to stand still before it starts, or on a host of their choice, is an operator.
OPERATED_CREATE = TENANT_WRITE.but(
    domain_admin="----...", project_admin="..-....", user="--.....", other=".....--"
)
# To give a machine away takes rights over both accounts; here it goes to the account of the place sub.
TRANSFER = MACHINE_WRITE.but(
    project_admin=".......", user=".......", other=".......", limited=".......", simple="......."
)

LINES = [
    Line("GET", "virtual-machines/?limit=200", MACHINE_READ, shown="vm"),
    Line("GET", "virtual-machines/?limit=200&q=vm-of", MACHINE_READ, shown="vm"),
    Line("GET", "virtual-machines/?limit=200&order=-created_at", MACHINE_READ, shown="vm"),
    Line("POST", "virtual-machines/", TENANT_WRITE, wanted),
    Line("POST", "virtual-machines/", OPERATED_CREATE, lambda at: wanted(at, start_paused=True)),
    Line("POST", "virtual-machines/batch/", TENANT_WRITE, lambda at: wanted(at, count=2)),
    Line("POST", "virtual-machines/dry-run/", TENANT_WRITE, wanted),
    Line("GET", VM, MACHINE_READ),
    Line("PATCH", VM, MACHINE_WRITE, lambda at: {"name": "renamed"}),
    Line("PATCH", VM, MACHINE_WRITE, lambda at: {"tags": {"a": "b"}}),
    Line("PATCH", VM, MACHINE_WRITE, lambda at: {"delete_protection": True}),
    Line("PATCH", VM, MACHINE_WRITE, lambda at: {"offering": str(at.world.offering.uuid)}),
    Line("DELETE", VM, MACHINE_WRITE),
    Line("POST", f"{VM}start/", MACHINE_WRITE),
    *(
        Line("POST", f"{VM}{verb}/", MACHINE_WRITE, prepare=RUNNING)
        for verb in ("stop", "force-stop", "reboot")
    ),
    Line("POST", f"{VM}destroy/", MACHINE_WRITE),
    Line("POST", f"{VM}recover/", MACHINE_WRITE, prepare=DESTROYED),
    Line("POST", f"{VM}expunge/", MACHINE_WRITE, prepare=DESTROYED),
    Line("POST", f"{VM}dismiss/", MACHINE_WRITE, prepare=ERROR),
    Line("POST", f"{VM}retry-deploy/", MACHINE_WRITE, prepare=ERROR),
    Line("GET", f"{VM}console-log/", MACHINE_WRITE, prepare=RUNNING),
    Line("GET", f"{VM}placement/", MACHINE_READ, prepare=placed),
    Line("GET", f"{VM}placement/?full=1", PLACEMENT_READ, prepare=placed),
    Line("GET", f"{VM}events/", MACHINE_READ),
    *(Line("POST", f"{VM}{verb}/", TRANSFER, to_another) for verb in ("transfer", "transfer-plan")),
    *(
        Line("POST", f"virtual-machines/{verb}/", TRANSFER, all_to_another)
        for verb in ("transfer-all", "transfer-all-plan")
    ),
    Line(
        "POST",
        "virtual-machines/act/",
        MACHINE_WRITE,
        lambda at: {"kind": "vm.destroy", "ids": [at.id("vm")]},
        inside=outcome,
    ),
    Line("GET", "volumes/?limit=200", TENANT_READ, shown="volume"),
    Line("GET", "volumes/{volume}/", TENANT_READ),
    Line("GET", "ssh-keys/?limit=200", TENANT_READ, shown="ssh_key"),
    Line("GET", "ssh-keys/{ssh_key}/", TENANT_READ),
    Line(
        "POST",
        "ssh-keys/",
        TENANT_WRITE,
        lambda at: {"name": "new", "public_key": PUBLIC_KEY, "account": at.id("account")},
    ),
    Line("DELETE", "ssh-keys/{ssh_key}/", TENANT_WRITE),
    Line("GET", "templates/?limit=200", TENANT_READ, shown="template"),
    Line("GET", "templates/{template}/", TENANT_READ),
    Line(
        "GET",
        "templates/{public_template}/",
        TENANT_READ.but(
            **dict.fromkeys(
                (
                    "simple",
                    "domain_admin",
                    "project_admin",
                    "user",
                    "domain_auditor",
                    "other",
                    "expired",
                    "limited",
                ),
                "+++++++",
            )
        ),
    ),
    Line("PATCH", "templates/{template}/", OPERATED_CREATE, lambda at: {"is_public": True}),
    Line("DELETE", "templates/{template}/", OPERATED_CREATE),
    Line(
        "POST",
        "templates/",
        SUPER_ONLY,
        lambda at: {
            "name": "new",
            "zone": str(at.world.zones["away"].uuid),
            "account": str(at.world.accounts["own"].uuid),
            "file": "image",
        },
    ),
    Line("GET", "service-offerings/", EVERYBODY, shown="offering"),
    Line("GET", "service-offerings/{offering}/", EVERYBODY),
    Line("POST", "service-offerings/", SUPER_ONLY, lambda at: {"name": "new", "vcpus": 1, "memory_mib": 64}),
    Line("PATCH", "service-offerings/{offering}/", SUPER_ONLY, lambda at: {"name": "changed"}),
    Line("DELETE", "service-offerings/{unused}/", SUPER_ONLY),
    *(Line("POST", f"service-offerings/{{offering}}/{verb}/", SUPER_ONLY) for verb in ("enable", "disable")),
]
