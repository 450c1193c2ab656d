"""Where the page of a job's or an event's object is."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Model
from django.urls import reverse

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Directory
from apps.compute.models import VirtualMachine
from apps.storage.models import PrimaryStorage, Template
from apps.zones.models import Cluster, Host, Pod, Zone

PAGES: dict[str, tuple[type[Model], str]] = {
    "virtual-machine": (VirtualMachine, "machine"),
    "template": (Template, "template"),
    "host": (Host, "host"),
    "cluster": (Cluster, "cluster"),
    "pod": (Pod, "pod"),
    "zone": (Zone, "zone"),
    "primary-storage": (PrimaryStorage, "primary-storage"),
    "directory": (Directory, "directory"),
}
"""By the kind of object: its model, and the name of its page's address."""


def href_of(actor: Actor, target_type: str, uuid: UUID | None) -> str:
    """The address of the object's page; empty for one that is gone, is not the actor's to see, or has no
    page."""
    if target_type not in PAGES or uuid is None:
        return ""
    model, name = PAGES[target_type]
    there = policy.visible(actor, model._default_manager.filter(uuid=uuid)).exists()
    return reverse(f"portal:{name}", args=[uuid]) if there else ""
