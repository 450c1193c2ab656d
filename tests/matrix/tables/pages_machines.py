"""Pages of machines, their images and keys, of jobs and events."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.compute.models import VirtualMachine
from tests.matrix.groups import (
    EVERYBODY,
    JOB_MEND,
    MACHINE_READ,
    MACHINE_WRITE,
    SUPER_ONLY,
    TENANT_READ,
    TENANT_WRITE,
    everybody,
)
from tests.matrix.line import At, dialog, get, post, sending
from tests.matrix.tables.machines import DESTROYED, OPERATED_CREATE, RUNNING, placed
from tests.matrix.tables.pages import ASKED_ANYWHERE, NOBODYS
from tests.matrix.tables.records import stuck
from tests.matrix.world import PUBLIC_KEY, TENANT

VM, JOB, TEMPLATE, KEY = (
    "/virtual-machines/{vm}/",
    "/jobs/{job}/",
    "/templates/{template}/",
    "/ssh-keys/{ssh_key}/",
)

# In an account that is named in a form: who may nothing there is told that it is no choice.
PLACES = everybody(TENANT, ".").but(simple="......+")
JOB_CANCEL = MACHINE_WRITE.but(simple="......+")
# Whoever knows of a machine may ask what to hand over to whom; to do it takes rights over both accounts.
TRANSFER_ASKED = MACHINE_WRITE
HEIR_UNSEEN = TENANT_WRITE.but(project_admin="..-....", user="--.....", other=".....--")
"""Who sees the account that is to get it may hand over; others are told beside the field."""


def wanted(at: At) -> dict[str, Any]:
    """A machine that can be made, as the form says it."""
    return {
        "name": "web",
        "account": at.id("account"),
        "zone": at.id("zone"),
        "offering": str(at.world.offering.uuid),
        "template": at.id("public_template"),
        "count": 1,
    }


def all_destroyed(_at: At) -> None:
    rows = VirtualMachine.objects.filter(name__startswith="vm-of-")
    rows.update(state="Destroyed", expunge_after=timezone.now())


def heir(at: At) -> dict[str, str]:
    account = at.world.accounts["own" if at.place == "sub" else "sub"]
    return {"account": str(account.uuid), "act": "transfer"}


def gone(body: str) -> int:
    """What follows a machine says of one that is gone, or was never the reader's, that it is gone."""
    return 404 if "no longer exists" in body else 200


# Of an owner that is not the reader's to know the list says that there is none of the name.
EITHER: dict[str, Any] = {"done": (200, 422)}
BY_NAME: dict[str, Any] = {"shown": "vm", "named": True}

LINES = [
    get("/virtual-machines/", MACHINE_READ, lambda at: {"q": "vm-of"}, shown="vm"),
    get("/virtual-machines/", MACHINE_READ, lambda at: {"q": "vm-of", "order": "-name"}, shown="vm"),
    get("/virtual-machines/", MACHINE_READ, lambda at: {"q": "vm-of", "state": "Stopped"}, shown="vm"),
    get("/virtual-machines/", MACHINE_READ, lambda at: {"format": "csv"}, **BY_NAME),
    get("/virtual-machines/", ASKED_ANYWHERE, lambda at: {"account": at.id("account")}, **EITHER),
    get("/virtual-machines/", ASKED_ANYWHERE, lambda at: {"host": at["vm"].host.name}, **EITHER),
    get("/virtual-machines/new/", ASKED_ANYWHERE, lambda at: {"account": at.id("account")}),
    post("/virtual-machines/new/", TENANT_WRITE, wanted),
    get("/virtual-machines/new/check/", EVERYBODY, done=(302,)),
    post("/virtual-machines/new/check/", ASKED_ANYWHERE, wanted, done=(200,)),
    post(
        "/virtual-machines/act/",
        MACHINE_WRITE,
        lambda at: {"verb": "vm.start", "id": at.id("vm")},
    ),
    post(
        "/virtual-machines/act/",
        MACHINE_WRITE,
        lambda at: {"verb": "vm.start", "all": "1", "query": f"q={at['vm'].name}"},
    ),
    get("/virtual-machines/act/{vm}/", NOBODYS),
    get(VM, MACHINE_READ),
    get(f"{VM}live/", MACHINE_READ, inside=gone),
    post(f"{VM}act/", MACHINE_WRITE, lambda at: {"verb": "vm.start"}),
    *(
        post(f"{VM}act/", MACHINE_WRITE, sending(verb=verb), prepare=RUNNING)
        for verb in ("vm.stop", "vm.reboot")
    ),
    *dialog(f"{VM}act/destroy/", MACHINE_WRITE),
    *dialog(f"{VM}act/expunge/", MACHINE_WRITE, prepare=DESTROYED),
    get(f"{VM}console/", MACHINE_WRITE),
    get(f"{VM}console/live/", MACHINE_WRITE),
    post(f"{VM}console/refresh/", MACHINE_WRITE, prepare=RUNNING),
    get(f"{VM}console/download/", MACHINE_WRITE),
    get(f"{VM}placement/", MACHINE_READ, prepare=placed),
    get(f"{VM}placement/hosts/", PLACES),
    get(f"{VM}history/", MACHINE_READ),
    get(f"{VM}settings/", MACHINE_READ),
    post(f"{VM}settings/", MACHINE_WRITE, lambda at: {"kind": "vm.rename", "name": "renamed"}),
    post(f"{VM}settings/", MACHINE_WRITE, lambda at: {"kind": "vm.tag", "tags": "a=b"}),
    post(f"{VM}settings/", MACHINE_WRITE, lambda at: {"kind": "vm.protect", "protected": "on"}),
    post(
        f"{VM}settings/",
        MACHINE_WRITE,
        lambda at: {"kind": "vm.change_offering", "offering": str(at.world.offering.uuid)},
        done=(302,),
    ),
    get(f"{VM}transfer/", TRANSFER_ASKED),
    post(f"{VM}transfer/", HEIR_UNSEEN.but(simple="......-"), heir),
    get("/trash/", MACHINE_READ, lambda at: {"q": "vm-of"}, shown="vm", prepare=all_destroyed),
    get("/trash/", MACHINE_READ, lambda at: {"format": "csv"}, prepare=all_destroyed, **BY_NAME),
    post("/trash/act/", MACHINE_WRITE, lambda at: {"one": at.id("vm")}, prepare=DESTROYED),
    post(
        "/trash/act/",
        MACHINE_WRITE,
        lambda at: {"do": "expunge-confirmed", "id": at.id("vm"), "typed": "1"},
        prepare=DESTROYED,
    ),
    *dialog(
        "/trash/{vm}/delete/",
        MACHINE_WRITE,
        lambda at: {"name": at["vm"].name},
        prepare=DESTROYED,
    ),
    get("/templates/", TENANT_READ, lambda at: {"q": "template-of"}, shown="template"),
    get("/templates/", TENANT_READ, lambda at: {"format": "csv"}, shown="template", named=True),
    get("/templates/new/", SUPER_ONLY),
    post(
        "/templates/new/",
        SUPER_ONLY,
        lambda at: {
            "name": "new",
            "zone": str(at.world.zones["away"].uuid),
            "account": str(at.world.accounts["own"].uuid),
            "arch": "x86_64",
            "min_memory_mib": 0,
            "file": "image",
        },
    ),
    get(TEMPLATE, TENANT_READ),
    get("/templates/{public_template}/", ASKED_ANYWHERE),
    *dialog(
        f"{TEMPLATE}change/",
        OPERATED_CREATE,
        lambda at: {"name": "changed", "min_memory_mib": 0, "is_public": "on"},
    ),
    *dialog(f"{TEMPLATE}delete/", OPERATED_CREATE),
    get("/ssh-keys/", TENANT_READ, lambda at: {"q": "key-of"}, shown="ssh_key"),
    get("/ssh-keys/", TENANT_READ, lambda at: {"format": "csv"}, shown="ssh_key", named=True),
    get("/ssh-keys/new/", ASKED_ANYWHERE, lambda at: {"account": at.id("account")}),
    post(
        "/ssh-keys/new/",
        TENANT_WRITE,
        lambda at: {"name": "new", "account": at.id("account"), "public_key": PUBLIC_KEY},
    ),
    post(
        "/ssh-keys/new/",
        TENANT_WRITE,
        lambda at: {"name": "new", "account": at.id("account"), "do": "generate"},
    ),
    get(KEY, TENANT_READ),
    *dialog(f"{KEY}delete/", TENANT_WRITE),
    get("/jobs/", MACHINE_READ, shown="job"),
    get("/jobs/now/", EVERYBODY),
    get(JOB, MACHINE_READ),
    get(f"{JOB}live/", MACHINE_READ),
    post(f"{JOB}retry/", JOB_MEND, prepare=stuck),
    *dialog(f"{JOB}resolve/", JOB_MEND, prepare=stuck),
    *dialog(f"{JOB}cancel/", JOB_CANCEL),
    get("/events/", MACHINE_READ, lambda at: {"q": "vm-of"}, shown="event"),
    get("/events/", MACHINE_READ, lambda at: {"format": "jsonl", "q": "vm-of"}, shown="event"),
    get("/events/", EVERYBODY, lambda at: {"format": "csv"}),
    get("/events/", ASKED_ANYWHERE, lambda at: {"target": at.id("vm"), "format": "csv"}),
    get("/events/{event}/", MACHINE_READ),
]
